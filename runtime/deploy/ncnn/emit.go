package ncnn

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
)

// emitter makes layers of a node.
type emitter struct {
	emit   func(e *exporter, n *nn.Node) error
	strict bool // the node's operands and results are blobs of at most four axes
}

// emitters lists the operators that can be expressed.
var emitters = withLayers(map[string]emitter{
	"Conv":                  {emitConv, true},
	"Gemm":                  {emitGemm, true},
	"MatMul":                {emitMatMul, true},
	"ConvTranspose":         {emitConvTranspose, true},
	"BatchNormalization":    {emitBatchNorm, true},
	"InstanceNormalization": {emitInstanceNorm, true},
	"LayerNormalization":    {emitLayerNorm, true},
	"Softmax":               {emitSoftmax, true},
	"MaxPool":               {emitPool, true},
	"AveragePool":           {emitPool, true},
	"GlobalMaxPool":         {emitGlobalPool, true},
	"GlobalAveragePool":     {emitGlobalPool, true},

	"Clip": {emitClip, false}, "Gelu": {emitGelu, false},

	"Pow": {emitPow, true},

	"Identity": {emitAlias, false}, "Dropout": {emitAlias, false}, "Flatten": {emitAlias, false}, "Reshape": {emitAlias, false},
	"Squeeze": {emitAlias, false}, "Unsqueeze": {emitAlias, false},
	"Transpose": {emitTranspose, false}, "Concat": {emitConcat, true}, "Split": {emitSplit, true}, "Slice": {emitSlice, true},
	"Gather": {emitGather, true}, "Expand": {emitExpand, false},
	"Resize": {emitResize, true}, "Pad": {emitPad, true}, "DepthToSpace": {emitDepthToSpace, false}, "PRelu": {emitPRelu, true},
})

// Operators lists the ONNX operator types that can be expressed, at least with some attributes and shapes, sorted.
func Operators() []string { return slices.Sorted(maps.Keys(emitters)) }

func attrFloat(n *nn.Node, name string, def float32) float32 {
	if a, ok := n.Attr(name); ok {
		return a.Float
	}
	return def
}

// act appends an element-wise layer, in whatever shape its operand has.
func (e *exporter) act(n *nn.Node, l Layer) error {
	b, ok := e.blobs[n.In[0]]
	if !ok {
		return errors.New("its operand is a constant")
	}
	l.Name, l.In = n.Name, []string{b.name}
	return e.yield(n.Out[0], l, b.s)
}

func emitClip(e *exporter, n *nn.Node) error {
	bounds := [2]float32{-math.MaxFloat32, math.MaxFloat32}
	for k, name := range []string{"min", "max"} {
		bounds[k] = attrFloat(n, name, bounds[k])
		if len(n.In) > k+1 && n.In[k+1] != nn.None {
			v, err := e.floats(n.In[k+1])
			if err != nil || len(v) != 1 {
				return fmt.Errorf("its bound must be one number: %w", errors.Join(err))
			}
			bounds[k] = v[0]
		}
		bounds[k] = max(-math.MaxFloat32, min(bounds[k], math.MaxFloat32))
	}
	return e.act(n, Layer{Type: "Clip", Params: []Param{float(0, bounds[0]), float(1, bounds[1])}})
}

func emitGelu(e *exporter, n *nn.Node) error {
	fast := 0
	if a, ok := n.Attr("approximate"); ok && a.String == "tanh" {
		fast = 1
	}
	return e.act(n, Layer{Type: "GELU", Params: []Param{integer(0, fast)}})
}

func emitAlias(e *exporter, n *nn.Node) error { return e.alias(n.Out[0], n.In[0]) }

func emitExpand(e *exporter, n *nn.Node) error {
	if !slices.Equal(e.shape(n.In[0]), e.shape(n.Out[0])) {
		return errors.New("an activation that is repeated cannot be expressed")
	}
	return e.alias(n.Out[0], n.In[0])
}

