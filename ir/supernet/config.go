package supernet

import "slices"

// Config is what a configuration asks of the compiler, in the terms of the paper's section 4.3. Empty lists ask for nothing.
// Lists stand as they were written; Compile sorts them and checks them against the model.
type Config struct {
	Title     string
	Divisor   int      // widths are rounded to multiples of it
	Blocks    []string // templates that arch.blocks lists, nil when it does not stand there
	Bases     []Base   // what expand ratios are relative to, by block type
	Inputs    []Extent // fixed input shapes
	Fusion    []string // fusion rule sets beside "none"
	Rigid     []Rigid  // nodes whose axes stay as they are
	Tied      bool     // all stages share one width multiplier and one width ratio
	DepthKeep int      // least number of blocks that stay in a stage

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

// Var is a list for one block type.
type Var struct {
	Block string // such as "BottleneckResidualBlock"
	Name  string // "kernel_size", "expand_ratio", "head_ratio", "qk_ratio", "v_scale"
	Values
}

// Extent fixes the shape of one input of the model.
type Extent struct {
	Input string
	Shape []int
	Pos   string
}

// Base reports what expand ratios of a block type are relative to, "" when the config does not say.
func (c Config) Base(block string) string {
	for _, b := range c.Bases {
		if b.Block == block {
			return b.Base
		}
	}
	return ""
}

// Var returns the list called name of a block type, empty when there is none.
func (c Config) Var(block, name string) Values { return find(c.Vars, block, name) }

// feedForward are the block types with a Transformer's feed-forward network; a ratio for one is for both, as with the paper's authors.
var feedForward = []string{"FFNBlock", "TransformerBlock"}

// expandRatios returns the expand ratios of a block type.
func (c Config) expandRatios(block string) []float64 {
	if list := c.Var(block, "expand_ratio").List; list != nil || !slices.Contains(feedForward, block) {
		return list
	}
	for _, other := range feedForward {
		if list := c.Var(other, "expand_ratio").List; list != nil {
			return list
		}
	}
	return nil
}

// attending are the block types with an attention; a list for one is for both.
var attending = []string{"AttentionBlock", "TransformerBlock"}

// attention returns a list that concerns the attention of a block type.
func (c Config) attention(block, name string) []float64 {
	if list := c.Var(block, name).List; list != nil || !slices.Contains(attending, block) {
		return list
	}
	for _, other := range attending {
		if list := c.Var(other, name).List; list != nil {
			return list
		}
	}
	return nil
}

// Skipped returns the stages in which a block type stays as it is.
func (c Config) Skipped(block string) Values { return find(c.BlocksSkipped, block, "skipped") }

func find(vars []Var, block, name string) Values {
	for _, v := range vars {
		if v.Block == block && v.Name == name {
			return v.Values
		}
	}
	return Values{}
}
