package supernet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// OpOf describes the group of nodes of g, which stand in execution order. Every extent of g must be known (see nn.Graph.Bind).
//
// A BatchNormalization after a convolution or product of the group is that operator's bias, as runtimes fold it:
// networks with folded and with kept normalisation have the same operators. MACs are left to the caller.
func OpOf(g *nn.Graph, nodes []int) (Op, error) {
	o, _, err := OpWeights(g, nodes)
	return o, err
}

// OpWeights is OpOf with what each of the operator's Params is in g. The parameter of a normalisation that is a bias is its scale.
func OpWeights(g *nn.Graph, nodes []int) (Op, []nn.Info, error) {
	return opWeights(g, nodes, readers(g))
}

// opWeights is OpWeights for callers that describe many groups of a graph, whose readers they know.
func opWeights(g *nn.Graph, nodes []int, readers [][]int) (Op, []nn.Info, error) {
	d := describer{g: g, nodes: nodes, readers: readers, names: map[nn.Value]string{}}
	for k, i := range nodes {
		if err := d.node(k, &g.Nodes[i]); err != nil {
			return Op{}, nil, fmt.Errorf("node %q: %w", g.Nodes[i].Name, err)
		}
	}
	return d.op(), d.weights, nil
}

// readers lists the nodes that read each value of a graph, and its end for outputs.
func readers(g *nn.Graph) [][]int {
	out := make([][]int, len(g.Values))
	for i, n := range g.Nodes {
		for _, v := range n.In {
			if v != nn.None {
				out[v] = append(out[v], i)
			}
		}
	}
	for _, v := range g.Outputs {
		if v != nn.None {
			out[v] = append(out[v], len(g.Nodes))
		}
	}
	return out
}

// describer writes the text of a group.
type describer struct {
	g          *nn.Graph
	nodes      []int
	readers    [][]int             // nodes that read each value
	names      map[nn.Value]string // operands that have a name already
	in, params []string            // shapes
	weights    []nn.Info           // the params
	steps      []step
}

type step struct {
	text     string
	operands []string
}

// isProduct tells whether an operator takes a folded normalisation as bias.
func isProduct(name string) bool {
	o, _ := operators.Lookup("", name)
	return o.Class == operators.Product
}

func (d *describer) node(k int, n *nn.Node) error {
	if n.Type == "BatchNormalization" && k > 0 && d.names[n.In[0]] != "" && d.absorbs(n.In[0]) {
		d.absorb(n)
		return nil
	}
	s := step{text: head(n)}
	for _, v := range n.In {
		s.operands = append(s.operands, d.operand(v))
	}
	d.steps = append(d.steps, s)
	for j, v := range n.Out {
		name := result(len(d.steps) - 1)
		if j > 0 {
			name += fmt.Sprintf(".%d", j)
		}
		d.names[v] = name
	}
	return nil
}

func head(n *nn.Node) string {
	text := n.Type
	if n.Domain != "" && n.Domain != "ai.onnx" {
		text = n.Domain + "." + n.Type
	}
	for _, a := range n.Attrs {
		text += " " + attrText(a)
	}
	return text
}

// absorbs tells whether v is the result of the last step and that a product, or a MatMul of matrices with its bias.
func (d *describer) absorbs(v nn.Value) bool {
	last := len(d.steps) - 1
	if last < 0 || d.names[v] != result(last) {
		return false
	}
	switch kind, _, _ := strings.Cut(d.steps[last].text, " "); kind {
	case "MatMul":
		return len(d.g.Values[v].Shape) == 2 // of more axes, another one is normalised
	case "Add":
		return last > 0 && d.steps[last-1].text == "MatMul" && slices.Contains(d.steps[last].operands, result(last-1)) &&
			slices.ContainsFunc(d.steps[last].operands, func(o string) bool { return o[0] == 'p' }) && len(d.g.Values[v].Shape) == 2
	default:
		return isProduct(kind)
	}
}