// joint is an element-wise function of two operands; swapped is its number when the first of them is a constant.
func joint(number, swapped int) func(e *exporter, n *nn.Node) error {
	return func(e *exporter, n *nn.Node) error {
		if len(n.In) != 2 {
			return fmt.Errorf("it has %d operands, only two can be expressed", len(n.In))
		}
		x, y, op := n.In[0], n.In[1], number
		if _, ok := e.blobs[x]; !ok {
			x, y, op = y, x, swapped
		}
		if _, ok := e.blobs[y]; ok {
			return e.both(n, op)
		}
		return e.withConstant(n, x, y, op)
	}
}

// emitPow raises to a constant power; common ones have functions of their own.
func emitPow(e *exporter, n *nn.Node) error {
	if power, err := e.floats(n.In[1]); err == nil && len(power) == 1 {
		if number, ok := map[float32]int{2: 4, 0.5: 5, -0.5: 6, -1: 15}[power[0]]; ok {
			return e.act(n, Layer{Type: "UnaryOp", Params: []Param{integer(0, number)}})
		}
	}
	return joint(6, 9)(e, n)
}

// both joins two activations.
func (e *exporter) both(n *nn.Node, op int) error {
	x, y, out := e.blobs[n.In[0]], e.blobs[n.In[1]], n.Out[0]
	l := Layer{Type: "BinaryOp", Name: n.Name, In: []string{x.name, y.name}, Params: []Param{integer(0, op)}}
	sx, sy, so := e.shape(n.In[0]), e.shape(n.In[1]), e.shape(out)
	rank := len(e.g.Values[out].Shape)
	switch {
	case slices.Equal(sx, sy) && slices.Equal(x.s, y.s):
		return e.yield(out, l, x.s)
	case len(e.g.Values[n.In[0]].Shape) != rank || len(e.g.Values[n.In[1]].Shape) != rank || len(sx) != len(so) || len(sy) != len(so):
		return fmt.Errorf("activations of the shapes %v and %v cannot be joined", sx, sy)
	case slices.Equal(sx, so) && channels(so, sy) && slices.Equal(y.s, sy[:1]): // a gate: NCNN lays one axis along the channels
		l.In[0] = e.whole(n.In[0])
		return e.yield(out, l, so)
	}
	l.In = []string{e.whole(n.In[0]), e.whole(n.In[1])}
	return e.yield(out, l, so)
}

// channels tells whether s has only the first axis of whole.
func channels(whole, s []int) bool {
	return len(whole) == 3 && len(s) == 3 && s[0] == whole[0] && s[1] == 1 && s[2] == 1
}

// withConstant joins an activation and a constant.
func (e *exporter) withConstant(n *nn.Node, x, c nn.Value, op int) error {
	data, err := e.floats(c)
	if err != nil {
		return err
	}
	out := n.Out[0]
	if !slices.Equal(e.shape(x), e.shape(out)) {
		return fmt.Errorf("a constant of the shape %v spreads the activation's %v", e.g.Values[c].Shape, e.shape(x))
	}
	b := e.blobs[x]
	if len(data) == 1 {
		return e.yield(out, Layer{Type: "BinaryOp", Name: n.Name, In: []string{b.name}, Params: []Param{integer(0, op), integer(1, 1), float(2, data[0])}}, b.s)
	}
	s := e.aligned(c, x)
	if s == nil {
		return fmt.Errorf("a constant of the shape %v does not fit %v", e.g.Values[c].Shape, e.shape(x))
	}
	if op == 0 && e.foldBias(out, x, s, data) {
		return nil
	}
	l := Layer{Type: "BinaryOp", Name: n.Name, In: []string{e.whole(x), e.memory(c, s)}, Params: []Param{integer(0, op)}}
	return e.yield(out, l, e.shape(x))
}

