package nn

import (
	"cmp"
	"fmt"
	"slices"
)

// Tape is the Builder that records a Graph.
type Tape struct {
	g         Graph
	params    map[form]Value
	constants map[string]Value // by type, shape and elements
	names     map[string]int   // names of values and nodes in use
	ends      map[Value]bool   // inputs and outputs of the graph
	err       error
}

// form is a parameter by its name, as it is stored or transposed. A network may use both forms of a matrix, such as an embedding that is also
// the last layer.
type form struct {
	name       string
	transposed bool
}

var _ Builder = (*Tape)(nil)

// NewTape returns an empty tape.
func NewTape() *Tape {
	return &Tape{g: Graph{Values: make([]Info, 1)}, params: map[form]Value{}, constants: map[string]Value{}, names: map[string]int{}, ends: map[Value]bool{}}
}

// Graph returns what was recorded, or the first error.
func (t *Tape) Graph() (*Graph, error) {
	if t.err == nil && len(t.g.Outputs) == 0 {
		t.err = fmt.Errorf("the network has no output")
	}
	if t.err != nil {
		return nil, t.err
	}
	return &t.g, nil
}

// Record runs build on a new tape and returns what it recorded.
func Record(build func(Builder)) (*Graph, error) {
	t := NewTape()
	build(t)
	return t.Graph()
}

func (t *Tape) fail(node, format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf("node %q: %w", node, fmt.Errorf(format, args...))
	}
}

// unique returns name, numbered when it is taken.
func (t *Tape) unique(name string) string {
	n := t.names[name]
	t.names[name]++
	if n == 0 {
		return name
	}
	return t.unique(fmt.Sprintf("%s_%d", name, n))
}

func (t *Tape) value(i Info) Value {
	i.Name = t.unique(i.Name)
	t.g.Values = append(t.g.Values, i)
	return Value(len(t.g.Values) - 1)
}

// shape returns the shape of x.
func (t *Tape) shape(x Value) Shape { return t.g.Values[x].Shape }

// ok tells whether all operands exist. After an error none do.
func (t *Tape) ok(node string, xs ...Value) bool {
	if t.err != nil {
		return false
	}
	for _, x := range xs {
		if x <= None || int(x) >= len(t.g.Values) {
			t.fail(node, "an operand is missing")
			return false
		}
	}
	return true
}

// add appends a node with one output.
func (t *Tape) add(n Node, s Shape) Value {
	if len(n.In) == 0 {
		return t.addAs(n, s, Float32)
	}
	return t.addAs(n, s, t.g.Values[n.In[0]].Type)
}

func (t *Tape) addAs(n Node, s Shape, d DType) Value {
	if t.err != nil {
		return None
	}
	if n.Name == "" {
		n.Name = n.Type
	}
	n.Name = t.unique(n.Name)
	slices.SortFunc(n.Attrs, func(a, b Attr) int { return cmp.Compare(a.Name, b.Name) })
	for _, e := range s {
		if e == 0 {
			t.fail(n.Name, "its result would have the shape %v", s)
			return None
		}
	}
	out := t.value(Info{Name: n.Name + "_output_0", Type: d, Shape: s})
	n.Out = []Value{out}
	t.g.Nodes = append(t.g.Nodes, n)
	return out
}

// Input declares a graph input.
func (t *Tape) Input(name string, d DType, s Shape) Value {
	v := t.value(Info{Name: name, Type: d, Shape: s})
	t.g.Inputs = append(t.g.Inputs, v)
	t.ends[v] = true
	return v
}

// Output declares x as the graph output called name.
func (t *Tape) Output(name string, x Value) {
	if !t.ok(name, x) {
		return
	}
	if t.ends[x] || t.g.Values[x].Known() {
		x = t.add(Node{Type: "Identity", In: []Value{x}}, t.shape(x))
	}
	info := &t.g.Values[x]
	if info.Name != name {
		delete(t.names, info.Name)
		info.Name = t.unique(name)
	}
	t.g.Outputs = append(t.g.Outputs, x)
	t.ends[x] = true
}

// Param makes the picked part of a SuperNet tensor a value.
func (t *Tape) Param(p Param) Value {
	if t.err != nil {
		return None
	}
	for axis, k := range p.Picks {
		if axis >= len(p.Shape) || !k.valid(p.Shape[axis]) {
			t.fail(p.Name, "cannot keep %d positions of axis %d of shape %v", k.Len(), axis, p.Shape)
			return None
		}
	}
	own, other := form{p.Name, p.Transposed}, form{p.Name, !p.Transposed}
	v, ok := t.params[own]
	w, twin := t.params[other]
	switch {
	case ok && !t.g.Values[v].Param.same(p), twin && !t.g.Values[w].Param.same(p.turned()):
		t.fail(p.Name, "one tensor is cut in two ways")
		return None
	case ok:
		return v
	}
	name := p.Name
	if p.Transposed { // a reader of an exported model must not take it for the stored matrix
		name += "_transposed"
	}
	v = t.value(Info{Name: name, Type: cmp.Or(p.Type, Float32), Shape: p.Picked(), Param: &p})
	t.params[own] = v
	return v
}

// optional is Param for a tensor that may be absent.
func (t *Tape) optional(in []Value, p Param) []Value {
	if p.Name == "" {
		return in
	}
	return append(in, t.Param(p))
}

// constant makes a constant tensor a value, equal ones the same.
func (t *Tape) constant(name string, c Tensor) Value {
	key := fmt.Sprint(c.Type, c.Shape) + string(c.Raw)
	v, ok := t.constants[key]
	if !ok {
		v = t.value(Info{Name: cmp.Or(name, "const"), Type: c.Type, Shape: c.Shape, Const: &c})
		t.constants[key] = v
	}
	return v
}

func intAttr(name string, v int) Attr { return Attr{Name: name, Kind: AttrInt, Int: int64(v)} }

func floatAttr(name string, v float32) Attr { return Attr{Name: name, Kind: AttrFloat, Float: v} }

func intsAttr[T int | int64](name string, list []T) Attr {
	out := make([]int64, len(list))
	for i, v := range list {
		out[i] = int64(v)
	}
	return Attr{Name: name, Kind: AttrInts, Ints: out}
}

// unless appends an integer list that is not made of defaults only.
func unless(attrs []Attr, name string, list []int, def int) []Attr {
	if !slices.ContainsFunc(list, func(v int) bool { return v != def }) {
		return attrs
	}
	return append(attrs, intsAttr(name, list))
}
