// Package config reads and writes autotailor.toml: the SuperNet settings of the AutoTailor paper (section 4.3) and a few keys of ours.
//
// Reading is strict, and complete: every mistake of a file is reported at once, each with its line and, where a
// name is close to a known one, a suggestion.
package config

import (
	"fmt"

	"github.com/autotailor/autotailor/ir/supernet"
)

// Config is a configuration as it stands in a file. Absent keys have their default or are empty.
type Config struct {
	File    string // as given to Read; positions start with it
	Title   string
	Model   string // path of the ONNX file, relative to the config file
	Package string // Go package name
	Out     string // output folder, relative to the config file
	PyTorch string // folder of the PyTorch package, relative to the config file; "" for none
	Fusion  []string
	Inputs  []Input
	Data    Data
	Task    string // what the model is for; "" for classification
	Metric  string // one of the task's metrics, "" for the first

	Blocks  []string // arch.blocks, nil when absent
	Divisor int
	Bases   []Base

	Resolution   []float64
	Width        []float64
	WidthSkipped []float64
	Depth        []float64
	DepthSkipped []float64
	DepthKeep    int
	Skipped      []List // stages in which a block type is frozen
	Vars         []List // var.block_vars
	Frozen       []Frozen

	lines map[string]int // of every key that stands in the file, by dotted path in our words
}

// Data tells how images become the model's input: padded with zeros, divided by 255, less the mean and divided by the
// standard deviation of each channel. Pictures of any size are scaled before, so that their shorter side has Resize pixels (0: the side of the
// model's input), and their centre is taken.
type Data struct {
	Pad       int
	Resize    int
	Mean, Std []float64
	// Of rows (arrays, CSV, JSON lines, text): the field of targets, the token that fills short rows, the tokens of a sample, whether a CSV file has a header.
	Label        string
	Fill, Window int
	Header       string
}

// Input fixes the shape of one model input.
type Input struct {
	Name  string
	Shape []int
}

// Base tells what a block type's expand ratios are relative to: "in" or "out".
type Base struct{ Block, Base string }

// List is a list of values for blocks of one name, or for all when Block is empty. Name is empty for skipped stages.
type List struct {
	Block, Name string
	Values      []float64
}

// path is the key of a list of candidates.
func (l List) path() string {
	if l.Block == "" {
		return "var.block_vars." + l.Name
	}
	return "var.block_vars." + l.Block + "." + l.Name
}

// The defaults of keys that a file leaves out.
const (
	DefaultDivisor   = 8
	DefaultDepthKeep = 1
)

// DefaultFusion lists the rule sets of the engines and drivers that come with autotailor.
func DefaultFusion() []string { return []string{"embedded", "onnxruntime", "ncnn"} }

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		Divisor: DefaultDivisor, DepthKeep: DefaultDepthKeep, Fusion: DefaultFusion(), lines: map[string]int{},
	}
}

// Pos returns where the key with the given dotted path stands: file:line, or the file alone when it is absent.
func (c Config) Pos(path string) string {
	if n := c.lines[path]; n > 0 {
		return fmt.Sprintf("%s:%d", c.File, n)
	}
	return c.File
}

// templates are what arch.blocks asks for, as the paper's authors call them: that is how templates find blocks.
func (c Config) templates() []string {
	if c.Blocks == nil {
		return nil
	}
	out := []string{}
	for _, name := range c.Blocks {
		out = append(out, authors(name)...)
	}
	return out
}

// Supernet returns what the compiler needs.
func (c Config) Supernet() supernet.Config {
	at := func(list []float64, path string) supernet.Values {
		return supernet.Values{List: list, Pos: c.Pos(path)}
	}
	s := supernet.Config{
		Title: c.Title, Divisor: c.Divisor, Blocks: c.templates(), Fusion: c.Fusion, DepthKeep: c.DepthKeep,
		Resolution:   at(c.Resolution, "var.global_vars.resolution"),
		Width:        at(c.Width, "var.stage_vars.width"),
		WidthSkipped: at(c.WidthSkipped, "var.stage_vars.width_skipped"),
		Depth:        at(c.Depth, "var.stage_vars.depth"),
		DepthSkipped: at(c.DepthSkipped, "var.stage_vars.depth_skipped"),
	}
	for _, b := range c.Bases {
		s.Bases = append(s.Bases, supernet.Base{Block: b.Block, Base: b.Base, Pos: c.Pos("arch." + b.Block + ".expand_base")})
	}
	for _, in := range c.Inputs {
		s.Inputs = append(s.Inputs, supernet.Extent{Input: in.Name, Shape: in.Shape, Pos: c.Pos("input." + in.Name)})
	}
	for _, l := range c.Skipped {
		path := "var.stage_vars." + l.Block + "_skipped"
		s.BlocksSkipped = append(s.BlocksSkipped, supernet.Var{Block: l.Block, Name: "skipped", Values: at(l.Values, path)})
	}
	for _, l := range c.Vars {
		s.Vars = append(s.Vars, supernet.Var{Block: l.Block, Name: l.Name, Values: at(l.Values, l.path())})
	}
	for _, f := range c.Frozen {
		s.Frozen = append(s.Frozen, supernet.FrozenChoice{Kind: supernet.ChoiceKind(f.Choice), Node: f.Node, Why: f.Why, Pos: c.frozenAt(f)})
	}
	return s
}
