package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// compare prints a line for each budget, from the fastest of our SubNets to the slowest, and writes them as a table and as a plot, and what
// was measured as another table.
func (b *bench) compare(methods []method) error {
	if err := b.list(methods); err != nil {
		return err
	}
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = m.name
	}
	table := "| budget ms | " + strings.Join(names, " | ") + " |\n|" + strings.Repeat("---|", len(names)+1) + "\n"
	lines := make([]plotter.XYs, len(methods))
	behind, worst := 0, 0
	for _, budget := range budgets(methods[0].found, b.o.budgets) {
		ours, _ := methods[0].choose(budget)
		lost := 0
		text, row := fmt.Sprintf("adapt %s budget_ms=%.3f", b.name, budget), fmt.Sprintf("| %.3f |", budget)
		for i := range methods {
			c, ok := methods[i].choose(budget)
			if !ok {
				text, row = text+fmt.Sprintf(" %s=-", names[i]), row+" |"
				continue
			}
			share := float64(c.correct) / float64(b.o.test)
			text, row = text+fmt.Sprintf(" %s=%.4f", names[i], share), row+fmt.Sprintf(" %.2f |", 100*share)
			lines[i] = append(lines[i], plotter.XY{X: budget, Y: 100 * share})
			if !methods[i].ablation {
				lost = max(lost, c.correct-ours.correct)
			}
		}
		fmt.Println(text)
		table += row + "\n"
		if lost > 0 {
			behind++
		}
		worst = max(worst, lost)
	}
	fmt.Printf("adapt %s budgets=%d behind=%d worst=%.4f\n", b.name, b.o.budgets, behind, float64(worst)/float64(b.o.test))
	if err := os.WriteFile(filepath.Join(b.dir, "adapt.md"), []byte(table), 0o666); err != nil {
		return err
	}
	return draw(filepath.Join(b.dir, "adapt.png"), names, lines)
}

// list writes all candidates, separated by tabs.
func (b *bench) list(methods []method) error {
	text := "method\tms\ttrain\ttest\tsubnet\n"
	for _, m := range methods {
		for _, c := range m.found {
			text += fmt.Sprintf("%s\t%.4f\t%d\t%d\t%s\n", m.name, c.ms, c.counted, c.correct, b.format(c.genes))
		}
	}
	return os.WriteFile(filepath.Join(b.dir, "adapt.tsv"), []byte(text), 0o666)
}

// budgets are n latencies in equal steps, from the fastest candidate's to the slowest's.
func budgets(found []candidate, n int) []float64 {
	low, high := found[0].ms, found[0].ms
	for _, c := range found {
		low, high = min(low, c.ms), max(high, c.ms)
	}
	list := make([]float64, n)
	for k := range list {
		list[k] = low + (high-low)*float64(k)/float64(max(n-1, 1))
	}
	return list
}

// draw plots accuracy over budget, as far as ours reaches.
func draw(path string, names []string, lines []plotter.XYs) error {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "latency budget, ms", "accuracy, %"
	p.Legend.Top = false
	for i, xy := range lines {
		if len(xy) == 0 {
			continue
		}
		l, points, err := plotter.NewLinePoints(xy)
		if err != nil {
			return err
		}
		l.Color, points.Color, points.Shape = plotutil.Color(i), plotutil.Color(i), plotutil.Shape(i)
		p.Add(l, points)
		p.Legend.Add(names[i], l, points)
	}
	if ours := lines[0]; len(ours) > 0 { // others may be far below
		low, high := ours[0].Y, ours[0].Y
		for _, q := range ours {
			low, high = min(low, q.Y), max(high, q.Y)
		}
		p.Y.Min, p.Y.Max = low-(high-low)/5, high+(high-low)/5
	}
	return p.Save(16*vg.Centimeter, 10*vg.Centimeter, path)
}
