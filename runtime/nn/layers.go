package nn

import (
	"fmt"
	"slices"
)

// Conv records a Conv node.
func (t *Tape) Conv(x Value, c Conv) Value {
	if !t.ok(c.Name, x) {
		return None
	}
	in := t.optional([]Value{x, t.Param(c.Weight)}, c.Bias)
	if t.err != nil {
		return None
	}
	xs, ws, groups := t.shape(x), t.shape(in[1]), max(c.Groups, 1)
	if len(xs) < 3 || len(ws) != len(xs) || xs[1] != ws[1]*groups || ws[0]%groups != 0 {
		t.fail(c.Name, "a convolution of %v by %v in %d groups is not possible", xs, ws, groups)
		return None
	}
	if !slices.Equal(c.Kernel, ws[2:]) {
		t.fail(c.Name, "its window is %v, its weights have %v", c.Kernel, ws[2:])
		return None
	}
	w := window{c.Kernel, c.Strides, c.Pads, c.Dilations, c.AutoPad, false}
	attrs := w.attrs(nil)
	if groups > 1 {
		attrs = append(attrs, intAttr("group", groups))
	}
	return t.add(Node{Type: "Conv", Name: c.Name, Attrs: attrs, In: in}, append(Shape{xs[0], ws[0]}, w.slide(xs[2:])...))
}

// Linear records a Gemm, a MatMul, or a MatMul and an Add.
func (t *Tape) Linear(x Value, l Linear) Value {
	if !t.ok(l.Name, x) {
		return None
	}
	w := t.Param(l.Weight)
	if t.err != nil {
		return None
	}
	xs, ws := t.shape(x), t.shape(w)
	out, in := l.axes()
	if len(ws) != 2 || len(xs) < 1 || xs[len(xs)-1] != ws[in] {
		t.fail(l.Name, "a product of %v with %v is not possible", xs, ws)
		return None
	}
	s := append(slices.Clone(xs[:len(xs)-1]), ws[out])
	if l.TransB || l.Alpha != 0 || l.Beta != 0 || l.Bias.Name != "" && l.BiasName == "" && len(xs) == 2 {
		return t.gemm(x, w, l, s)
	}
	y := t.add(Node{Type: "MatMul", Name: l.Name, In: []Value{x, w}}, s)
	if l.Bias.Name == "" {
		return y
	}
	b := t.Param(l.Bias)
	if t.err == nil && !spreads(t.shape(b), s) {
		t.fail(l.Name, "a bias of shape %v cannot be added to %v", t.shape(b), s)
	}
	return t.add(Node{Type: "Add", Name: l.BiasName, In: []Value{y, b}}, s)
}

func (t *Tape) gemm(x, w Value, l Linear, s Shape) Value {
	if len(s) != 2 {
		t.fail(l.Name, "a Gemm multiplies matrices, its operand has the shape %v", t.shape(x))
		return None
	}
	var attrs []Attr
	if l.TransB {
		attrs = append(attrs, intAttr("transB", 1))
	}
	if l.Alpha != 0 && l.Alpha != 1 {
		attrs = append(attrs, floatAttr("alpha", l.Alpha))
	}
	if l.Beta != 0 && l.Beta != 1 {
		attrs = append(attrs, floatAttr("beta", l.Beta))
	}
	in := t.optional([]Value{x, w}, l.Bias)
	if t.err == nil && len(in) > 2 && !spreads(t.shape(in[2]), s) {
		t.fail(l.Name, "a bias of shape %v cannot be added to %v", t.shape(in[2]), s)
	}
	return t.add(Node{Type: "Gemm", Name: l.Name, Attrs: attrs, In: in}, s)
}

// MatMul records a batched product.
func (t *Tape) MatMul(x, y Value) Value {
	if !t.ok("MatMul", x, y) {
		return None
	}
	s, ok := matMul(t.shape(x), t.shape(y))
	if !ok {
		t.fail("MatMul", "a product of %v with %v is not possible", t.shape(x), t.shape(y))
		return None
	}
	return t.add(Node{Type: "MatMul", In: []Value{x, y}}, s)
}

// BatchNorm records a BatchNormalization.
func (t *Tape) BatchNorm(x Value, n BatchNorm) Value {
	if !t.ok(n.Name, x) {
		return None
	}
	in := []Value{x, t.Param(n.Scale), t.Param(n.Bias), t.Param(n.Mean), t.Param(n.Var)}
	if t.err != nil {
		return None
	}
	s := t.shape(x)
	for _, p := range in[1:] {
		if len(s) < 2 || !slices.Equal(t.shape(p), s[1:2]) {
			t.fail(n.Name, "parameters of shape %v cannot normalise %v", t.shape(p), s)
			return None
		}
	}
	return t.add(Node{Type: "BatchNormalization", Name: n.Name, Attrs: epsilon(n.Epsilon), In: in}, s)
}

