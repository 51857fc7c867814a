package report

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
)

// files are the page's parts: the frame, its style, and scripts that draw the data.
//
//go:embed page
var files embed.FS

// scripts are the page's scripts in their order.
var scripts = []string{"page.js", "front.js", "net.js", "parts.js"}

// Page is what the HTML report shows. Empty parts are left out.
type Page struct {
	Title    string    `json:"title"`
	Package  string    `json:"package"`  // begins the names of saved pictures
	Command  string    `json:"command"`  // how the package's command is run, such as "go run ./cmd/net"
	Model    string    `json:"model"`    // what its --model is
	Note     string    `json:"note"`     // about Model, below the commands; "" for none
	LUT      string    `json:"lut"`      // what its --lut is
	Metric   Metric    `json:"metric"`   // what accuracies are
	Accuracy string    `json:"accuracy"` // what its --accuracy is, where statistics of SubNets or images for them stand beside that file; else ""
	Facts    []Fact    `json:"facts"`    // about the device and the measurement
	Stages   []Stage   `json:"stages"`
	Choices  []Choice  `json:"choices"`
	Front    []Point   `json:"front"`    // fastest first
	Original *Point    `json:"original"` // the SuperNet itself, for comparison
	Kinds    []Kind    `json:"kinds"`    // the latency table by kind of operator
	Groups   []Kind    `json:"groups"`   // what the device runs as one kernel
	Heat     []HeatRow `json:"heat"`
	Checked  []Checked `json:"checked"`
	Cliffs   []Cliff   `json:"cliffs"`
}

// Metric says what is shown as accuracy. The zero Metric is accuracy in percent.
type Metric struct {
	Name string `json:"name"` // "" for accuracy
	Raw  bool   `json:"raw"`  // values are shown as they are, not in percent, and lower ones are better
}

// Axis names the values of m and their unit.
func (m Metric) Axis() string {
	name := cmp.Or(m.Name, "accuracy")
	if m.Raw {
		return name
	}
	return name + ", %"
}

// Shown is a value as it is shown.
func (m Metric) Shown(v float64) float64 {
	if m.Raw {
		return v
	}
	return 100 * v
}

// Fact is a line of the header.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Stage is a stage of the SuperNet.
type Stage struct {
	Index  int      `json:"index"`
	Width  int      `json:"width"`  // channels of its output
	Blocks []string `json:"blocks"` // types

	Elastic []int `json:"elastic,omitempty"` // see supernet.Stage
}

// Choice is a choice of the SuperNet: "stage2.depth" belongs to a stage, "stage2.0.expand" to a block, "resolution" to the net.
type Choice struct {
	Name   string   `json:"name"`
	Kind   string   `json:"kind"`
	Values []string `json:"values"` // the original's first
}

// Kind sums up operators of one kind.
type Kind struct {
	Name   string  `json:"name"`
	Rows   int     `json:"rows"`  // of the table
	Share  float64 `json:"share"` // of the original's latency, from 0 to 1
	MS     float64 `json:"ms"`    // of the original's latency
	Failed int     `json:"failed"`
}

// HeatRow is what the candidates of one choice cost in accuracy.
type HeatRow struct {
	Choice string `json:"choice"`
	Cells  []Cell `json:"cells"`
}

// Cell is one candidate: the loss of accuracy, or of quality at another task, from 0 to 1.
type Cell struct {
	Value string  `json:"value"`
	Loss  float64 `json:"loss"`
}

// Checked is a SubNet that was measured.
type Checked struct {
	SubNet    string  `json:"subnet"`
	Predicted float64 `json:"predicted"` // ms
	Measured  float64 `json:"measured"`  // ms
}

// Cliff is a candidate that another one, which keeps more, is not slower than.
type Cliff struct {
	Choice  string  `json:"choice"`
	Value   string  `json:"value"`
	Wider   string  `json:"wider"`
	MS      float64 `json:"ms"` // latency with each, everything else as in the original
	WiderMS float64 `json:"wider_ms"`
}

// HTML writes the page as one file that needs nothing else: style, scripts and data are inside.
func HTML(w io.Writer, p Page) error {
	style, err := files.ReadFile("page/style.css")
	if err != nil {
		return err
	}
	var script []byte
	for _, name := range scripts {
		part, err := files.ReadFile("page/" + name)
		if err != nil {
			return err
		}
		script = append(script, part...)
	}
	t, err := template.ParseFS(files, "page/page.html")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return t.Execute(w, struct {
		Page   Page
		Style  template.CSS
		Script template.JS
	}{p.full(), template.CSS(style), template.JS(script)})
}

// full has empty lists where p has none.
func (p Page) full() Page {
	p.Facts, p.Stages, p.Choices, p.Front = list(p.Facts), list(p.Stages), list(p.Choices), list(p.Front)
	p.Kinds, p.Groups, p.Heat, p.Checked, p.Cliffs = list(p.Kinds), list(p.Groups), list(p.Heat), list(p.Checked), list(p.Cliffs)
	return p
}

func list[T any](s []T) []T { return append([]T{}, s...) }
