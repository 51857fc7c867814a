package ir

import "github.com/autotailor/autotailor/internal/onnx"

// Graph is a model's computation graph. Nodes stand in execution order.
type Graph struct {
	Name    string
	Nodes   []*Node
	Values  []*Value  // indexed by ValueID; entry 0 is the absent value
	Inputs  []ValueID // without initializers
	Outputs []ValueID

	// What must survive until a SubNet is exported.
	IRVersion int64
	Opsets    map[string]int // by domain, "" is ai.onnx
	Producer  string
	Doc       string
	Meta      []Meta
}

// Meta is one metadata property of a model or node.
type Meta struct{ Key, Value string }

// ValueID identifies a value within its graph. Zero is the absent optional operand.
type ValueID int32

// Value is a tensor that flows through the graph: an input, a constant or a node's output.
type Value struct {
	Name  string
	Type  DType
	Shape Shape   // nil when unknown; a scalar has length 0 and is not nil
	Const *Tensor // set when the value is an initializer or folded to a constant
	Note  string  // when not a plain tensor: "sequence", "optional", "map"
}

// Node is one operator.
type Node struct {
	Op     string // operator type
	Domain string // "" is ai.onnx
	Name   string
	In     []ValueID
	Out    []ValueID
	Attrs  []Attr
	Scope  string // module path, from the exporter's metadata or the node's name
	Meta   []Meta
	Parts  []string // names of the model's nodes in whose place a pass has put this one, where its own name is not one of theirs
}

// Dim is one extent: a number, or an open extent with the exporter's name.
type Dim struct {
	Size int    // -1 when open
	Sym  string // ONNX dim_param, "" when none
}

// Shape is a list of extents, outermost first.
type Shape []Dim

// Tensor is constant data.
type Tensor struct {
	onnx.Tensor              // Raw is nil while the data stay in another file
	Name        string       // initializer name; "" for folded constants
	Source      *onnx.Extent // where the bytes lie when Raw is nil
	// Transposed says that the model stores this matrix the other way round; Raw is as stored.
	Transposed bool
	// Copy numbers parameters of their own that the model stores as one tensor, see supernet.Compile. The first is 0.
	Copy int
}

// Identity tells tensors of the model apart: constants that have the same one are the same weights, as they are stored or transposed.
type Identity struct {
	Name string
	Copy int
}

// Identity is which tensor of the model t is; ok is false where it is none.
func (t *Tensor) Identity() (id Identity, ok bool) { return Identity{t.Name, t.Copy}, t.Name != "" }

// Captures is an attribute of nodes with subgraphs: the names by which those know the values of the graph around them, which are the
// node's last operands.
const Captures = "autotailor.captures"
