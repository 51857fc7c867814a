package supernet

import (
	"cmp"
	"math/big"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir/cost"
	"github.com/autotailor/autotailor/ir/dim"
)

// rawFactor multiplies the number of raw variants.
func (n *Net) rawFactor(candidates int) {
	if candidates > 0 {
		n.Raw.Mul(n.Raw, big.NewInt(int64(candidates)))
	}
}

// Distinct counts the SubNets that differ. Choices of removed blocks do not count. Candidates that mean the same network were merged when the choices were
// made. Ratios that coincide only at some widths of the stage count as different.
func (n *Net) Distinct() *big.Int {
	total := big.NewInt(1)
	for g, c := range n.Choices {
		switch {
		case c.Live.Below > 0: // counted together with the depth choice that it depends on
		case c.Kind == Depth:
			total.Mul(total, n.distinctDepth(dim.Choice(g)))
		default:
			total.Mul(total, big.NewInt(int64(len(c.Candidates))))
		}
	}
	return total
}

// distinctDepth sums over the candidates of depth choice g: for each, the variants of the choices that matter at that depth.
func (n *Net) distinctDepth(g dim.Choice) *big.Int {
	sum := new(big.Int)
	for k := range n.Choices[g].Candidates {
		alive := big.NewInt(1)
		for _, c := range n.Choices {
			if c.Live.Below > 0 && c.Live.Choice == g && k < int(c.Live.Below) {
				alive.Mul(alive, big.NewInt(int64(len(c.Candidates))))
			}
		}
		sum.Add(sum, alive)
	}
	return sum
}

// Uncounted is an operator whose multiply-accumulates no count includes.
type Uncounted struct {
	Op    string // with its domain where that is not ONNX's own
	Nodes int
}

// Uncounted lists the operators that counts leave out: they have no rule, their subgraphs run depending on the data, or their shapes are unknown. Operators
// with most nodes come first.
func (n *Net) Uncounted() []Uncounted {
	count := map[string]int{}
	for _, o := range n.Nodes {
		if _, known, err := cost.MACs(n.Graph, o.Node, n.Shapes, o.Attrs); !known || err != nil {
			count[operators.Qualified(o.Node.Domain, o.Node.Op)]++
		}
	}
	var out []Uncounted
	for name, nodes := range count {
		out = append(out, Uncounted{name, nodes})
	}
	slices.SortFunc(out, func(a, b Uncounted) int { return cmp.Or(b.Nodes-a.Nodes, cmp.Compare(a.Op, b.Op)) })
	return out
}
