package ncnn

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// sides is a list attribute for height and width.
func sides(n *nn.Node, name string, count, def int) ([]int, error) {
	list := slices.Repeat([]int{def}, count)
	a := n.Ints(name)
	if a == nil {
		return list, nil
	}
	if len(a) != count {
		return nil, fmt.Errorf("%s is %v; only two spatial axes can be expressed", name, a)
	}
	for i, v := range a {
		list[i] = int(v)
	}
	return list, nil
}

// geometry is what windows of a node are like.
type geometry struct{ kernel, strides, dilations, pads []int }

func windows(n *nn.Node, kernel []int) (g geometry, err error) {
	g.kernel = kernel
	for _, f := range []struct {
		list       *[]int
		name       string
		count, def int
	}{{&g.strides, "strides", 2, 1}, {&g.dilations, "dilations", 2, 1}, {&g.pads, "pads", 4, 0}} {
		var e error
		*f.list, e = sides(n, f.name, f.count, f.def)
		err = errors.Join(err, e)
	}
	return g, err
}

func emitConv(e *exporter, n *nn.Node) error {
	x, ws := n.In[0], []int(e.g.Values[n.In[1]].Shape)
	s := e.shape(x)
	if len(s) != 3 || len(ws) != 4 {
		return fmt.Errorf("a convolution of %v by %v cannot be expressed; it must have two spatial axes", s, ws)
	}
	g, err := windows(n, ws[2:])
	weights, err2 := e.weightAndBias(n.In[1:])
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	groups := int(n.Int("group", 1))
	if groups == 1 && s[1]*s[2]*ws[2]*ws[3] == 1 && count(g.pads) == 0 && slices.Max(g.pads) == 0 {
		return e.linear(n, x, n.Out[0], weights, ws[0], s[:1])
	}
	switch a, _ := n.Attr("auto_pad"); a.String {
	case "SAME_UPPER":
		g.pads = []int{-233, -233, -233, -233}
	case "SAME_LOWER":
		g.pads = []int{-234, -234, -234, -234}
	}
	return e.yield(n.Out[0], sliding("Convolution", n.Name, e.whole(x), ws[0], g, groups, weights), e.shape(n.Out[0]))
}

// sliding is a convolution to out channels, transposed or not; the layer of one in groups has a type of its own.
func sliding(kind, name, in string, out int, g geometry, groups int, weights []Weight) Layer {
	l := Layer{Type: kind, Name: name, In: []string{in}, Weights: weights}
	l.Params = []Param{
		integer(0, out), integer(1, g.kernel[1]), integer(11, g.kernel[0]), integer(2, g.dilations[1]), integer(12, g.dilations[0]),
		integer(3, g.strides[1]), integer(13, g.strides[0]), integer(4, g.pads[1]), integer(15, g.pads[3]), integer(14, g.pads[0]), integer(16, g.pads[2]),
		integer(5, len(weights)-1), integer(6, len(weights[0].Data)),
	}
	if groups > 1 {
		l.Type += "DepthWise"
		l.Params = append(l.Params, integer(7, groups))
	}
	return l
}

// weightAndBias fetches the parameters of a layer.
func (e *exporter) weightAndBias(in []nn.Value) ([]Weight, error) {
	w, err := e.floats(in[0])
	list := []Weight{{Data: w, Tagged: true}}
	if len(in) > 1 && in[1] != nn.None {
		b, err2 := e.floats(in[1])
		list, err = append(list, Weight{Data: b}), errors.Join(err, err2)
	}
	return list, err
}

// linear appends a product of rows of x, in the shape s, with a matrix of out rows.
func (e *exporter) linear(n *nn.Node, x, y nn.Value, weights []Weight, out int, s []int) error {
	l := Layer{Type: "InnerProduct", Name: n.Name, In: []string{e.as(x, s)}, Weights: weights}
	l.Params = []Param{integer(0, out), integer(1, len(weights)-1), integer(2, len(weights[0].Data))}
	return e.yield(y, l, append(slices.Clone(s[:len(s)-1]), out))
}

// rows is a shape as a matrix of rows of its last axis, or one row.
func rows(s []int) []int {
	last := s[len(s)-1]
	if n := count(s) / last; n > 1 {
		return []int{n, last}
	}
	return []int{last}
}

