package ncnn

import (
	"fmt"
	"slices"
)

// tensor is a dense blob, its axes outermost first.
type tensor struct {
	s []int
	v []float32
}

func zeros(s ...int) tensor { return tensor{slices.Clone(s), make([]float32, count(s))} }

// kind is what a layer type reads and computes.
type kind struct {
	weights func(l *Layer) []array // nil when it has none
	run     func(r *runner, l *Layer, in []tensor) ([]tensor, error)
	in, out int // blobs; -1 means any number
}

// kinds lists the layers that can be read.
var kinds = map[string]kind{
	"Input":                  {nil, nil, 0, 1},
	"MemoryData":             {memoryWeights, runMemory, 0, 1},
	"Convolution":            {convWeights, runConv, 1, 1},
	"ConvolutionDepthWise":   {convWeights, runConv, 1, 1},
	"Deconvolution":          {convWeights, runDeconv, 1, 1},
	"DeconvolutionDepthWise": {convWeights, runDeconv, 1, 1},
	"InnerProduct":           {linearWeights, runLinear, 1, 1},
	"MultiHeadAttention":     {attentionWeights, runAttention, 1, 1},
	"SDPA":                   {nil, runSDPA, -1, 1},
	"MatMul":                 {nil, runMatMul, 2, 1},
	"BatchNorm":              {normWeights, runBatchNorm, 1, 1},
	"LayerNorm":              {layerWeights, runLayerNorm, 1, 1},
	"InstanceNorm":           {layerWeights, runInstanceNorm, 1, 1},
	"Softmax":                {nil, runSoftmax, 1, 1},
	"Pooling":                {nil, runPooling, 1, 1},
	"Reduction":              {nil, runReduction, 1, 1},
	"BinaryOp":               {nil, runBinary, -1, 1},
	"UnaryOp":                {nil, elementwise(unary), 1, 1},
	"ReLU":                   {nil, elementwise(relu), 1, 1},
	"Clip":                   {nil, elementwise(clip), 1, 1},
	"Sigmoid":                {nil, elementwise(sigmoid), 1, 1},
	"Swish":                  {nil, elementwise(swish), 1, 1},
	"TanH":                   {nil, elementwise(tanh), 1, 1},
	"HardSwish":              {nil, elementwise(hardSwish), 1, 1},
	"HardSigmoid":            {nil, elementwise(hardSigmoid), 1, 1},
	"GELU":                   {nil, elementwise(gelu), 1, 1},
	"PReLU":                  {slopeWeights, runPReLU, 1, 1},
	"Interp":                 {nil, runInterp, 1, 1},
	"Padding":                {nil, runPadding, 1, 1},
	"PixelShuffle":           {nil, runPixelShuffle, 1, 1},
	"Reshape":                {nil, runReshape, 1, 1},
	"Permute":                {nil, runPermute, 1, 1},
	"Slice":                  {nil, runSlice, 1, -1},
	"Crop":                   {nil, runCrop, 1, 1},
	"Concat":                 {nil, runConcat, -1, 1},
	"Split":                  {nil, runSplit, 1, -1},
}

// runner counts what a run costs.
type runner struct {
	left int64 // multiplications and elements that may still be spent
}

// maxWork bounds a run.
const maxWork = 1 << 40

// spend takes the product of extents from what is left.
func (r *runner) spend(extents ...int) error {
	n := int64(1)
	for _, e := range extents {
		if e < 0 || e > 0 && n > r.left/int64(e) {
			return fmt.Errorf("a computation over %v is too large", extents)
		}
		n *= int64(e)
	}
	r.left -= n
	return nil
}

// alloc makes a result, if it may be that large.
func (r *runner) alloc(s ...int) (tensor, error) {
	n := 1
	for _, e := range s {
		if e < 1 || n > maxExtent/e {
			return tensor{}, fmt.Errorf("a blob of the shape %v cannot be", s)
		}
		n *= e
	}
	if err := r.spend(n); err != nil {
		return tensor{}, err
	}
	return zeros(s...), nil
}

// Run computes the results for the given inputs, which have the shapes that the Input layers tell. Results come in the order of
// their layers.
func (m *Model) Run(in ...[]float32) ([][]float32, error) { return m.run(&runner{maxWork}, in) }

func (m *Model) run(r *runner, in [][]float32) ([][]float32, error) {
	blobs := map[string]tensor{}
	var order []string
	for i := range m.Layers {
		l := &m.Layers[i]
		out, err := m.step(r, l, blobs, &in)
		if err == nil && len(out) != len(l.Out) {
			err = fmt.Errorf("it has %d results, its line tells %d", len(out), len(l.Out))
		}
		if err != nil {
			return nil, fmt.Errorf("layer %q (%s): %w", l.Name, l.Type, err)
		}
		for _, b := range l.In {
			delete(blobs, b)
		}
		for k, b := range l.Out {
			blobs[b] = out[k]
		}
		order = append(order, l.Out...)
	}
	var results [][]float32
	for _, name := range order {
		if t, ok := blobs[name]; ok { // without a reader
			results = append(results, t.v)
		}
	}
	return results, nil
}

// step runs one layer.
func (m *Model) step(r *runner, l *Layer, blobs map[string]tensor, in *[][]float32) ([]tensor, error) {
	k, ok := kinds[l.Type]
	switch {
	case !ok:
		return nil, fmt.Errorf("layers of this type are not supported")
	case k.in >= 0 && len(l.In) != k.in || k.in < 0 && len(l.In) == 0 || k.out >= 0 && len(l.Out) != k.out:
		return nil, fmt.Errorf("it cannot have %d operands and %d results", len(l.In), len(l.Out))
	case l.Type == "Input":
		s := l.dims(0)
		if len(*in) == 0 {
			return nil, fmt.Errorf("there is no input for it")
		}
		data := (*in)[0]
		*in = (*in)[1:]
		t, err := r.alloc(s...)
		if err != nil || len(data) != len(t.v) {
			return nil, fmt.Errorf("an input of %d elements does not fit the shape %v", len(data), s)
		}
		copy(t.v, data)
		return []tensor{t}, nil
	}
	operands := make([]tensor, len(l.In))
	for i, b := range l.In {
		t, ok := blobs[b]
		if !ok {
			return nil, fmt.Errorf("the blob %q is not there", b)
		}
		operands[i] = t
	}
	if k.weights != nil {
		want := k.weights(l)
		if len(want) != len(l.Weights) {
			return nil, fmt.Errorf("it has %d weights, wants %d", len(l.Weights), len(want))
		}
		for i, a := range want {
			if len(l.Weights[i].Data) != a.n {
				return nil, fmt.Errorf("weight %d has %d elements, wants %d", i, len(l.Weights[i].Data), a.n)
			}
		}
	}
	return k.run(r, l, operands)
}

func memoryWeights(l *Layer) []array {
	n := 1
	for _, e := range l.dims(0) {
		if e < 0 || e > 0 && n > maxExtent/e {
			return []array{{n: -1}}
		}
		n *= e
	}
	return []array{{n, l.int(21, 1) == 0}}
}

func runMemory(r *runner, l *Layer, _ []tensor) ([]tensor, error) {
	t, err := r.alloc(l.dims(0)...)
	if err == nil {
		copy(t.v, l.Weights[0].Data)
	}
	return []tensor{t}, err
}
