package nn

import "slices"

// Graph is a recorded network: what a Tape makes of a Build method.
// It is shaped like an ONNX graph. Nodes stand in execution order.
type Graph struct {
	Nodes   []Node
	Values  []Info // indexed by Value; entry 0 is None
	Inputs  []Value
	Outputs []Value
	Opset   int // ONNX opset of the model that it is from, 0 if unknown; an exported file has at least this one
}

// Node is one operator of a Graph. Type and attributes are ONNX's; attributes that have their default value are left out.
// Parameters are operands like any other, so In of a Conv is data, weight and perhaps bias. ONNX has turned some attributes into operands over time: axes, the bounds of
// Clip, the shape of a Reshape. They are attributes here.
type Node struct {
	Type, Domain, Name string
	Attrs              []Attr // in alphabetical order
	In, Out            []Value
	MACs               int64 // of the subgraphs that it runs, see Op
}

// Info describes one value of a Graph.
type Info struct {
	Name  string // unique in the graph
	Type  DType
	Shape Shape   // after picking; Batch stands for the open batch
	Param *Param  // set when the value is a parameter
	Const *Tensor // set when the value is a constant that the SubNet determines (a shape, an index)
}

// Known tells whether the value does not depend on inputs.
func (i *Info) Known() bool { return i.Param != nil || i.Const != nil }

// Attr returns the attribute called name.
func (n *Node) Attr(name string) (Attr, bool) {
	for _, a := range n.Attrs {
		if a.Name == name {
			return a, true
		}
	}
	return Attr{}, false
}

// Int returns an integer attribute, def when it is left out.
func (n *Node) Int(name string, def int64) int64 {
	if a, ok := n.Attr(name); ok {
		return a.Int
	}
	return def
}

// Ints returns an integer list attribute, nil when it is left out.
func (n *Node) Ints(name string) []int64 {
	a, _ := n.Attr(name)
	return a.Ints
}

// Float returns a float attribute, def when it is left out.
func (n *Node) Float(name string, def float32) float32 {
	if a, ok := n.Attr(name); ok {
		return a.Float
	}
	return def
}

// Text returns a string attribute, def when it is left out or empty.
func (n *Node) Text(name, def string) string {
	if a, _ := n.Attr(name); a.String != "" {
		return a.String
	}
	return def
}

// List returns an integer list attribute with the given length. If the node lacks it, or has one of another length, all its elements are def.
func (n *Node) List(name string, length, def int) []int {
	given, out := n.Ints(name), make([]int, length)
	for i := range out {
		if out[i] = def; len(given) == length {
			out[i] = Nearest(given[i])
		}
	}
	return out
}

// Bind returns g with the open batch set to n. It shares everything but shapes with g.
func (g *Graph) Bind(n int) *Graph {
	out := *g
	out.Values = slices.Clone(g.Values)
	for i := range out.Values {
		out.Values[i].Shape = out.Values[i].Shape.Bind(n)
	}
	out.Nodes = slices.Clone(g.Nodes)
	for i := range out.Nodes {
		out.Nodes[i].bindShape(n)
	}
	return &out
}

// Part returns the nodes from up to but not including to as a network of their own, from the value in to the value out. It shares everything with g.
func (g *Graph) Part(from, to int, in, out Value) *Graph {
	return &Graph{Nodes: g.Nodes[from:to], Values: g.Values, Inputs: []Value{in}, Outputs: []Value{out}, Opset: g.Opset}
}

// bindShape sets the open batch in a Reshape's shape.
func (n *Node) bindShape(batch int) {
	if n.Type != "Reshape" {
		return
	}
	n.Attrs = slices.Clone(n.Attrs)
	for i, a := range n.Attrs {
		if a.Name != "shape" {
			continue
		}
		list := slices.Clone(a.Ints)
		for k, v := range list {
			if v < 0 {
				list[k] = -v * int64(batch)
			}
		}
		n.Attrs[i].Ints = list
	}
}

// Open tells whether s has an axis whose size depends on the batch.
func (s Shape) Open() bool { return slices.ContainsFunc(s, func(d int) bool { return d < 0 }) }

// Bind returns s with the open batch set to n.
func (s Shape) Bind(n int) Shape {
	if !s.Open() {
		return s
	}
	out := slices.Clone(s)
	for i, d := range out {
		if d < 0 {
			out[i] = -d * n
		}
	}
	return out
}