// transposed returns a matrix of the given rows the other way round.
func transposed(data []float32, rows int) []float32 { return swapped(data, 1, rows, len(data)/rows) }

func emitGemm(e *exporter, n *nn.Node) error {
	if n.Int("transA", 0) != 0 {
		return errors.New("a transposed first operand cannot be expressed")
	}
	weights, err := e.weightAndBias(n.In[1:])
	if err != nil {
		return err
	}
	ws := e.g.Values[n.In[1]].Shape
	out := ws[0]
	if n.Int("transB", 0) == 0 {
		out = ws[1]
		weights[0].Data = transposed(weights[0].Data, ws[0])
	}
	for k, scale := range []float32{attrFloat(n, "alpha", 1), attrFloat(n, "beta", 1)} {
		if k < len(weights) {
			for i := range weights[k].Data {
				weights[k].Data[i] *= scale
			}
		}
	}
	if len(weights) > 1 {
		if len(weights[1].Data) == 1 {
			weights[1].Data = slices.Repeat(weights[1].Data, out)
		}
		if len(weights[1].Data) != out {
			return fmt.Errorf("a bias of the shape %v cannot be expressed; want one number for each of %d features", e.g.Values[n.In[2]].Shape, out)
		}
	}
	return e.linear(n, n.In[0], n.Out[0], weights, out, rows(e.shape(n.In[0])))
}

func emitMatMul(e *exporter, n *nn.Node) error {
	x, y := n.In[0], n.In[1]
	if _, ok := e.blobs[x]; !ok {
		return errors.New("a constant first operand cannot be expressed")
	}
	if _, ok := e.blobs[y]; ok {
		return e.matMul(n, x, y, e.shape(x), e.shape(y))
	}
	ws := e.g.Values[y].Shape
	if len(ws) != 2 {
		return fmt.Errorf("a constant of the shape %v is not a matrix", ws)
	}
	w, err := e.floats(y)
	if err != nil {
		return err
	}
	return e.linear(n, x, n.Out[0], []Weight{{Data: transposed(w, ws[0]), Tagged: true}}, ws[1], rows(e.shape(x)))
}

// matMul multiplies two activations, batched over one axis at most.
func (e *exporter) matMul(n *nn.Node, x, y nn.Value, sx, sy []int) error {
	k := len(sx)
	if k != len(sy) || k < 2 || !slices.Equal(sx[:k-2], sy[:k-2]) {
		return fmt.Errorf("activations of the shapes %v and %v cannot be multiplied", sx, sy)
	}
	outer := func(s []int) []int { // all leading axes in one
		if k == 2 {
			return s
		}
		return []int{count(s[:k-2]), s[k-2], s[k-1]}
	}
	l := Layer{Type: "MatMul", Name: n.Name, In: []string{e.as(x, outer(sx)), e.as(y, outer(sy))}}
	return e.yield(n.Out[0], l, outer(append(slices.Clone(sx[:k-1]), sy[k-1])))
}

func emitLayerNorm(e *exporter, n *nn.Node) error {
	x := n.In[0]
	axis, err := e.axis(x, int(n.Int("axis", -1)))
	if err != nil {
		return err
	}
	s := e.shape(x)
	size := count(s[axis:])
	l := Layer{Type: "LayerNorm", Name: n.Name, Params: []Param{integer(0, size), float(1, attrFloat(n, "epsilon", 1e-5)), integer(2, 1)}}
	l.Weights = []Weight{{Data: slices.Repeat([]float32{1}, size)}, {Data: make([]float32, size)}}
	for k, v := range n.In[1:] {
		data, err := e.floats(v)
		if err != nil || len(data) != size && len(data) != 1 {
			return fmt.Errorf("parameters of %d elements cannot normalise %d: %w", len(data), size, errors.Join(err))
		}
		if len(data) == 1 {
			data = slices.Repeat(data, size)
		}
		l.Weights[k].Data = data
	}
	if b := e.blobs[x]; b.s[len(b.s)-1] != size {
		s = rows(append(slices.Clone(s[:axis]), size))
	} else {
		s = b.s
	}
	l.In = []string{e.as(x, s)}
	return e.yield(n.Out[0], l, s)
}

