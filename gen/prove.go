package gen

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
)

// How a proof is asked for.
const (
	ProveOff   = "off"
	ProveQuick = "quick"
	ProveFull  = "full"
)

// Prove compares SubNets of a package that is about to be printed with the model file, on the embedded engine; see package model.
func (c *Compiled) Prove(p *view.Package, o model.ProofOptions) (*model.Prover, error) {
	o.Check, o.Bypass, o.More = c.shapesAre, c.bypass, "--prove=full"
	e := embedded.New(embedded.Options{})
	o.Runner, o.Missing = engine.Once(e), e.Missing
	return model.NewProver(p.Net(), onnxfile.Of(c.model), o)
}

// Proof proves the package as ProveQuick or ProveFull say, and freezes nothing. With ProveOff it only tells what cannot be proved.
func (c *Compiled) Proof(how string) (*model.Proof, error) {
	p, err := c.View("proof")
	if err != nil {
		return nil, err
	}
	if how != ProveQuick && how != ProveFull {
		return model.Unproved(p.Missing), nil
	}
	prover, err := c.Prove(p, model.ProofOptions{Full: how == ProveFull})
	if err != nil {
		return nil, err
	}
	return prover.Run(), nil
}

// missing lists the operators of a package that the embedded engine lacks.
func missing(p *view.Package) ([]string, error) {
	g, err := nn.Record(func(b nn.Builder) { _ = p.Describe(nil, b) })
	if err != nil {
		return nil, err
	}
	return embedded.New(embedded.Options{Threads: 1}).Missing(g), nil
}

// bypass lets what enters a removed block take the place of what leaves it, by the file's names. Passes make values that the file does not have.
// Unless all removed blocks are asked for, those whose weights can be zero are left out: zeros tell what their operators do without weights.
func (c *Compiled) bypass(g space.Genes, all bool) (places map[string]string, ok bool) {
	b := &bypasser{names: c.values(), graph: c.Net.Graph, places: map[string]string{}, ok: true, all: all, read: c.read(g)}
	c.Net.Build(b, g)
	return b.places, b.ok
}

// read are the names of the tensors that a SubNet's operators read.
func (c *Compiled) read(g space.Genes) map[string]bool {
	out := map[string]bool{}
	for i, n := range c.Net.Graph.Nodes {
		if b := c.Net.Nodes[i].Block; b != nil && !b.Live.Holds(g) {
			continue
		}
		for _, id := range n.In {
			if t := c.Net.Graph.Values[id].Const; t != nil {
				out[t.Name] = true
			}
		}
	}
	return out
}

// values are the names of the file's values.
func (c *Compiled) values() map[string]bool {
	out := map[string]bool{}
	for _, in := range c.model.Proto.GetGraph().GetInput() {
		out[in.GetName()] = true
	}
	for _, n := range c.model.Proto.GetGraph().GetNode() {
		for _, name := range n.GetOutput() {
			out[name] = true
		}
	}
	return out
}

// bypasser is the supernet.Builder that notes removed blocks.
type bypasser struct {
	names  map[string]bool
	graph  *ir.Graph
	places map[string]string
	ok     bool
	all    bool            // also blocks whose weights can be zero
	read   map[string]bool // tensors that the SubNet still reads
}

// Stage has nothing that is removed.
func (b *bypasser) Stage(*supernet.Stage) {}

// Item is kept.
func (b *bypasser) Item(supernet.Item) {}

// Op is kept.
func (b *bypasser) Op(*supernet.Op, supernet.Active) {}

// Skip notes a removed block.
func (b *bypasser) Skip(it supernet.Item) {
	if !b.all && b.zeroable(it) {
		return
	}
	from, to := b.graph.Values[it.In[0]].Name, b.graph.Values[it.Out[0]].Name
	if b.names[from] && b.names[to] {
		b.places[to] = from
		return
	}
	b.ok = false
}

// zeroable tells whether a removed block has weights, and all can be zero in the reference: the file has them, no other operator of the SubNet reads
// them, and none is so short that it may be the numbers of an operator.
func (b *bypasser) zeroable(it supernet.Item) bool {
	weights := 0
	for _, i := range it.Nodes {
		for _, id := range b.graph.Nodes[i].In {
			t := b.graph.Values[id].Const
			switch {
			case t == nil || t.NumElements() == 1 || t.Type.Bytes() > 1 && !nn.DType(t.Type).Fractional():
				continue // a number, or indices
			case t.Name == "" || b.read[t.Name] || t.NumElements() < model.FewestWeights || !nn.DType(t.Type).Fractional():
				return false
			}
			weights++
		}
	}
	return weights > 0
}

// shapesAre compares the shapes of a recorded SubNet with those that the compiler predicted, value by value. The nodes stand in one order in both:
// names say nothing, since a recording makes up those of nodes without weights.
func (c *Compiled) shapesAre(g space.Genes, net *nn.Graph) error {
	var nodes []*ir.Node
	for i, n := range c.Net.Graph.Nodes {
		if b := c.Net.Nodes[i].Block; b == nil || b.Live.Holds(g) {
			nodes = append(nodes, n)
		}
	}
	if !slices.EqualFunc(nodes, net.Nodes, func(a *ir.Node, b nn.Node) bool { return a.Op == b.Type && len(a.Out) == len(b.Out) }) {
		return nil // some operators are recorded as others; engine and inference still look at all shapes
	}
	for i, n := range nodes {
		for k, id := range n.Out {
			if want, got := c.shapeAt(id, g), net.Values[net.Nodes[i].Out[k]].Shape; id != 0 && want != nil && !slices.Equal(got, want) {
				return fmt.Errorf("node %q (%s) makes the shape %v, %v was predicted", n.Name, n.Op, got, want)
			}
		}
	}
	return nil
}

// shapeAt is the shape that the compiler predicts of a value, nil where it does not.
func (c *Compiled) shapeAt(id ir.ValueID, g space.Genes) nn.Shape {
	if c.Net.Shapes[id] == nil {
		return nil
	}
	s := nn.Shape{}
	for _, d := range c.Net.Shapes[id] {
		n := d.At(g)
		if d.IsBatch() {
			n *= nn.Batch
		}
		s = append(s, n)
	}
	return s
}
