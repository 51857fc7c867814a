package embedded

import (
	"errors"
	"math"

	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
)

// definition is an operator as a loop over what ONNX defines it to be: for operators of which a network has a few. It returns the loop for
// operands and results of these shapes, which are all in the order of their axes. What is left out has no shape and no elements,
// and sizes, which results have as their shapes, have no elements.
type definition func(n node, in, out []nn.Shape) (loop, error)

// loop computes results from operands. Indices come from the network's data, so they may be anything: what has one outside of its tensor is not
// a number.
type loop func(in, out [][]float32)

// definitions has the operators that are computed like that. Images of a batch depend on each other in all of them, as far as the engine knows.
var definitions = map[string]definition{
	"MaxUnpool": maxUnpool, "LpPool": lpPool, "GlobalLpPool": globalLpPool,

	"TopK": topK, "OneHot": oneHot, "GatherElements": gatherElements, "GatherND": gatherND,
	"ScatterElements": scatterElements, "ScatterND": scatterND, "ReverseSequence": reverseSequence,

	"IsInf": isInf, "Mean": meanOf, "MeanVarianceNormalization": standardised, "DynamicQuantizeLinear": dynamicQuantize,
	"Einsum": einsum,
	"STFT":   stft, "DFT": dft,
}

func withDefinitions(table map[string]lowering) map[string]lowering {
	for name, d := range definitions {
		table[name] = func(c *compiler, n node) error { return c.defined(n, d) }
	}
	return table
}

// defined emits the step of a definition.
func (c *compiler) defined(n node, of definition) error {
	c.Mix()
	in, out := shapesOf(c.Plan, n.In), shapesOf(c.Plan, n.Out)
	if _, err := of(n, atBatch(in, 1), atBatch(out, 1)); err != nil {
		return err
	}
	var from, to given
	for k, v := range n.In {
		if v != nn.None && k != n.SizeOperand() {
			b, err := c.Plainly(v)
			if err != nil {
				return err
			}
			from.add(k, b)
		}
	}
	for k, v := range n.Out {
		if v != nn.None {
			to.add(k, c.ProducePlain(v))
		}
	}
	operands, results := len(n.In), len(n.Out)
	c.emit(n, from.buffers, to.buffers, func(b int) autodiff.Run {
		run, err := of(n, atBatch(in, b), atBatch(out, b))
		if err != nil { // it was possible at batch 1
			run = func(_, out [][]float32) { notNumbers(out...) }
		}
		x, y := make([][]float32, operands), make([][]float32, results)
		return func(_ *kernel.Team, in, out [][]float32) {
			from.put(x, in)
			to.put(y, out)
			run(x, y)
		}
	})
	return nil
}

// given are the operands or results of a node that are not left out.
type given struct{ places, buffers []int }

func (g *given) add(place, buffer int) {
	g.places, g.buffers = append(g.places, place), append(g.buffers, buffer)
}

// put brings what is given to its places.
func (g *given) put(all, data [][]float32) {
	for i, k := range g.places {
		all[k] = data[i]
	}
}

// shapesOf are the shapes of values; those that are left out have none.
func shapesOf(p *autodiff.Plan, values []nn.Value) []nn.Shape {
	out := make([]nn.Shape, len(values))
	for k, v := range values {
		if v != nn.None {
			out[k] = p.Shape(v)
		}
	}
	return out
}

func atBatch(shapes []nn.Shape, b int) []nn.Shape {
	out := make([]nn.Shape, len(shapes))
	for k, s := range shapes {
		if s != nil {
			out[k] = autodiff.At(s, b)
		}
	}
	return out
}

// notNumbers fills tensors with what is not a number.
func notNumbers(tensors ...[]float32) {
	for _, t := range tensors {
		for i := range t {
			t[i] = float32(math.NaN())
		}
	}
}

// inferredShape compares declared shapes with those that package infer gives. What depends on elements that are not known is taken as declared.
func inferredShape(c *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	facts := make([]infer.Value, len(n.In))
	for k, v := range n.In {
		if v == nn.None {
			continue
		}
		facts[k] = infer.Value{Type: c.Type(v), Shape: in[k]}
		if c.Known(v) && in[k].Count() <= maxFacts {
			if t, err := c.tensor(v); err == nil {
				facts[k] = infer.Of(t)
			}
		}
	}
	values, err := infer.Node(n.Node, facts)
	var not *infer.Unknown
	if err != nil && !errors.As(err, &not) {
		return nil, err
	}
	out := make([]nn.Shape, len(values))
	for k, v := range values {
		if !v.Unknown {
			out[k] = append(nn.Shape{}, v.Shape...)
		}
	}
	return out, nil
}

// maxFacts bounds the elements of operands that shapes depend on.
const maxFacts = 64
