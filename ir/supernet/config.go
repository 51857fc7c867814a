package supernet

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// Config is what a configuration asks of the compiler, in the terms of the paper's section 4.3. Empty lists ask for nothing.
// Lists stand as they were written; Compile sorts them and checks them against the model.
type Config struct {
	Title     string
	Divisor   int      // widths are rounded to multiples of it
	Blocks    []string // templates that arch.blocks lists, nil if the config has no such entry
	Bases     []Base   // what expand ratios are relative to, by block type
	Inputs    []Extent // fixed input shapes
	Fusion    []string // fusion rule sets beside "none"
	Rigid     []Rigid  // nodes whose axes stay as they are
	Kept      []Kept   // blocks that depth does not drop
	Tied      bool     // all stages share one width multiplier and one width ratio
	DepthKeep int      // least number of blocks that stay in a stage
	Frozen    []FrozenChoice

	// Elsewhere returns the canonical graph of the model for another shape of an input. The graph is nil if only extents would differ, because the model computes
	// nothing from them. open tells whether the model leaves these extents open. Otherwise the exporter may have written numbers that follow from them.
	// own is the canonical graph at the model's own shapes. Elsewhere may be nil.
	Elsewhere func(own *ir.Graph, input string, shape []int) (g *ir.Graph, open bool, err error)

	Resolution    Values // sides of the square input
	Width         Values // multipliers of a stage's output width
	WidthSkipped  Values // stages that keep their width; negative counts from the end
	Depth         Values // zero or minus the number of blocks that are dropped
	DepthSkipped  Values
	BlocksSkipped []Var // stages in which a block type stays as it is; Name is "skipped"
	Vars          []Var // var.block_vars
}

// Rigid is a node that cannot follow the choices around it.
type Rigid struct {
	Node string
	Why  string
}

// Kept is a block that depth must leave.
type Kept struct {
	Stage, Place int
	Why          string
}

// Values is one list of the configuration and where it stands, such as "autotailor.toml:12".
type Values struct {
	List []float64
	Pos  string
}

// Base tells what a block type's expand ratio is relative to.
type Base struct {
	Block string
	Base  string // "in" or "out": the block's input or output width
	Pos   string
}

// Var is a modification (paper, section 4.3): the values that a list of the config offers for one kind of choice. Lists of stages and of the
// net have no block.
type Var struct {
	Block string // such as "InvertedResidual"; a name of the paper, such as "BottleneckBlock"; "" for all blocks
	Name  string // "kernel", "expand", "heads", "qk", "value"
	Values
}

// Extent fixes the shape of one input of the model.
type Extent struct {
	Input string
	Shape []int
	Pos   string
}

// Base reports what expand ratios of blocks of a name are relative to, "" when the config does not say.
func (c Config) Base(block string) string {
	for _, b := range c.Bases {
		if b.Block == block {
			return b.Base
		}
	}
	return ""
}

// Var returns the list called name that the config states for a block's name, empty when there is none.
func (c Config) Var(block, name string) Var { return find(c.Vars, block, name) }

// list returns the list called name that counts for a block: that of its own name before that of the paper's, before that of all blocks.
func (c Config) list(bl *Block, name string) Var {
	names := []string{bl.GoName, bl.Type}
	if group := shared[name]; slices.Contains(group, bl.Type) {
		names = append(names, group...)
	}
	for _, block := range append(names, "") {
		if v := c.Var(block, name); v.List != nil {
			return v
		}
	}
	return Var{}
}

// shared are the blocks that have one part in common: a list for one of them is for all, as with the paper's authors.
var shared = map[string][]string{
	"expand": {"FFN", "FFNBlock", "Transformer", "TransformerBlock"},
	"heads":  attending,
	"qk":     attending,
	"value":  attending,
}

var attending = []string{"Attention", "AttentionBlock", "Transformer", "TransformerBlock"}

// is tells whether a name in a config means bl: the block's own name, the paper's name, or "" for all blocks.
func (bl *Block) is(name string) bool { return name == "" || name == bl.GoName || name == bl.Type }

// key is the name of the list in the config.
func (v Var) key() string {
	if v.Block == "" {
		return v.Name
	}
	return v.Block + "." + v.Name
}

func find(vars []Var, block, name string) Var {
	for _, v := range vars {
		if v.Block == block && v.Name == name {
			return v
		}
	}
	return Var{}
}
