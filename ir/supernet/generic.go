package supernet

import (
	"errors"
	"fmt"

	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
)

// Generic is the name by which a config speaks of what no template knows; GenericBlock is the paper's.
const (
	Generic      = "Generic"
	GenericBlock = "GenericBlock"
)

// genericLeaves lists what can move inside of a stage's regions that no template knows: widths of layers there, except those that reach
// another region and so belong to the stage.
func (b *binder) genericLeaves(s *Stage, trunk map[axis.Var]bool) []axis.Var {
	var out []axis.Var
	for _, it := range s.Items {
		if it.Block != nil {
			continue
		}
		for _, i := range it.Nodes {
			v, ok := b.layerWidth(i)
			if !ok {
				continue
			}
			for _, l := range b.movable(v) {
				if !trunk[l] && !hasVar(out, l) {
					out = append(out, l)
				}
			}
		}
	}
	return out
}

// trunk is the set of leaves that regions pass on to each other.
func (b *binder) trunk() map[axis.Var]bool {
	out := map[axis.Var]bool{}
	for _, s := range b.net.Stages {
		for _, it := range s.Items {
			for _, id := range it.Out {
				for _, v := range b.coupling.Axes(id) {
					for _, l := range b.coupling.Leaves(v) {
						out[l] = true
					}
				}
			}
		}
	}
	return out
}

// layerWidth returns the variable of a layer's output channels, by its weights.
func (b *binder) layerWidth(i int) (axis.Var, bool) {
	n := b.graph.Nodes[i]
	if len(n.In) < 2 || b.graph.Values[n.In[1]] == nil || b.graph.Values[n.In[1]].Const == nil {
		return 0, false
	}
	w := b.coupling.Axes(n.In[1])
	at := map[string]int{"Conv": 0, "ConvTranspose": 1, "MatMul": len(w) - 1, "Gemm": 1 - int(n.Int("transB", 0))}
	k, ok := at[n.Op]
	if !ok || n.Domain != "" || len(w) < 2 {
		return 0, false
	}
	return w[k], true
}

// generic makes one choice for each stage: the share that is kept of the widths inside of its regions that no template knows.
func (b *binder) generic() error {
	generic := &Block{GoName: Generic, Type: GenericBlock}
	list := b.config.list(generic, string(Ratio))
	if len(list.List) == 0 {
		return nil
	}
	skipped := skips(b.config.skipped(generic), len(b.net.Stages))
	for _, s := range b.net.Stages {
		if skipped[s.Index] {
			continue
		}
		if err := s.Transform(b.net, list); err != nil {
			return err
		}
	}
	return nil
}

// multiply makes a choice of multipliers for leaves, or lets them follow the one that all stages share.
func (b *binder) multiply(s *Stage, kind ChoiceKind, leaves []axis.Var, list []float64) {
	c := Choice{Name: fmt.Sprintf("stage%d.%s", s.Index, kind), Kind: kind, Stage: s.Index, Block: -1}
	stated := list
	list = largestFirst(list, 1)
	rows := make([][]int, len(list)) // widths of the leaves for each candidate
	for i, m := range list {
		for _, l := range leaves {
			rows[i] = append(rows[i], b.roundLeaf(float64(b.coupling.Size(l))*m, l))
		}
	}
	if b.config.Tied {
		b.follow(kind, leaves, list, rows)
		return
	}
	c.Candidates, rows = distinct(list, rows)
	g, ok := b.add(c, stated)
	if !ok {
		return
	}
	s.Choices = append(s.Choices, int(g))
	for k, l := range leaves {
		b.leaves[l] = dim.Var(g, column(rows, k))
	}
}

// follow binds leaves to the net's choice of a kind, which is made when the first of them moves.
func (b *binder) follow(kind ChoiceKind, leaves []axis.Var, list []float64, rows [][]int) {
	if kept, _ := distinct(list, rows); len(kept) < 2 {
		return
	}
	g, ok := b.tied[kind]
	if !ok {
		g, ok = b.add(Choice{Name: string(kind), Kind: kind, Stage: -1, Block: -1, Candidates: list}, list)
		if !ok {
			return
		}
		b.tied[kind] = g
	}
	for k, l := range leaves {
		b.leaves[l] = dim.Var(g, column(rows, k))
	}
}

// maxTable is how many combinations of choices an extent may depend on before stages share their widths: dense networks, where the
// width of each layer is the sum of all before. Larger tables make large packages.
const maxTable = 4096

// errTooMany says that extents depend on too many choices.
var errTooMany = errors.New("the extents depend on too many choices at once")

// entangled tells whether an error, or an extent, asks for choices to be tied.
func (b *binder) entangled(err error) error {
	var large *dim.TooLargeError
	if errors.As(err, &large) {
		return errTooMany
	}
	if err != nil {
		return err
	}
	for _, s := range b.net.Shapes {
		for _, d := range s {
			n := 1
			for _, g := range d.Deps() {
				n *= len(b.net.Choices[g].Candidates)
			}
			if n > maxTable {
				return errTooMany
			}
		}
	}
	return nil
}

// tie lets all stages share their widths.
func (c *Config) tie() bool {
	if c.Tied {
		return false
	}
	c.Tied = true
	return true
}

// planGeneric offers shares of what no template knows.
func (b *binder) planGeneric(p *Plan) {
	trunk := b.trunk()
	for _, s := range b.net.Stages {
		for _, l := range b.genericLeaves(s, trunk) {
			if size := b.coupling.Size(l); b.roundLeaf(float64(size)/2, l) < size {
				p.Config.setVar(Generic, "ratio", []float64{0.5, 0.75, 1})
				return
			}
		}
	}
}
