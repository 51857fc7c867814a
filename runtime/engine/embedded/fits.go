package embedded

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// The kernels write as many elements as an operator's attributes say, into buffers that have the shapes of the graph. A graph may
// come from anywhere. So all shapes are compared with what the attributes give before anything is compiled.

// rule returns the shapes of a node's results, given those of its operands; a result that may have any shape has none. The
// batch is not open in them. An operand that is left out has no shape either.
type rule func(c *compiler, n node, in []nn.Shape) ([]nn.Shape, error)

// form says what a node of an operator must have.
type form struct {
	operands int // those that must be there, the first ones
	results  rule
}

// someBatch stands for the open batch where shapes are compared. It is a prime that no extent is likely to be: what only this batch fits must be
// refused.
const someBatch = 10007

// fits appends an error for each node whose shapes do not fit its operator and attributes.
func (c *compiler) fits() error {
	for _, v := range c.graph.Values {
		if n := v.Shape.Bind(1).Elements(); n > math.MaxInt32 {
			return fmt.Errorf("value %q has %d elements, more than the embedded engine can address", v.Name, n)
		}
	}
	var errs []error
	for i := range c.graph.Nodes {
		n := node{Node: &c.graph.Nodes[i], Index: i}
		f, ok := forms[n.Type]
		if c.Fused[i] || !ok || n.Domain != "" && n.Domain != "ai.onnx" { // the last are refused where they are compiled
			continue
		}
		if err := c.fit(n, f); err != nil && len(errs) < 20 {
			errs = append(errs, fmt.Errorf("node %q (%s): %w", n.Name, n.Type, err))
		}
	}
	return errors.Join(errs...)
}

func (c *compiler) fit(n node, f form) error {
	if len(n.Out) == 0 || n.Out[0] == nn.None {
		return errors.New("it has no result")
	}
	in := make([]nn.Shape, max(len(n.In), f.operands))
	for i := range in {
		switch {
		case n.Has(i):
			in[i] = c.Shape(n.In[i]).Bind(someBatch)
		case i < f.operands:
			return fmt.Errorf("it has no operand %d", i+1)
		}
	}
	want, err := f.results(c, n, in)
	if err != nil {
		return err
	}
	for i, v := range n.Out {
		if v == nn.None || i >= len(want) || want[i] == nil {
			continue
		}
		if declared := c.Shape(v); !slices.Equal(declared.Bind(someBatch), want[i]) {
			return fmt.Errorf("its result %q is declared with the shape %v, its operands and attributes give %v", c.graph.Values[v].Name, declared, c.reopened(want[i], declared))
		}
	}
	return nil
}

// reopened is s with the batch open where a declared shape has it, for messages.
func (c *compiler) reopened(s, declared nn.Shape) nn.Shape {
	out := slices.Clone(s)
	for k := range out {
		if k < len(declared) && declared[k] < 0 && out[k] == -declared[k]*someBatch {
			out[k] = declared[k]
		}
	}
	return out
}

// forms has a line for each operator of the engine.
var forms = func() map[string]form {
	all := map[string]form{
		"Conv":          {2, convShape},
		"ConvTranspose": {2, convTransposeShape},
		"Gemm":          {2, gemmShape},
		"MatMul":        {2, matMulShape},

		"BatchNormalization":    {5, batchNormShape},
		"LayerNormalization":    {2, layerNormShape},
		"InstanceNormalization": {3, instanceNormShape},

		"Reshape":   {1, reshapeShape},
		"Flatten":   {1, reshapeShape},
		"Squeeze":   {1, reshapeShape},
		"Unsqueeze": {1, reshapeShape},
		"Transpose": {1, transposeShape},
		"Concat":    {1, concatShape},
		"Split":     {1, splitShape},
		"Slice":     {1, sliceShape},
		"Gather":    {2, gatherShape},
		"Pad":       {1, padShape},
		"Expand":    {1, expandShape},
		"Tile":      {1, tileShape},
		"Resize":    {1, resizeShape},
		"Trilu":     {1, triluShape},

		"DepthToSpace": {1, depthToSpaceShape},
		"SpaceToDepth": {1, spaceToDepthShape},

		"LSTM": {3, recurrentShape},
		"GRU":  {3, recurrentShape},
		"RNN":  {3, recurrentShape},

		"QuantizeLinear":   {2, sameShape},
		"DequantizeLinear": {2, sameShape},

		"Shape":           {1, inferredShape},
		"Size":            {1, inferredShape},
		"ConstantOfShape": {1, inferredShape},
		"Range":           {3, inferredShape},
		"EyeLike":         {1, inferredShape},

		"CumSum": {2, sameShape},
		"LRN":    {1, channelsShape},
	}
	for t := range definitions {
		all[t] = form{1, inferredShape}
	}
	for t := range lowerings {
		if _, ok := all[t]; !ok {
			o, _ := operators.Lookup("", t)
			all[t] = formOfClass(o)
		}
	}
	return all
}()

// formOfClass is that of the operators whose class says everything.
func formOfClass(o operators.Operator) form {
	switch o.Class {
	case operators.Broadcast:
		return form{o.Required(), broadcastShape}
	case operators.Reduction:
		if o.Has("axis") {
			return form{1, argShape}
		}
		return form{1, reduceShape}
	case operators.Window:
		if o.Has("kernel_shape") {
			return form{1, poolShape}
		}
		return form{1, globalPoolShape}
	case operators.Rows:
		return form{1, alongShape(-1)}
	case operators.Normalisation:
		return form{2, normalShape}
	case operators.Sampling:
		return form{2, samplingShape}
	}
	return form{1, sameShape} // a function of single elements
}