func emitSoftmax(e *exporter, n *nn.Node) error {
	axis, err := e.axis(n.In[0], int(n.Int("axis", -1)))
	if err != nil {
		return err
	}
	s := e.shape(n.In[0])
	if b := e.blobs[n.In[0]]; axis == len(s)-1 && b.s[len(b.s)-1] == s[axis] {
		s, axis = b.s, len(b.s)-1
	}
	l := Layer{Type: "Softmax", Name: n.Name, In: []string{e.as(n.In[0], s)}, Params: []Param{integer(0, axis), integer(1, 1)}}
	return e.yield(n.Out[0], l, s)
}

func emitPool(e *exporter, n *nn.Node) error {
	s := e.shape(n.In[0])
	kernel, err := sides(n, "kernel_shape", 2, 1)
	g, err2 := windows(n, kernel)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	a, _ := n.Attr("auto_pad")
	switch {
	case len(s) != 3:
		return fmt.Errorf("a pooling of %v cannot be expressed; it must have two spatial axes", s)
	case g.dilations[0]*g.dilations[1] != 1:
		return errors.New("a dilated window cannot be expressed")
	case a.String == "SAME_UPPER" || a.String == "SAME_LOWER":
		return fmt.Errorf("auto_pad %s of a pooling cannot be expressed; give its pads", a.String)
	}
	l := Layer{Type: "Pooling", Name: n.Name, In: []string{e.whole(n.In[0])}, Params: []Param{
		integer(1, g.kernel[1]), integer(11, g.kernel[0]), integer(2, g.strides[1]), integer(12, g.strides[0]),
		integer(3, g.pads[1]), integer(14, g.pads[3]), integer(13, g.pads[0]), integer(15, g.pads[2]), integer(5, 1),
	}}
	out := e.shape(n.Out[0])
	for i := range 2 { // rounding down, as NCNN's mode 1 does
		if (s[i+1]+g.pads[i]+g.pads[i+2]-g.kernel[i])/g.strides[i]+1 != out[i+1] {
			return errors.New("a window that reaches over the edge (ceil_mode) cannot be expressed")
		}
	}
	if n.Type == "AveragePool" {
		l.Params = append(l.Params, integer(0, 1), integer(6, int(n.Int("count_include_pad", 0))))
	}
	return e.yield(n.Out[0], l, out)
}

func emitGlobalPool(e *exporter, n *nn.Node) error {
	s, average := e.shape(n.In[0]), 0
	if len(s) != 3 {
		return fmt.Errorf("a pooling of %v cannot be expressed; it must have two spatial axes", s)
	}
	if n.Type == "GlobalAveragePool" {
		average = 1
	}
	l := Layer{Type: "Pooling", Name: n.Name, In: []string{e.whole(n.In[0])}, Params: []Param{integer(0, average), integer(4, 1)}}
	return e.yield(n.Out[0], l, s[:1])
}

// reduction is a Reduction, by the number of its operation.
func reduction(number int) func(e *exporter, n *nn.Node) error {
	return func(e *exporter, n *nn.Node) error { return e.reduce(n, number) }
}

func (e *exporter) reduce(n *nn.Node, number int) error {
	s := e.shape(n.In[0])
	axes := n.Ints("axes")
	if len(axes) == 0 {
		return errors.New("a reduction over all axes, the batch's too, cannot be expressed")
	}
	var list, kept []int
	for _, a := range axes {
		axis, err := e.axis(n.In[0], int(a))
		if err != nil {
			return err
		}
		list = append(list, axis)
	}
	slices.Sort(list)
	for axis, d := range s {
		if !slices.Contains(list, axis) {
			kept = append(kept, d)
		}
	}
	if len(kept) == 0 {
		kept = []int{1}
	}
	l := Layer{Type: "Reduction", Name: n.Name, In: []string{e.whole(n.In[0])}, Params: []Param{
		integer(0, number), integer(1, 0), integers(3, list...), integer(4, 0), integer(5, 1),
	}}
	return e.yield(n.Out[0], l, kept)
}
