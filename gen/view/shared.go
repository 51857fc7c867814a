package view

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir/unique"
	runtime "github.com/autotailor/autotailor/runtime/supernet"
)

// shared lists for each site the weights that another site counts, as positions among its operator's Params. That other site is present whenever any site
// with these weights is, see supernet.Compile.
func (r *recorder) shared(sites []unique.Site) ([][]int, error) {
	out := make([][]int, len(sites))
	several := r.several()
	order := make([]int, len(sites))
	for k := range order {
		order[k] = k
	}
	longest := func(s unique.Site) int { // the longer a site lives the larger
		if s.Live.Below == 0 {
			return 256
		}
		return int(s.Live.Below)
	}
	slices.SortStableFunc(order, func(a, b int) int { return longest(sites[b]) - longest(sites[a]) })
	counted := map[string]bool{}
	genes := make([]uint8, len(r.net.Choices))
	for _, k := range order {
		if !slices.ContainsFunc(sites[k].Nodes, func(i int) bool { return several[i] }) {
			continue
		}
		_, weights, err := r.record(sites[k].Nodes, genes)
		if err != nil {
			return nil, err
		}
		for at, w := range weights {
			if id := runtime.Identity(w); counted[id] {
				out[k] = append(out[k], at)
			} else {
				counted[id] = true
			}
		}
	}
	return out, nil
}

// several tells which nodes read a weight or constant that another node reads, too.
func (r *recorder) several() []bool {
	out := make([]bool, len(r.net.Graph.Nodes))
	first := map[string]int{} // node by what it reads
	for i, n := range r.net.Graph.Nodes {
		for _, id := range n.In {
			t := r.net.Graph.Values[id].Const
			if t == nil {
				continue
			}
			key := fmt.Sprint(t.Identity())
			if t.Name == "" {
				key = fmt.Sprint(t.Type, t.Shape) + string(t.Raw)
			}
			if other, ok := first[key]; ok {
				out[i], out[other] = true, true
			} else {
				first[key] = i
			}
		}
	}
	return out
}

// leaders finds the blocks that use the weights of another block. The choices of that block move them, too.
func (p *Package) leaders() {
	for _, s := range p.Stages {
		for _, it := range s.Items {
			if it.Block != nil && len(it.Block.Genes) == 0 {
				it.Block.Leader = p.leader(s, it)
			}
		}
	}
}

// leader is the block of the same kind in the stage whose choices move an item, nil if there is no such block or more than one.
func (p *Package) leader(s *Stage, it *Item) *Block {
	var found *Block
	for _, c := range it.Calls {
		for _, d := range c.dims() {
			for _, g := range d.Deps() {
				at := slices.IndexFunc(s.Elastic, func(b *Block) bool { return slices.Contains(b.Genes, int(g)) })
				switch {
				case at < 0:
				case s.Elastic[at].Type != it.Block.Type || found != nil && found != s.Elastic[at]:
					return nil
				default:
					found = s.Elastic[at]
				}
			}
		}
	}
	return found
}

// Moving lists the choices that move a block: its own, or those of the block whose weights it uses.
func (b *Block) Moving() []int {
	if b.Leader != nil {
		return b.Leader.Genes
	}
	return b.Genes
}