// epsilon is the attribute, left out when it is ONNX's default.
func epsilon(e float32) []Attr {
	if e == 1e-5 {
		return nil
	}
	return []Attr{floatAttr("epsilon", e)}
}

// LayerNorm records a LayerNormalization.
func (t *Tape) LayerNorm(x Value, n LayerNorm) Value {
	if !t.ok(n.Name, x) {
		return None
	}
	in := t.optional([]Value{x, t.Param(n.Scale)}, n.Bias)
	if t.err != nil {
		return None
	}
	s := t.shape(x)
	a, ok := wrap(n.Axis, len(s))
	for _, p := range in[1:] {
		if ok = ok && spreads(t.shape(p), s[a:]); !ok {
			t.fail(n.Name, "parameters of shape %v cannot normalise %v from axis %d on", t.shape(p), s, n.Axis)
			return None
		}
	}
	attrs := epsilon(n.Epsilon)
	if n.Axis != -1 {
		attrs = append(attrs, intAttr("axis", n.Axis))
	}
	return t.add(Node{Type: "LayerNormalization", Name: n.Name, Attrs: attrs, In: in}, s)
}

// Act records an element-wise function.
func (t *Tape) Act(x Value, a Act) Value {
	if !t.ok(a.Type, x) {
		return None
	}
	return t.add(Node{Type: a.Type, Attrs: slices.Clone(a.Attrs), In: []Value{x}}, t.shape(x))
}

// Softmax records a Softmax.
func (t *Tape) Softmax(x Value, axis int) Value {
	if !t.ok("Softmax", x) {
		return None
	}
	if _, ok := wrap(axis, len(t.shape(x))); !ok {
		t.fail("Softmax", "shape %v has no axis %d", t.shape(x), axis)
		return None
	}
	var attrs []Attr
	if axis != -1 && axis != len(t.shape(x))-1 {
		attrs = append(attrs, intAttr("axis", axis))
	}
	return t.add(Node{Type: "Softmax", Attrs: attrs, In: []Value{x}}, t.shape(x))
}

var poolTypes = [...]string{Max: "MaxPool", Average: "AveragePool", GlobalMax: "GlobalMaxPool", GlobalAverage: "GlobalAveragePool"}

// Pool records a pooling.
func (t *Tape) Pool(x Value, p Pool) Value {
	if !t.ok(p.Name, x) {
		return None
	}
	xs := t.shape(x)
	n := Node{Type: poolTypes[p.Kind], Name: p.Name, In: []Value{x}}
	if len(xs) < 3 {
		t.fail(p.Name, "pooling of shape %v is not possible", xs)
		return None
	}
	if p.Kind == GlobalMax || p.Kind == GlobalAverage {
		s := slices.Clone(xs)
		for a := 2; a < len(s); a++ {
			s[a] = 1
		}
		return t.add(n, s)
	}
	w := window{p.Kernel, p.Strides, p.Pads, p.Dilations, p.AutoPad, p.CeilMode}
	if len(p.Kernel) != len(xs)-2 {
		t.fail(p.Name, "a window of %v does not fit the shape %v", p.Kernel, xs)
		return None
	}
	n.Attrs = w.attrs(nil)
	if p.CeilMode {
		n.Attrs = append(n.Attrs, intAttr("ceil_mode", 1))
	}
	if p.CountIncludePad {
		n.Attrs = append(n.Attrs, intAttr("count_include_pad", 1))
	}
	return t.add(n, append(slices.Clone(xs[:2]), w.slide(xs[2:])...))
}

// Mean records a ReduceMean.
func (t *Tape) Mean(x Value, keep bool, axes ...int) Value {
	if !t.ok("ReduceMean", x) {
		return None
	}
	if len(axes) == 0 { // ONNX: all of them
		for a := range t.shape(x) {
			axes = append(axes, a)
		}
	}
	for _, a := range axes {
		if _, ok := wrap(a, len(t.shape(x))); !ok {
			t.fail("ReduceMean", "shape %v has no axis %d", t.shape(x), a)
			return None
		}
	}
	attrs := []Attr{intsAttr("axes", axes)}
	if !keep {
		attrs = append(attrs, intAttr("keepdims", 0))
	}
	return t.add(Node{Type: "ReduceMean", Attrs: attrs, In: []Value{x}}, reduced(t.shape(x), keep, axes))
}

func (t *Tape) binary(op string, x, y Value) Value {
	if !t.ok(op, x, y) {
		return None
	}
	s, ok := Broadcast(t.shape(x), t.shape(y))
	if !ok {
		t.fail(op, "shapes %v and %v do not broadcast", t.shape(x), t.shape(y))
		return None
	}
	return t.add(Node{Type: op, In: []Value{x, y}}, s)
}

// Add records an element-wise sum.
func (t *Tape) Add(x, y Value) Value { return t.binary("Add", x, y) }

