package nn

// Graph is a recorded network: what a Tape makes of a Build method.
// It is shaped like an ONNX graph. Nodes stand in execution order.
type Graph struct {
	Nodes   []Node
	Values  []Info // indexed by Value; entry 0 is None
	Inputs  []Value
	Outputs []Value
}

// Node is one operator of a Graph. Type and attributes are ONNX's; attributes that have their default value are left out.
// Parameters are operands like any other, so In of a Conv is data, weight and perhaps bias.
type Node struct {
	Type, Domain, Name string
	Attrs              []Attr
	In, Out            []Value
}

// Info describes one value of a Graph.
type Info struct {
	Name  string // unique in the graph
	Type  DType
	Shape Shape   // after picking; Batch stands for the open batch
	Param *Param  // set when the value is a parameter
	Const *Tensor // set when the value is a constant that the SubNet determines (a shape, an index)
}
