// Package pass brings graphs of all exporters to one canonical form, by small named passes in one table.
package pass

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// Pass is one rewriting of a graph.
type Pass struct {
	Name string
	Fn   func(g *ir.Graph) error
	Why  string
}

// Passes is the canonicalising pipeline, in order.
func Passes() []Pass {
	return []Pass{
		{"plain-loops", plainLoops, "a loop of few trips is its body several times, in which widths and blocks are found"},
		{"constant-branches", constantBranches, "an If whose condition is known takes one of its branches always"},
		{"lift-constants", liftConstants, "Constant nodes and initializers are the same thing"},
		{"plain-learned", plainLearned, "scalers and names of classes that scikit-learn writes around a network are arithmetic and a Gather"},
		{"drop-empty", dropEmpty, "what has no elements adds nothing to a Concat"},
		{"drop-identities", dropIdentities, "exporters share equal tensors through Identity; each use gets its own value again"},
		{"bounds-to-attributes", boundsToAttributes, "Clip's bounds are attributes in some opsets and operands in others"},
		{"plain-sums", plainSums, "a Sum is Adds, and so the end of a residual block, whatever an exporter writes; a Mean is divided, too"},
		{"plain-gathers", plainGathers, "picking rows of a table by index is one operator, whatever an exporter writes"},
		{"zero-states", zeroStates, "recurrent layers start with zeros, whether a model says so or not"},
		{"fold-scales", foldScales, "factors of a Resize that a model joins from constants are constants"},
		{"fold-integers", foldIntegers, "paddings and targets that a model computes from constants are constants"},
		{"fold-shapes", foldShapes, "some exporters compute shapes at run time, others write them down; written down they can follow the choices"},
		{"plain-unpools", plainUnpools, "the map of a MaxUnpool has the size of the one that was pooled, which follows the choices"},
		{"fold-tables", foldTables, "masks that a model computes from constants are small tables, spread over windows and their pixels"},
		{"fold-scalars", foldScalars, "factors such as 1/sqrt(head dim) are numbers, whatever an exporter computes them from"},
		{"plain-products", plainProducts, "an Einsum is a product of matrices, in which heads and the layers of weights are found"},
		{"plain-composites", plainComposites, "attention, rotary positions and what ONNX Runtime joins are products, sums and activations, which every engine has"},
		{"transposed-weights", transposedWeights, "linear layers are products with [in, out], however their weights are stored"},
		{"fuse-gelu", fuseGelu, "GELU is one operator, in pieces or whole"},
		{"fuse-layer-norm", fuseLayerNorm, "normalisations over the last axes are one operator, in pieces or whole"},
		{"fuse-hard-swish", fuseHardSwish, "HardSigmoid and HardSwish are one operator each, in pieces or whole"},
		{"drop-strides", dropStrides, "an as_strided that changes nothing hides what its elements are"},
		{"modern-softmax", modernSoftmax, "Softmax of opsets below 13 flattens its operand; afterwards all opsets mean the same"},
		{"modern-resize", modernResize, "Upsample and the first Resize scale from the origin; afterwards all say so"},
		{"whole-pads", wholePads, "a Pad may name the axes that it pads; afterwards it has the pads of all"},
		{"resize-factors", resizeFactors, "maps grow by factors, which hold for every SubNet, and not to the original's size"},
		{"same-pools", samePools, "exporters write down how far the original's maps are padded before a pooling, which is nothing for even ones"},
		{"global-pools", globalPools, "a mean over all of space is a GlobalAveragePool, whatever an exporter writes"},
		{"flatten-heads", flattenHeads, "the pooled map becomes a matrix by Flatten, Reshape or Squeeze; one form keeps the batch open"},
		{"split-projections", splitProjections, "queries, keys and values of one product are taken apart before their heads, so that each can have its own dimension"},
		{"plain-repeats", plainRepeats, "heads of queries share keys and values by what repeats positions, whatever an exporter writes"},
		{"plain-fills", plainFills, "a tensor of one number that is joined element by element is that number, whatever its shape"},
		{"filled-expands", filledExpands, "channels that a model fills with one number can go like others"},
		{"joined-pads", joinedPads, "channels that a Pad adds are parts of a Concat, which can follow the choices"},
		{"channel-splits", channelSplits, "channels that several Slices take apart are parts of a Split, which can follow the choices"},
		{"nested-concats", nestedConcats, "a layer of a dense network adds to what it reads, also where all results so far are listed anew"},
		{"own-outputs", ownOutputs, "an output that is an input, a constant or another output is a copy, which has a name and a place in generated code"},
		{"drop-dead", dropDead, "what no output needs is not part of the net"},
	}
}

// Options are for looking at the pipeline.
type Options struct {
	After string // pass after which Dump is called, "" for none
	Dump  func(g *ir.Graph)

	// Own is the canonical graph at the model's own shapes, nil where g has these. What the exporter wrote down for these shapes is read as it was there.
	Own *ir.Graph
}

// passes are the passes that run with these options.
func (o Options) passes() []Pass {
	list := Passes()
	if o.Own == nil {
		return list
	}
	at := slices.IndexFunc(list, func(p Pass) bool { return p.Name == "fold-shapes" })
	return slices.Insert(list, at, Pass{"own-pools", func(g *ir.Graph) error { return ownPools(g, o.Own) }, "extents of other shapes follow from poolings that round as they do at the model's own"})
}

// Canonicalise runs all passes on g.
func Canonicalise(g *ir.Graph, o Options) error {
	found := o.After == ""
	for _, p := range o.passes() {
		if err := p.Fn(g); err != nil {
			return fmt.Errorf("pass %s: %w", p.Name, err)
		}
		if err := ir.Verify(g); err != nil {
			return fmt.Errorf("internal error: pass %s left a graph that is not valid: %w", p.Name, err)
		}
		if p.Name == o.After {
			found = true
			o.Dump(g)
		}
	}
	if !found {
		return fmt.Errorf("there is no pass %q", o.After)
	}
	return nil
}

// substitutes are the values that take the place of others. Nodes are told when a pass comes to them, and outputs at its end: to look through
// the graph for each value would take time that grows with its square.
type substitutes map[ir.ValueID]ir.ValueID

// read lets a node read the substitutes of its operands.
func (s substitutes) read(n *ir.Node) { s.within(n.In) }

// within puts substitutes into a list. They may have others in turn.
func (s substitutes) within(list []ir.ValueID) {
	for k := range list {
		for with, ok := s[list[k]]; ok; with, ok = s[list[k]] {
			list[k] = with
		}
	}
}

// outputs lets a graph's outputs be the substitutes.
func (s substitutes) outputs(g *ir.Graph) { s.within(g.Outputs) }

// filter keeps the nodes for which keep is true.
func filter(g *ir.Graph, keep func(n *ir.Node) bool) {
	nodes := g.Nodes[:0]
	for _, n := range g.Nodes {
		if keep(n) {
			nodes = append(nodes, n)
		}
	}
	g.Nodes = nodes
}

// users counts the readers of every value, graph outputs included.
func users(g *ir.Graph) []int {
	out := make([]int, len(g.Values))
	for _, n := range g.Nodes {
		for _, id := range n.In {
			out[id]++
		}
	}
	for _, id := range g.Outputs {
		out[id]++
	}
	return out
}

// producers maps every value to the node that makes it.
func producers(g *ir.Graph) []*ir.Node {
	out := make([]*ir.Node, len(g.Values))
	for _, n := range g.Nodes {
		for _, id := range n.Out {
			out[id] = n
		}
	}
	return out
}