// aligned is the shape of a constant with the axes of x, nil when it has a batch of its own.
func (e *exporter) aligned(c, x nn.Value) []int {
	s, rank, batch := slices.Clone([]int(e.g.Values[c].Shape)), len(e.g.Values[x].Shape), e.batchAxis(x)
	if len(s) > rank {
		return nil
	}
	s = append(slices.Repeat([]int{1}, rank-len(s)), s...)
	if batch < 0 {
		return s
	}
	if s[batch] != 1 {
		return nil
	}
	return slices.Delete(s, batch, batch+1)
}

// foldBias adds a constant of shape s to the bias of the product that yields x.
func (e *exporter) foldBias(out, x nn.Value, s []int, data []float32) bool {
	b := e.blobs[x]
	i, ok := e.maker[b.name]
	if !ok || !b.sole || e.layers[i].Type != "InnerProduct" || len(data) != s[len(s)-1] || len(data) != e.layers[i].int(0, 0) {
		return false
	}
	e.layers[i].shift(1, nil, data)
	return e.alias(out, x) == nil
}

// shift multiplies the features of a product or convolution by scale (nil for ones) and adds data. id is its parameter for the bias.
func (l *Layer) shift(id int, scale, data []float32) {
	if len(l.Weights) == 1 {
		l.set(integer(id, 1))
		l.Weights = append(l.Weights, Weight{Data: make([]float32, len(data))})
	}
	w, bias := l.Weights[0].Data, l.Weights[1].Data
	each := len(w) / len(bias)
	for c := range bias {
		if scale != nil {
			bias[c] *= scale[c]
			for k := range each {
				w[c*each+k] *= scale[c]
			}
		}
		bias[c] += data[c]
	}
}

func emitBatchNorm(e *exporter, n *nn.Node) error {
	var p [4][]float32 // scale, bias, mean, variance
	for k := range p {
		var err error
		if p[k], err = e.floats(n.In[k+1]); err != nil {
			return err
		}
	}
	epsilon, x, out := attrFloat(n, "epsilon", 1e-5), n.In[0], n.Out[0]
	scale, shift := make([]float32, len(p[0])), make([]float32, len(p[0]))
	for c := range scale {
		s := float64(p[0][c]) / math.Sqrt(float64(p[3][c])+float64(epsilon))
		scale[c], shift[c] = float32(s), float32(float64(p[1][c])-s*float64(p[2][c]))
	}
	b, s := e.blobs[x], e.shape(x)
	if i, ok := e.maker[b.name]; ok && b.sole && e.layers[i].int(0, 0) == len(scale) {
		switch l := &e.layers[i]; {
		case strings.HasPrefix(l.Type, "Convolution") && slices.Equal(b.s, s):
			l.shift(5, scale, shift)
			return e.alias(out, x)
		case l.Type == "InnerProduct" && len(e.g.Values[x].Shape) == 2:
			l.shift(1, scale, shift)
			return e.alias(out, x)
		}
	}
	axis, err := e.axis(x, 1)
	if err != nil {
		return err
	}
	if axis == 0 {
		l := Layer{Type: "BatchNorm", Name: n.Name, In: []string{e.whole(x)}, Params: []Param{integer(0, len(scale)), float(1, epsilon)}}
		for _, k := range []int{0, 2, 3, 1} {
			l.Weights = append(l.Weights, Weight{Data: p[k]})
		}
		return e.yield(out, l, s)
	}
	along := slices.Repeat([]int{1}, len(s))
	along[axis] = len(scale)
	name := e.whole(x)
	name = e.add(Layer{Type: "BinaryOp", Name: n.Name + "_scaled", In: []string{name, e.array(n.Name+"_scale", along, scale)}, Params: []Param{integer(0, 2)}}, s)
	return e.yield(out, Layer{Type: "BinaryOp", Name: n.Name, In: []string{name, e.array(n.Name+"_shift", along, shift)}, Params: []Param{integer(0, 0)}}, s)
}

// array makes numbers a blob.
func (e *exporter) array(name string, s []int, data []float32) string {
	return e.add(Layer{Type: "MemoryData", Name: name, Params: shape(s), Weights: []Weight{{Data: data}}}, s)
}
