package supernet

import (
	"math/big"

	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// rawFactor multiplies the number of raw variants.
func (n *Net) rawFactor(candidates int) {
	if candidates > 0 {
		n.Raw.Mul(n.Raw, big.NewInt(int64(candidates)))
	}
}

// Distinct counts the SubNets that differ: choices of removed blocks do not count, and candidates that mean the same network
// were merged when the choices were made. Ratios that coincide at some widths of the stage only count apart.
func (n *Net) Distinct() *big.Int {
	total := big.NewInt(1)
	for g, c := range n.Choices {
		switch {
		case c.Live.Below > 0: // counted with the choice that it depends on
		case c.Kind == Depth:
			total.Mul(total, n.distinctDepth(dim.Choice(g)))
		default:
			total.Mul(total, big.NewInt(int64(len(c.Candidates))))
		}
	}
	return total
}

// distinctDepth sums, over the candidates of depth choice g, the variants of the choices that are alive then.
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

// Coverage is the share of parameters and of multiply-accumulates that some choice other than the resolution can change or remove.
type Coverage struct{ Params, MACs float64 }

// Coverage measures the net at its largest SubNet.
func (n *Net) Coverage() (Coverage, error) {
	m := &coverage{net: n}
	n.Build(m, nil)
	if m.err != nil {
		return Coverage{}, m.err
	}
	return Coverage{share(m.elasticParams, m.params), share(m.elasticMACs, m.macs)}, nil
}

// coverage is a Builder that adds up parameters and multiply-accumulates.
type coverage struct {
	net                                      *Net
	params, macs, elasticParams, elasticMACs float64
	err                                      error
}

func (m *coverage) Stage(*Stage) {}
func (m *coverage) Item(Item)    {}
func (m *coverage) Skip(Item)    {}

func (m *coverage) Op(o *Op, active Active) {
	removable := o.Block != nil && o.Block.Live.Below > 0
	for _, p := range o.Params {
		size := 1.0
		for _, d := range active.In[p.Operand] {
			size *= float64(d)
		}
		m.params += size
		if removable || p.Axes != nil {
			m.elasticParams += size
		}
	}
	cost, err := op.MACs(o.Node, m.net.Shapes, o.Attrs)
	if err != nil && m.err == nil {
		m.err = err
	}
	m.macs += float64(cost.Original())
	if removable || m.net.moves(cost) {
		m.elasticMACs += float64(cost.Original())
	}
}

// moves tells whether a choice other than the resolution is among d's.
func (n *Net) moves(d dim.Dim) bool {
	for _, g := range d.Deps() {
		if n.Choices[g].Kind != Resolution {
			return true
		}
	}
	return false
}

func share(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}
