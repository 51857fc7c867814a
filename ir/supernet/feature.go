package supernet

import (
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// Feature is the architecture of a module (paper, section 4.1.1). Its extents are functions of the choices: together they are the meta
// feature, all that the module can be. At gives the active feature, what it is in one SubNet.
type Feature struct {
	Choices []int                // genes of the module's own choices
	Live    Need                 // when the module is present
	In, Out [][]dim.Dim          // shapes of its inputs and results; a value that is left out has none
	Attrs   map[string][]dim.Dim // an operator's attributes that choices move
}

// Active is a feature at one SubNet.
type Active struct {
	Live    bool
	In, Out [][]int // at batch 1
	Attrs   map[string][]int
}

// At returns the active feature of the SubNet with the given genes.
func (f Feature) At(genes []uint8) Active {
	a := Active{Live: f.Live.Holds(genes), In: shapesAt(f.In, genes), Out: shapesAt(f.Out, genes), Attrs: map[string][]int{}}
	for name, d := range f.Attrs {
		a.Attrs[name] = extentsAt(d, genes)
	}
	return a
}

func shapesAt(shapes [][]dim.Dim, genes []uint8) [][]int {
	out := make([][]int, len(shapes))
	for k, s := range shapes {
		out[k] = extentsAt(s, genes)
	}
	return out
}

func extentsAt(s []dim.Dim, genes []uint8) []int {
	out := make([]int, len(s))
	for k, d := range s {
		out[k] = d.At(genes)
	}
	return out
}

// Holds tells whether the condition holds in the SubNet with the given genes.
func (n Need) Holds(genes []uint8) bool { return n.Below == 0 || genes[n.Choice] < n.Below }

// Feature describes the operator: the shapes of its operands, parameters included, and of its results, and the attributes that move.
func (o *Op) Feature(n *Net) Feature {
	f := Feature{In: n.shapes(o.Node.In), Out: n.shapes(o.Node.Out), Attrs: o.Attrs}
	if o.Block != nil {
		f.Live = o.Block.Live
	}
	return f
}

// Feature describes the block: the shapes of its inputs and results, its choices, and when it is present.
func (bl *Block) Feature(n *Net) Feature {
	f := n.item(bl).Feature(n)
	f.Choices, f.Live = bl.Choices, bl.Live
	return f
}

// Feature describes a step of the main flow: a block, or the operators between blocks as if they were one.
func (it Item) Feature(n *Net) Feature { return Feature{In: n.shapes(it.In), Out: n.shapes(it.Out)} }

// Feature describes the stage: the shapes of its first item's inputs and of its last item's results, and its choices of width and depth.
func (s *Stage) Feature(n *Net) Feature {
	first, last := s.Items[0], s.Items[len(s.Items)-1]
	return Feature{Choices: s.Choices, In: n.shapes(first.In), Out: n.shapes(last.Out)}
}

// Feature describes the net: the shapes of the model's inputs and outputs, and the choices that belong to no stage or block.
func (n *Net) Feature() Feature {
	f := Feature{In: n.shapes(n.Graph.Inputs), Out: n.shapes(n.Graph.Outputs)}
	for g, c := range n.Choices {
		if c.Stage < 0 {
			f.Choices = append(f.Choices, g)
		}
	}
	return f
}

// Needs tells when each value is there, the model's inputs and outputs among them: one that a block makes, or that blocks alone read, is there only
// while the block is.
func (n *Net) Needs() []Need {
	out := make([]Need, len(n.Graph.Values))
	readers, made := make([]int, len(out)), make([]bool, len(out))
	for _, o := range n.Nodes {
		live := Need{}
		if o.Block != nil {
			live = o.Block.Live
		}
		for _, id := range o.Node.In { // one that a node reads twice counts as once
			if made[id] {
				continue
			}
			switch was := out[id]; {
			case readers[id] == 0:
				out[id] = live
			case live.Below == 0 || was.Below == 0 || live.Choice != was.Choice:
				out[id] = Need{}
			default:
				out[id].Below = max(was.Below, live.Below)
			}
			readers[id]++
		}
		for _, id := range o.Node.Out {
			out[id], made[id] = n.makes(o, id), true
		}
	}
	return out
}

// makes tells when operator o makes id. A value on the main flow is there even if its block is removed, because the block's input replaces it.
func (n *Net) makes(o *Op, id ir.ValueID) Need {
	if o.Block == nil {
		return Need{}
	}
	if n.item(o.Block).Out[0] == id {
		return Need{}
	}
	return o.Block.Live
}

// shapes returns the shapes of values, nil for those that are left out.
func (n *Net) shapes(ids []ir.ValueID) [][]dim.Dim {
	out := make([][]dim.Dim, len(ids))
	for k, id := range ids {
		out[k] = n.Shapes[id]
	}
	return out
}

// item is the step of the main flow that a block is.
func (n *Net) item(bl *Block) Item { return n.Stages[bl.Stage].Items[bl.Item] }
