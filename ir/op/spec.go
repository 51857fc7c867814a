// Package op says what operators do to shapes, axes and cost, as tables over choices. Its entries are the rows of package operators with the
// rules that are here, by class and by name. Shape inference, coupling, operator keys and cost derive from them.
package op

import (
	"math"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// Spec describes one operator.
type Spec struct {
	Name, Domain string
	Axes         AxesRule
	Operands     int                // least number of operands
	Attrs        []Default          // attributes with a default value, which keys leave out
	Shape        func(c *Ctx) error // sets the outputs' shapes
	MACs         func(c *Ctx) error // adds multiply-accumulates; nil means none
	List         map[string]int     // lists that are an attribute in some opsets and constant operand i in others

	operands, results []operators.Operand
}

// Default is an attribute and the text of its default value.
type Default struct{ Name, Text string }

// AxesRule tells how an operator's output axes relate to those of its operands. Package axis interprets it.
type AxesRule uint8

// The axis rules.
const (
	AxesOpaque          AxesRule = iota // nothing is known: everything it touches is frozen
	AxesElementwise                     // operands align at the last axis, extents of 1 broadcast
	AxesSame                            // outputs have the axes of operand 0
	AxesSoftmax                         // as AxesSame; normalises along one axis
	AxesConv                            // [N C ...] with weight [O I k...] and bias [O]
	AxesConvTranspose                   // [N C ...] with weight [C O k...] and bias [O]
	AxesGemm                            // matrices, with transA and transB
	AxesMatMul                          // last axis with second to last, leading axes are batches
	AxesPool                            // batch and channels stay, space is new
	AxesUnpool                          // as AxesPool, with the axes of the pooling whose indices it has
	AxesGlobalPool                      // batch and channels stay, space becomes 1
	AxesReduce                          // reduced axes become 1 or vanish
	AxesFlatten                         // elements stay in order, shape is a matrix
	AxesReshape                         // elements stay in order
	AxesSqueeze                         // axes of extent 1 vanish
	AxesUnsqueeze                       // axes of extent 1 appear
	AxesTranspose                       // axes are permuted
	AxesConcat                          // one axis is a sum over operands
	AxesSplit                           // one axis is a sum over outputs
	AxesBatchNorm                       // parameters on axis 1
	AxesLayerNorm                       // parameters on the last axes
	AxesGroupNorm                       // axis 1 is groups of channels; parameters on it or on the groups
	AxesShape                           // reads extents, not elements
	AxesGather                          // one axis is picked from by constant indices
	AxesSlice                           // axes are cut at constant bounds
	AxesExpand                          // axes of extent 1 are repeated
	AxesPad                             // axes grow at their ends
	AxesDepthToSpace                    // channels of each position become a square of positions
	AxesSpaceToDepth                    // squares of positions become channels
	AxesTile                            // whole axes are repeated
	AxesEinsum                          // axes of one letter are one
	AxesArg                             // one axis is looked through for positions
	AxesTopK                            // one axis is sorted and cut
	AxesGatherElements                  // one axis is picked from, for each position along the others
	AxesScatterElements                 // one axis is written to, for each position along the others
	AxesGatherND                        // the axes after the batch's are picked from
	AxesScatterND                       // the first axes are written to
	AxesOneHot                          // a new axis for positions
	AxesRegions                         // regions come in the place of the batch, channels stay, space is that of a region
	AxesSampling                        // batch and channels stay, space is that of the places
	AxesRecurrent                       // gates of hidden elements, see package axis
	AxesQuantize                        // scales and zero points on one axis, or of all
	AxesQuantisedConv                   // as AxesConv, with scales and zero points between the operands
	AxesQuantisedMatMul                 // as AxesMatMul, with scales and zero points between the operands
	AxesQuantisedGemm                   // as AxesGemm, with scales and zero points between the operands
	AxesGroupQuery                      // heads of queries in groups that share keys and values
	AxesExperts                         // each token goes through some of several networks
	AxesSkipNorm                        // two operands are added, then as AxesLayerNorm
)

// Overrides are attributes that move with choices.
type Overrides = map[string][]dim.Dim

// Operand is what shape rules know of a value.
type Operand struct {
	Shape []dim.Dim // nil when unknown
	Type  ir.DType
	Const *ir.Tensor
	Ints  []dim.Dim // elements of a small integer tensor, when known: shape arithmetic
}

// Ctx is one application of an operator.
type Ctx struct {
	Node   *ir.Node
	Spec   Spec
	In     []Operand
	Out    []Operand
	Total  dim.Dim // multiply-accumulates at batch 1
	over   Overrides
	target func(n *ir.Node) []dim.Dim
	live   Live
	batch  dim.Dim            // of the inputs: 1 where none is open
	names  map[string]dim.Dim // of the inputs' extents
	err    error
}

// keep remembers the first error of arithmetic on extents.
func (c *Ctx) keep(d dim.Dim, err error) dim.Dim {
	if c.err == nil {
		c.err = err
	}
	return d
}

// Ints returns a list attribute as extents: moved by choices, as attribute or as constant operand, or nil.
func (c *Ctx) Ints(name string) []dim.Dim {
	if d, ok := c.over[name]; ok {
		return d
	}
	if list := c.Node.Ints(name); list != nil {
		return consts(list)
	}
	if i, ok := c.Spec.List[name]; ok && i < len(c.In) {
		if c.In[i].Ints != nil {
			return c.In[i].Ints
		}
		if c.In[i].Const != nil {
			if list, err := c.In[i].Const.Int64s(); err == nil {
				return consts(list)
			}
		}
	}
	return nil
}

// Fixed is Ints where no choice may move the list; ok is false when one does or it is unknown.
func (c *Ctx) Fixed(name string) (list []int, ok bool) {
	ds := c.Ints(name)
	for _, d := range ds {
		n, fixed := d.IsConst()
		if !fixed {
			return nil, false
		}
		list = append(list, n)
	}
	return list, ds != nil
}

func consts(list []int64) []dim.Dim {
	out := make([]dim.Dim, len(list))
	for i, n := range list {
		out[i] = dim.Const(nearest(n))
	}
	return out
}

// nearest is n, or the int nearest to it: the end of a Slice is often the largest number of 64 bits.
func nearest(n int64) int { return int(max(math.MinInt, min(n, math.MaxInt))) }

// Lookup returns the entry of an operator that has a shape rule.
func Lookup(domain, name string) (Spec, bool) {
	if domain == "ai.onnx" {
		domain = ""
	}
	s, ok := table[tableKey{domain, name}]
	return s, ok
}
