package view

import (
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Call is one call of an nn.Builder method. Which fields are used follows from Method.
type Call struct {
	Method  Method
	Node    int          // node in the graph that it stands for
	Name    string       // of that node
	Role    string       // the node's role within its block, such as "expand"
	In, Out []ir.ValueID // operands and results, without parameters
	Rec     Rec          // the record argument, such as an nn.Conv
	Cuts    []Cut        // the cuts of the record's parameters
	Ints    []int        // fixed numbers: axes, a permutation
	Keep    bool         // of Mean
	Dims    []dim.Dim    // extents: split sizes, the shape of a Reshape or Expand, the shapes of an Op's results one after the other
	Ranges  []nn.Range   // of Slice
	Type    nn.DType     // of Cast
	Const   nn.Attr      // of Int, Ints, Float and Floats: an attribute of ONNX's Constant
	Ranks   []int        // of an Op's results; nil when their shapes follow from the operands
}

// IsLiteral tells whether the call makes a number or a list of numbers a value.
func (c *Call) IsLiteral() bool { return c.Const.Name != "" }

// Rec is the record argument of a Call: at most one field is set.
type Rec struct {
	Conv      *nn.Conv
	Linear    *nn.Linear
	BatchNorm *nn.BatchNorm
	LayerNorm *nn.LayerNorm
	Param     *nn.Param
	Pool      *nn.Pool
	Act       *nn.Act
	Resize    *nn.Resize
	Op        *nn.Op
}

// set tells whether the call has a record argument.
func (r Rec) set() bool {
	return r.hasParams() || r.Pool != nil || r.Act != nil || r.Resize != nil || r.Op != nil
}

// hasParams tells whether the record names tensors. Then it differs between all places of the net.
func (r Rec) hasParams() bool {
	return r.Conv != nil || r.Linear != nil || r.BatchNorm != nil || r.LayerNorm != nil || r.Param != nil
}

// Cut is a method of a record that keeps a part of its parameters, such as Out(n).
type Cut struct {
	Verb string
	Axis int            // of Param.Cut and Param.Pick
	Full int            // extent of the axis in the model
	N    dim.Dim        // kept positions, when Pick is nil
	Pick *Pick          // kept positions of a structured axis
	Grid *supernet.Grid // of a positional axis: N is the side of its map
}

// Pick mirrors nn.Pick. Its extents may depend on choices.
type Pick struct {
	Size   int
	Keep   dim.Dim // of a leaf
	Centre bool
	Sum    bool
	Of     []Pick
}

// moves tells whether the cut removes anything in some SubNet.
func (c Cut) moves() bool {
	if c.Pick != nil || c.Grid != nil {
		return true
	}
	n, ok := c.N.IsConst()
	return !ok || n != c.Full
}

// dims lists the places where the call takes an extent, in emission order.
func (c *Call) dims() []*dim.Dim {
	var out []*dim.Dim
	for i := range c.Cuts {
		if c.Cuts[i].Pick != nil {
			out = append(out, c.Cuts[i].Pick.dims()...)
		} else {
			out = append(out, &c.Cuts[i].N)
		}
	}
	for i := range c.Dims {
		out = append(out, &c.Dims[i])
	}
	return out
}

func (p *Pick) dims() []*dim.Dim {
	if len(p.Of) == 0 {
		return []*dim.Dim{&p.Keep}
	}
	var out []*dim.Dim
	for i := range p.Of {
		out = append(out, p.Of[i].dims()...)
	}
	return out
}

// Body is a single-entry region of the net as calls.
type Body struct {
	In, Out []ir.ValueID
	Calls   []Call

	inGenes, outGenes []dim.Choice // the choices on which the extents of In and Out depend, without the resolution
}
