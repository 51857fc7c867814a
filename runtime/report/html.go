package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
)

//go:embed page.html
var page string

// Page is what the HTML report shows. Empty parts are left out.
type Page struct {
	Title   string
	Facts   []Fact // about the device and the measurement
	Kinds   []Kind // the latency table by kind of operator
	Groups  []Kind // what the device runs as one kernel
	Front   []Point
	Heat    []HeatRow
	Checked []Checked
	Cliffs  []Cliff
}

// Fact is a line of the header.
type Fact struct{ Name, Value string }

// Kind sums up operators of one kind.
type Kind struct {
	Name   string
	Rows   int     // of the table
	Share  float64 // of the original's latency, from 0 to 1
	Failed int
}

// HeatRow is what the candidates of one choice cost in accuracy.
type HeatRow struct {
	Choice string
	Cells  []Cell
}

// Cell is one candidate: the loss of accuracy, from 0 to 1.
type Cell struct {
	Value string
	Loss  float64
}

// Checked is a SubNet that was measured.
type Checked struct {
	SubNet              string
	Predicted, Measured float64 // ms
}

// Off returns by how much the prediction is off, as a share of what was measured.
func (c Checked) Off() float64 { return c.Predicted/c.Measured - 1 }

// Cliff is a candidate that another one, which keeps more, is not slower than.
type Cliff struct {
	Choice  string  `json:"choice"`
	Value   string  `json:"value"`
	Wider   string  `json:"wider"`
	MS      float64 `json:"ms"` // latency with each, everything else as in the original
	WiderMS float64 `json:"wider_ms"`
}

// HTML writes the page as one file that needs nothing else.
func HTML(w io.Writer, p Page) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"percent": func(x float64) string { return fmt.Sprintf("%.2f", 100*x) },
		"ms":      func(p Point) float64 { return float64(p.Latency.Nanoseconds()) / 1e6 },
		"heat":    heat,
		"place":   place,
	}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

// heat is the colour of a loss: white for none, red from a loss of 10 % on.
func heat(loss float64) template.CSS {
	strength := min(1, max(0, loss)/0.1)
	return template.CSS(fmt.Sprintf("background:hsl(8,80%%,%.0f%%)", 100-45*math.Sqrt(strength)))
}

// spot is a point of a plot with its place in pixels.
type spot struct {
	X, Y float64
	Text string
}

// place puts the front into a plot of 600 by 300 pixels.
func place(front []Point) []spot {
	if len(front) == 0 {
		return nil
	}
	first, last := front[0], front[len(front)-1]
	scale := func(v, lo, hi, size float64) float64 { return size * (v - lo) / max(hi-lo, 1e-12) }
	var out []spot
	for _, p := range front {
		out = append(out, spot{
			X:    40 + scale(float64(p.Latency), float64(first.Latency), float64(last.Latency), 540),
			Y:    280 - scale(p.Accuracy, first.Accuracy, last.Accuracy, 260),
			Text: fmt.Sprintf("%.3f ms, %.2f %%: %s", float64(p.Latency.Nanoseconds())/1e6, 100*p.Accuracy, p.SubNet),
		})
	}
	return out
}
