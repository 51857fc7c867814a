package supernet

// Builder receives the parts of a SubNet in execution order, and makes something of them: Go code, a network for an engine, or a sum.
type Builder interface {
	Stage(s *Stage)          // the steps that follow are the stage's
	Item(it Item)            // the operators that follow are a block's, or stand between blocks
	Skip(it Item)            // a removed block: its inputs replace its results
	Op(o *Op, active Active) // one operator, with its active feature in the SubNet
}

// Build tells b the parts of the SubNet with the given genes, stage by stage. Without genes it is the original model, which has all parts.
func (n *Net) Build(b Builder, genes []uint8) {
	if genes == nil {
		genes = make([]uint8, len(n.Choices))
	}
	for _, s := range n.Stages {
		s.Build(n, b, genes)
	}
}

// Build tells b the stage's blocks, and the operators between them.
func (s *Stage) Build(n *Net, b Builder, genes []uint8) {
	b.Stage(s)
	for _, it := range s.Items {
		if it.Block != nil {
			it.Block.Build(n, b, genes)
			continue
		}
		b.Item(it)
		n.build(it.Nodes, b, genes)
	}
}

// Build tells b the block's operators, or that the SubNet lacks the block.
func (bl *Block) Build(n *Net, b Builder, genes []uint8) {
	it := n.item(bl)
	if !bl.Live.Holds(genes) {
		b.Skip(it)
		return
	}
	b.Item(it)
	n.build(it.Nodes, b, genes)
}

func (n *Net) build(nodes []int, b Builder, genes []uint8) {
	for _, i := range nodes {
		n.Nodes[i].Build(n, b, genes)
	}
}

// Build tells b the operator with its active feature.
func (o *Op) Build(n *Net, b Builder, genes []uint8) { b.Op(o, o.Feature(n).At(genes)) }
