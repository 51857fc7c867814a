// Package supernet holds the SuperNet of a model: its modules (operators, blocks, stages, net),
// its choices, and every extent as a finite function of the choices.
//
// A module of each level has a Feature and can Transform, Update and Build: one file for each of the four. Package ir tells the story.
package supernet

import (
	"math/big"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
)

// Net is a compiled SuperNet.
type Net struct {
	Graph   *ir.Graph   // canonical graph
	Choices []Choice    // in gene order
	Stages  []*Stage    // in execution order; together they hold every node once
	Nodes   []*Op       // by node index in Graph
	Shapes  [][]dim.Dim // of every value, by ValueID; the batch axis of an activation is dim.Batch()
	Frozen  []Frozen    // axes that stay fixed, with the node and rule that froze them
	Unowned []Free      // axes that could move, and no choice moves
	Batched bool        // axis 0 of inputs and outputs is the batch

	Warnings []string // entries of the config without effect, with their position

	Modifications int      // candidates over all choices, as configured: the paper's count (Table 3)
	Raw           *big.Int // product of the configured numbers of candidates: the paper's count of variants

	coupling *axis.Coupling // which axes are cut together, see Why
	leaves   map[axis.Var]dim.Dim
	beside   map[axis.Var]*axis.Reason // leaves that stay whole because another factor of the same axes moves
	binder   *binder                   // while Compile is at work
}

// ChoiceKind names what a choice varies.
type ChoiceKind string

// The kinds of choices.
const (
	Resolution ChoiceKind = "resolution" // side of the square input, pixels
	Width      ChoiceKind = "width"      // multiplier of a stage's output width
	Depth      ChoiceKind = "depth"      // number of blocks kept, from the first
	Expand     ChoiceKind = "expand"     // ratio of a block's inner width to its base width
	Kernel     ChoiceKind = "kernel"     // convolution kernel side
	Ratio      ChoiceKind = "ratio"      // share of a generic block's inner width
	Heads      ChoiceKind = "heads"      // share of an attention's heads, from the first
	QK         ChoiceKind = "qk"         // share of each head's query and key dimension
	Value      ChoiceKind = "value"      // ratio of each head's value dimension to its query dimension
)

// Choice is an elastic choice: a name, a scope and its candidates, largest first.
// Candidate 0 is the original model.
type Choice struct {
	Name       string // such as "resolution", "stage3.depth", "stage3.1.expand"
	Was        string // its name in texts of version 1, "" when it is the same
	Kind       ChoiceKind
	Stage      int // index of the stage, -1 for the net
	Block      int // index among the stage's blocks that have choices, -1 for stage and net
	Candidates []float64
	Configured int // number of candidates in the config, aliases included: the paper's count

	List   string // the name of the blocks that the list is for; "" when it is for all blocks, for stages or for the net
	Stated string // List as it stands in the config, where the paper's name may be used
	Whole  bool   // the candidates are those of the list
	Like   string // for choices of blocks: the property of the model that decides which values of the list are candidates
	Live   Need
}

// Need is a condition on one choice: candidate index < Below. The zero Need always holds.
type Need struct {
	Choice dim.Choice
	Below  uint8
}

// Stage is a run of items between changes of output width, rank or resolution.
type Stage struct {
	Index   int // as the paper's authors count (0-based)
	Items   []Item
	Width   int   // output channels at the largest SubNet
	Choices []int // genes of this stage's own choices (width, depth)
}

// Item is one step of the net's main flow: a single operator, or a block.
type Item struct {
	Nodes []int        // node indices in execution order
	In    []ir.ValueID // values from outside, without constants and parameters; a block's first one is on the main flow
	Out   []ir.ValueID // values used outside; the first one is on the main flow
	Block *Block       // nil for operators between blocks

	Beside bool // its results are not on the main flow: masks, tables of positions
}

// Block is a region that a template recognised, or a generic one.
type Block struct {
	Type      string // template name such as "BottleneckResidualBlock"; "" when generic
	GoName    string // name for the Go type, such as "InvertedResidual"
	Doc       string // one sentence for the Go type's comment
	Stage     int    // index in Net.Stages
	Item      int    // among the stage's items
	Place     int    // among the stage's blocks
	Choices   []int  // genes of the block's own choices
	Lists     int    // lists of the config that are for this block: more than Choices where the model leaves nothing to choose
	Skippable bool   // x + f(x): removing it leaves x
	Live      Need
	Roles     map[int]string // node index -> role name within the template: "expand", "depthwise", "project"

	parts   []Item     // of the flow that the block was made of, without the activations after them
	elastic int        // blocks before it in its stage that have choices: its index in texts and in Go's Blocks
	widens  bool       // expand ratios are relative to the input's width, see Match
	inner   []int      // nodes whose output width expand moves
	kernels []int      // convolutions whose window kernel moves
	scores  int        // product of queries and keys, 0 when the block has no attention
	mix     int        // product of scores and values
	grows   int        // Concat of the input and what is made of it, 0 when the block has none
	growth  []axis.Var // what that adds to the channels
}

// Op is one operator of the net with its elastic description.
type Op struct {
	Index  int // in Net.Nodes
	Node   *ir.Node
	Stage  int                  // index in Net.Stages
	Block  *Block               // nil outside blocks
	Params []Param              // parameter operands, in operand order
	Attrs  map[string][]dim.Dim // attributes that move with choices, such as kernel_shape, pads, group
}

// Param is a parameter operand and how it is cut.
type Param struct {
	Operand int // index in Node.In
	Value   ir.ValueID
	Axes    []Axis // per axis; nil Axes when nothing is ever cut
}

// Axis tells which positions of a parameter's axis are kept. The zero Axis keeps all.
type Axis struct {
	Size   int     // full extent of a leaf
	Keep   dim.Dim // kept positions of a leaf
	Centre bool    // keep the centre positions (kernels), not the first
	Sum    bool    // Of are concatenated terms, not nested factors
	Of     []Axis
	Grid   *Grid // describes an axis that is interpolated with its map; then the other fields are unused
}

// Frozen tells why an axis stays fixed.
type Frozen struct {
	Value string // tensor name
	Axis  int
	Size  int
	Node  string // node that froze it
	Why   string
}
