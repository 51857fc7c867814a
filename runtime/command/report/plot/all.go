package plot

import (
	"fmt"
	"image/color"
	"math"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/autotailor/autotailor/runtime/command/report"
)

var (
	blue = color.RGBA{R: 31, G: 95, B: 168, A: 255}
	red  = color.RGBA{R: 194, G: 59, B: 18, A: 255}
	grey = color.RGBA{R: 120, G: 130, B: 140, A: 255}
)

// All draws the plots of a page into a folder, each as PNG and SVG, and returns the files. What the page has no data for is left out.
func All(dir string, p report.Page) ([]string, error) {
	var out []string
	for _, f := range []struct {
		name string
		any  bool
		draw func(path string) error
	}{
		{"front", len(p.Front) > 0, func(path string) error { return Front(path, p.Title+": exact Pareto front", p.Metric, p.Front) }},
		{"operators", len(p.Kinds) > 0, func(path string) error {
			return bars(path, p.Title+": latency by kind of operator", "ms of the original", p.Kinds, func(k report.Kind) float64 { return k.MS })
		}},
		{"fusion", len(p.Groups) > 0, func(path string) error {
			return bars(path, p.Title+": operators that run as one kernel", "distinct groups", p.Groups, func(k report.Kind) float64 { return float64(k.Rows) })
		}},
		{"sensitivities", len(p.Heat) > 0, func(path string) error { return sensitivities(path, p) }},
		{"checked", len(p.Checked) > 0, func(path string) error { return checked(path, p) }},
	} {
		for _, ext := range []string{".png", ".svg"} {
			if !f.any {
				continue
			}
			path := filepath.Join(dir, f.name+ext)
			if err := f.draw(path); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			out = append(out, path)
		}
	}
	return out, nil
}

// bars draws a bar for each kind, the first on top, with the number of its rows.
func bars(path, title, label string, kinds []report.Kind, value func(k report.Kind) float64) error {
	q := plot.New()
	q.Title.Text, q.X.Label.Text, q.X.Min = title, label, 0
	n := len(kinds)
	var values plotter.Values
	names := make([]string, n)
	for i := range kinds {
		k := kinds[n-1-i]
		values, names[i] = append(values, value(k)), fmt.Sprintf("%s (%d)", k.Name, k.Rows)
		q.X.Max = max(q.X.Max, 1.05*value(k))
	}
	list, err := plotter.NewBarChart(values, vg.Points(10))
	if err != nil {
		return err
	}
	list.Horizontal, list.Color, list.LineStyle.Width = true, blue, 0
	xmax := q.X.Max
	q.Add(list)
	q.NominalY(names...)
	q.X.Max, q.Y.Min, q.Y.Max = xmax, -0.6, float64(n)-0.4
	return save(q, path, 18*vg.Centimeter, vg.Length(n)*0.6*vg.Centimeter+3*vg.Centimeter)
}

// sensitivities draws a square for each candidate of each choice: red for a loss of accuracy, blue for a gain, larger for more.
func sensitivities(path string, p report.Page) error {
	q := plot.New()
	q.Title.Text, q.X.Label.Text = p.Title+": accuracy that single modifications lose", "candidate (largest: the most accuracy lost, red, or won, blue)"
	most, widest := 0.0, 0
	n := len(p.Heat)
	names := make([]string, n)
	for i, r := range p.Heat {
		names[n-1-i], widest = r.Choice, max(widest, len(r.Cells))
		for _, c := range r.Cells {
			most = max(most, math.Abs(c.Loss))
		}
	}
	labels := plotter.XYLabels{}
	for i, r := range p.Heat {
		for k, c := range r.Cells {
			at := plotter.XYs{{X: float64(k), Y: float64(n - 1 - i)}}
			dot, err := plotter.NewScatter(at)
			if err != nil {
				return err
			}
			dot.Shape, dot.Radius, dot.Color = draw.BoxGlyph{}, vg.Points(0.7+4.3*math.Sqrt(math.Abs(c.Loss)/max(most, 1e-9))), red
			if c.Loss < 0 {
				dot.Color = blue
			}
			q.Add(dot)
			labels.XYs = append(labels.XYs, plotter.XY{X: float64(k) + 0.12, Y: at[0].Y - 0.25})
			labels.Labels = append(labels.Labels, fmt.Sprintf("%s: %.2f %%", c.Value, 100*c.Loss))
		}
	}
	texts, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	for i := range texts.TextStyle {
		texts.TextStyle[i].Font.Size = vg.Points(7)
	}
	q.Add(texts)
	q.NominalY(names...)
	q.X.Min, q.X.Max, q.Y.Min, q.Y.Max = -0.3, float64(widest), -0.7, float64(n)-0.3
	q.X.Tick.Marker = plot.ConstantTicks(nil)
	return save(q, path, vg.Length(widest)*2.6*vg.Centimeter+6*vg.Centimeter, vg.Length(n)*0.42*vg.Centimeter+3*vg.Centimeter)
}

// checked draws measured over predicted latency, with the diagonal on which they agree.
func checked(path string, p report.Page) error {
	q := plot.New()
	q.Title.Text = p.Title + ": predicted and measured"
	q.X.Label.Text, q.Y.Label.Text = "predicted latency, ms", "measured latency, ms"
	q.Add(plotter.NewGrid())
	points := make(plotter.XYs, len(p.Checked))
	lo, hi := math.Inf(1), 0.0
	for i, c := range p.Checked {
		points[i] = plotter.XY{X: c.Predicted, Y: c.Measured}
		lo, hi = min(lo, c.Predicted, c.Measured), max(hi, c.Predicted, c.Measured)
	}
	diagonal, err := plotter.NewLine(plotter.XYs{{X: lo, Y: lo}, {X: hi, Y: hi}})
	if err != nil {
		return err
	}
	diagonal.Color, diagonal.Dashes = grey, []vg.Length{vg.Points(4), vg.Points(3)}
	dots, err := plotter.NewScatter(points)
	if err != nil {
		return err
	}
	dots.Shape, dots.Color, dots.Radius = draw.CircleGlyph{}, blue, vg.Points(2.5)
	q.Add(diagonal, dots)
	return save(q, path, 14*vg.Centimeter, 13*vg.Centimeter)
}