// Sub records an element-wise difference.
func (t *Tape) Sub(x, y Value) Value { return t.binary("Sub", x, y) }

// Mul records an element-wise product.
func (t *Tape) Mul(x, y Value) Value { return t.binary("Mul", x, y) }

// Div records an element-wise quotient.
func (t *Tape) Div(x, y Value) Value { return t.binary("Div", x, y) }

// Flatten records a Flatten.
func (t *Tape) Flatten(x Value, axis int) Value {
	if !t.ok("Flatten", x) {
		return None
	}
	var attrs []Attr
	if axis != 1 {
		attrs = append(attrs, intAttr("axis", axis))
	}
	s := t.shape(x)
	if axis < 0 {
		axis += len(s) // as many axes as there are is one more than wrap allows
	}
	if axis < 0 || axis > len(s) {
		t.fail("Flatten", "shape %v has no axis %d", s, axis)
		return None
	}
	return t.add(Node{Type: "Flatten", Attrs: attrs, In: []Value{x}}, Shape{times(s[:axis]), times(s[axis:])})
}

// Reshape records a Reshape.
func (t *Tape) Reshape(x Value, s Shape) Value {
	if !t.ok("Reshape", x) {
		return None
	}
	if times(s) != times(t.shape(x)) {
		t.fail("Reshape", "%v does not have as many elements as %v", s, t.shape(x))
		return None
	}
	return t.add(Node{Type: "Reshape", Attrs: []Attr{intsAttr("shape", s)}, In: []Value{x}}, s)
}

// Transpose records a Transpose.
func (t *Tape) Transpose(x Value, perm ...int) Value {
	if !t.ok("Transpose", x) {
		return None
	}
	xs := t.shape(x)
	s := make(Shape, 0, len(perm))
	if len(perm) != len(xs) {
		t.fail("Transpose", "%v does not permute the axes of %v", perm, xs)
		return None
	}
	for _, a := range perm {
		if a < 0 || a >= len(xs) || slices.Index(perm, a) != len(s) {
			t.fail("Transpose", "%v does not permute the axes of %v", perm, xs)
			return None
		}
		s = append(s, xs[a])
	}
	return t.add(Node{Type: "Transpose", Attrs: []Attr{intsAttr("perm", perm)}, In: []Value{x}}, s)
}

// Concat records a Concat.
func (t *Tape) Concat(axis int, xs ...Value) Value {
	if len(xs) == 0 || !t.ok("Concat", xs...) {
		t.fail("Concat", "there is nothing to join")
		return None
	}
	s := slices.Clone(t.shape(xs[0]))
	a, ok := wrap(axis, len(s))
	for k, x := range xs {
		o := t.shape(x)
		if !ok || len(o) != len(s) || !slices.Equal(o[:a], s[:a]) || !slices.Equal(o[a+1:], s[a+1:]) {
			t.fail("Concat", "shapes %v and %v cannot be joined along axis %d", s, o, axis)
			return None
		}
		if k > 0 {
			s[a] += o[a]
		}
	}
	return t.add(Node{Type: "Concat", Attrs: []Attr{intAttr("axis", axis)}, In: slices.Clone(xs)}, s)
}

// Split records a Split.
func (t *Tape) Split(x Value, axis int, sizes ...int) []Value {
	s := Shape{}
	if t.ok("Split", x) {
		s = t.shape(x)
	}
	a, ok := wrap(axis, len(s))
	var shapes []Shape
	total := 0
	for _, n := range sizes {
		part := slices.Clone(s)
		if ok = ok && n > 0; ok {
			part[a] = n
		}
		shapes, total = append(shapes, part), total+n
	}
	if t.err == nil && (!ok || total != s[a]) {
		t.fail("Split", "axis %d of %v cannot be cut into %v", axis, s, sizes)
	}
	n := Node{Type: "Split", Attrs: []Attr{intAttr("axis", axis), intsAttr("split", sizes)}, In: []Value{x}}
	return t.several(n, shapes, nil)
}

// several appends a node with several outputs.
func (t *Tape) several(n Node, shapes []Shape, types []DType) []Value {
	out := make([]Value, len(shapes))
	if t.err != nil || len(shapes) == 0 {
		return out
	}
	d := Float32
	if len(n.In) > 0 {
		d = t.g.Values[n.In[0]].Type
	}
	out[0] = t.addAs(n, shapes[0], typeAt(types, 0, d))
	last := &t.g.Nodes[len(t.g.Nodes)-1]
	for k := 1; k < len(shapes) && t.err == nil; k++ {
		out[k] = t.value(Info{Name: fmt.Sprintf("%s_output_%d", last.Name, k), Type: typeAt(types, k, d), Shape: shapes[k]})
		last.Out = append(last.Out, out[k])
	}
	return out
}

func typeAt(types []DType, k int, def DType) DType {
	if k < len(types) && types[k] != 0 {
		return types[k]
	}
	return def
}
