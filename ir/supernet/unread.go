package supernet

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// keepReaders keeps blocks without which no node would read the result of a part of the network. An example is the first cross attention of a decoder: without
// any cross attention, the SubNet of least depth would read neither the encoder's result nor the image.
func (b *binder) keepReaders() {
	for more := true; more; {
		gone := b.shallowest()
		readers := b.unread(gone, b.wanted(gone))
		for _, r := range readers {
			r.block.Skippable = false
			b.warning(b.config.Depth.Pos, "stage %d keeps its first %d blocks: without the last of them nothing reads what node %q makes", r.stage, r.block.Place+1, r.of.Name)
		}
		more = len(readers) > 0
	}
}

// reader is a removed block that reads a part of the network, which only removed blocks read. The node is the part's last one with weights.
type reader struct {
	stage int
	block *Block
	of    *ir.Node
}

// unread returns the first reader of each part that no node reads if the blocks in gone are removed.
func (b *binder) unread(gone map[*Block]bool, wanted []bool) []reader {
	var found []reader
	dead := map[ir.ValueID]*ir.Node{} // values of parts that stay, by the last node with weights before them
	read := map[*ir.Node]bool{}
	for _, s := range b.net.Stages {
		for _, it := range s.Items {
			for _, i := range it.Nodes {
				n := b.graph.Nodes[i]
				var of *ir.Node
				if at := slices.IndexFunc(n.In, func(id ir.ValueID) bool { return dead[id] != nil }); at >= 0 {
					of = dead[n.In[at]]
				}
				if gone[it.Block] {
					if of != nil && !read[of] && wanted[it.Out[0]] {
						found, read[of] = append(found, reader{s.Index, it.Block, of}), true
					}
					continue
				}
				if !it.Beside && b.weighs(n) {
					of = n
				}
				for _, id := range n.Out {
					if of != nil && id != 0 && !wanted[id] {
						dead[id] = of
					}
				}
			}
			if gone[it.Block] && dead[it.In[0]] != nil {
				dead[it.Out[0]] = dead[it.In[0]]
			}
		}
	}
	return found
}

// weighs tells whether a node has weights.
func (b *binder) weighs(n *ir.Node) bool {
	return slices.ContainsFunc(n.In, func(id ir.ValueID) bool { return id != 0 && b.graph.Values[id].Const != nil && !b.net.integers(id) })
}

// mostDropped is the largest number of blocks that Detect offers to drop from a stage.
const mostDropped = 2

// shallowest lists the blocks that the SubNet of least depth lacks, under the config's list, or under the list that Detect would propose.
func (b *binder) shallowest() map[*Block]bool {
	most := mostDropped
	if list := b.config.Depth.List; len(list) > 0 {
		most = int(-slices.Min(list))
	}
	gone := map[*Block]bool{}
	skipped := b.skips(b.config.DepthSkipped.List)
	for _, s := range b.net.Stages {
		if !skipped[s.Index] {
			blocks := s.Blocks()
			for _, block := range blocks[len(blocks)-max(0, min(most, b.removable(s))):] {
				gone[block] = true
			}
		}
	}
	return gone
}

// wanted tells which values the outputs need if the blocks in gone are removed. The result of a removed block is its input.
func (b *binder) wanted(gone map[*Block]bool) []bool {
	passed := map[ir.ValueID]ir.ValueID{} // the value that replaces the result of a removed block
	for _, s := range b.net.Stages {
		for _, it := range s.Items {
			if gone[it.Block] {
				passed[it.Out[0]] = it.In[0]
			}
		}
	}
	wanted := make([]bool, len(b.graph.Values))
	for _, id := range b.graph.Outputs {
		wanted[id] = true
	}
	for i, n := range slices.Backward(b.graph.Nodes) {
		for _, id := range n.Out {
			switch before, ok := passed[id]; {
			case !wanted[id]:
			case ok:
				wanted[before] = true
			case !gone[b.net.Nodes[i].Block]:
				for _, in := range n.In {
					wanted[in] = true
				}
			}
		}
	}
	return wanted
}