// result names the result of a step.
func result(step int) string { return fmt.Sprintf("%%%d", step) }

// absorb makes a normalisation the bias of the last step. The bias of a MatMul is an addition.
func (d *describer) absorb(n *nn.Node) {
	last := &d.steps[len(d.steps)-1]
	d.names[n.Out[0]] = d.names[n.In[0]]
	switch {
	case last.text == "MatMul":
		d.steps = append(d.steps, step{"Add", []string{d.names[n.In[0]], d.param(d.g.Values[n.In[1]])}})
		d.names[n.Out[0]] = result(len(d.steps) - 1)
	case last.text != "Add" && len(last.operands) < 3:
		last.operands = append(last.operands, d.param(d.g.Values[n.In[1]]))
	}
}

func (d *describer) param(i nn.Info) string {
	d.params, d.weights = append(d.params, shapeText(i.Type, i.Shape)), append(d.weights, i)
	return fmt.Sprintf("p%d", len(d.params)-1)
}

// maxLiteral is the number of elements up to which a constant's values stand in the text.
const maxLiteral = 16

// operand names an operand, as a new input or parameter when it is not known yet.
func (d *describer) operand(v nn.Value) string {
	if v == nn.None {
		return "_"
	}
	if name, ok := d.names[v]; ok {
		return name
	}
	info := d.g.Values[v]
	name := ""
	switch {
	case info.Known() && !isParam(info):
		name = literal(*info.Const)
	case info.Known():
		name = d.param(info)
	default:
		name = fmt.Sprintf("i%d", len(d.in))
		d.in = append(d.in, shapeText(info.Type, info.Shape))
	}
	d.names[v] = name
	return name
}

// isParam tells whether a value is among an operator's Params: parameters of the network, and constants that are too large for the text.
func isParam(i nn.Info) bool {
	return i.Param != nil || i.Const != nil && (i.Shape.Count() > maxLiteral || literal(*i.Const) == "")
}

// literal writes a small constant: its type, shape and elements, such as "i64:2[1,-1]".
func literal(t nn.Tensor) string {
	var values string
	switch t.Type {
	case nn.Float32:
		values = list(t.Float32s(), floatText)
	case nn.Int64:
		values = list(t.Int64s(), func(v int64) string { return fmt.Sprint(v) })
	default:
		return ""
	}
	return shapeText(t.Type, t.Shape) + "[" + values + "]"
}

// op puts the text together. A single step leaves out its operands when they are all inputs, then all parameters, in order.
func (d *describer) op() Op {
	var steps []string
	for _, s := range d.steps {
		if len(d.steps) == 1 && slices.Equal(s.operands, d.usual()) {
			steps = append(steps, s.text)
			continue
		}
		steps = append(steps, s.text+" ("+strings.Join(s.operands, " ")+")")
	}
	return Op{
		Steps: strings.Join(steps, " | "), In: strings.Join(d.in, " "), Params: strings.Join(d.params, " "), Out: strings.Join(d.out(), " "),
	}
}

func (d *describer) usual() []string {
	var out []string
	for i := range d.in {
		out = append(out, fmt.Sprintf("i%d", i))
	}
	for i := range d.params {
		out = append(out, fmt.Sprintf("p%d", i))
	}
	return out
}

// out lists the shapes of what leaves the group.
func (d *describer) out() []string {
	var out []string
	for _, i := range d.nodes {
		for _, v := range d.g.Nodes[i].Out {
			if d.leaves(v) {
				out = append(out, shapeText(d.g.Values[v].Type, d.g.Values[v].Shape))
			}
		}
	}
	return out
}

// leaves tells whether a value is read outside of the group, or by nobody.
func (d *describer) leaves(v nn.Value) bool {
	return v == nn.None || len(d.readers[v]) == 0 || slices.ContainsFunc(d.readers[v], func(i int) bool { return !slices.Contains(d.nodes, i) })
}
