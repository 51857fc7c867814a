package onnxfile

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/internal/release"
	"github.com/autotailor/autotailor/runtime/nn"
)

// WriteOptions control Write. The zero value writes an open batch and the smallest opset that has every operator.
type WriteOptions struct {
	Opset    int               // at least this opset, and the graph's; newer when an operator needs it
	Batch    int               // fixed batch size, 0 keeps it open
	Metadata map[string]string // metadata_props, beside those of the weights' model
	Name     string            // of the graph
	Fold     bool              // multiply normalisations into the layers before them, see nn.FoldBatchNorm
	Float16  bool              // store weights as float16, with a Cast after each; computation stays in float32
	Beside   *Beside           // a second file for large weights; nil for none
}

// Write writes g with weights w as an ONNX model. Names of nodes, weights, inputs and outputs are g's.
func Write(dst io.Writer, g *nn.Graph, w nn.Weights, o WriteOptions) error {
	m, err := Proto(g, w, o)
	if err != nil {
		return err
	}
	if err := fits(m); err != nil {
		return err
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return err
	}
	_, err = dst.Write(data)
	return err
}

// MinOpset is the opset of the oldest models that Write writes.
const MinOpset = 13

// MaxOpset is the newest opset whose operators Write knows.
const MaxOpset = 24

// irVersions has the IR version that came with an opset.
func irVersion(opset int) int64 {
	switch {
	case opset <= 14:
		return 7
	case opset <= 18:
		return 8
	case opset <= 20:
		return 9
	}
	return 10
}

// NeedsOpset is the opset that Write writes a network with: at least the given one.
func NeedsOpset(g *nn.Graph, least int) int {
	opset := max(least, g.Opset, MinOpset)
	for _, n := range g.Nodes {
		if o, ok := operators.Lookup(n.Domain, n.Type); ok && o.Domain == "" {
			opset = max(opset, opsetOf(g, &n, o.Since()))
		}
	}
	return opset
}

// Proto builds the model that Write writes.
func Proto(g *nn.Graph, w nn.Weights, o WriteOptions) (*onnxpb.ModelProto, error) {
	if o.Batch > 0 {
		g = g.Bind(o.Batch)
	}
	if o.Fold {
		var err error
		if g, w, err = nn.FoldBatchNorm(g, w); err != nil {
			return nil, err
		}
	}
	opset := NeedsOpset(g, o.Opset)
	b := &writer{
		g: g, w: w, opset: opset, graph: &onnxpb.GraphProto{Name: proto.String(cmp.Or(o.Name, "autotailor"))}, half: o.Float16, beside: o.Beside,
		taken: map[string]bool{}, domains: map[string]bool{}, instead: map[nn.Value]string{}, lists: map[string]string{},
	}
	for _, v := range g.Values {
		b.taken[v.Name] = true
	}
	if err := b.build(); err != nil {
		return nil, err
	}
	m := &onnxpb.ModelProto{
		IrVersion: proto.Int64(irVersion(opset)), Graph: b.graph,
		ProducerName: proto.String("autotailor"), ProducerVersion: proto.String(release.Version),
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(int64(opset))}},
	}
	for _, d := range slices.Sorted(maps.Keys(b.domains)) {
		m.OpsetImport = append(m.OpsetImport, &onnxpb.OperatorSetIdProto{Domain: proto.String(d), Version: proto.Int64(b.domainVersion(d))})
	}
	meta := map[string]string{}
	if below := modelOf(w); below != nil {
		maps.Copy(meta, below.Metadata)
	}
	maps.Copy(meta, o.Metadata)
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		m.MetadataProps = append(m.MetadataProps, &onnxpb.StringStringEntryProto{Key: proto.String(k), Value: proto.String(meta[k])})
	}
	return m, nil
}

// modelOf is the model below w, nil when there is none.
func modelOf(w nn.Weights) *Model {
	for {
		switch x := w.(type) {
		case *Model:
			return x
		case interface{ Base() nn.Weights }:
			w = x.Base()
		default:
			return nil
		}
	}
}

// domainVersion is the opset of another domain: the model's, or the first.
func (b *writer) domainVersion(domain string) int64 {
	if m := modelOf(b.w); m != nil && m.domains[domain] > 0 {
		return m.domains[domain]
	}
	return 1
}

// writer turns a graph into its protobuf form.
type writer struct {
	g       *nn.Graph
	w       nn.Weights
	opset   int
	graph   *onnxpb.GraphProto
	taken   map[string]bool
	domains map[string]bool
	half    bool                // store weights as float16
	beside  *Beside             // takes large weights; nil for none
	first   []*onnxpb.NodeProto // what makes other forms of weights
	instead map[nn.Value]string // names of weights that are stored under another one
	lists   map[string]string   // names of the initializers that the model did not have, by their elements
}

func (b *writer) build() error {
	for _, v := range b.g.Inputs {
		b.graph.Input = append(b.graph.Input, b.info(v))
	}
	found := counted(b.g)
	for _, v := range b.g.Outputs {
		b.graph.Output = append(b.graph.Output, b.result(v, found[v]))
	}
	if err := b.initializers(); err != nil {
		return err
	}
	if b.beside != nil && b.beside.err != nil {
		return b.beside.err
	}
	for i := range b.g.Nodes {
		n := &b.g.Nodes[i]
		if err := b.node(n); err != nil {
			return fmt.Errorf("node %q: %w", n.Name, err)
		}
		b.state(n)
	}
	b.graph.Node = append(b.first, b.graph.Node...)
	return nil
}

// state writes down the shapes of what an operator makes that is not ONNX's own, or runs subgraphs: no reader could infer them.
func (b *writer) state(n *nn.Node) {
	if o, ok := operators.Lookup(n.Domain, n.Type); ok && o.Domain == "" && o.Class != operators.Control {
		return
	}
	for _, v := range n.Out {
		if v != nn.None && !slices.Contains(b.g.Outputs, v) {
			b.graph.ValueInfo = append(b.graph.ValueInfo, b.info(v))
		}
	}
}

func (b *writer) info(v nn.Value) *onnxpb.ValueInfoProto {
	i := b.g.Values[v]
	shape := &onnxpb.TensorShapeProto{}
	for _, n := range i.Shape {
		d := &onnxpb.TensorShapeProto_Dimension{}
		switch {
		case n == nn.Batch:
			d.Value = &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: "batch"}
		case n < 0:
			d.Value = &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: fmt.Sprintf("%d*batch", -n)}
		default:
			d.Value = &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(n)}
		}
		shape.Dim = append(shape.Dim, d)
	}
	return &onnxpb.ValueInfoProto{Name: proto.String(i.Name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
		TensorType: &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(int32(cmp.Or(i.Type, nn.Float32))), Shape: shape},
	}}}
}

func (b *writer) name(v nn.Value) string {
	if v == nn.None {
		return ""
	}
	return cmp.Or(b.instead[v], b.g.Values[v].Name)
}

func (b *writer) node(n *nn.Node) error {
	p := &onnxpb.NodeProto{OpType: proto.String(n.Type), Name: proto.String(n.Name)}
	if n.Domain != "" {
		p.Domain = proto.String(n.Domain)
		b.domains[n.Domain] = true
	}
	for _, v := range n.In {
		p.Input = append(p.Input, b.name(v))
	}
	for _, v := range n.Out {
		p.Output = append(p.Output, b.name(v))
	}
	if n.Type == "Expand" && n.Domain == "" && len(n.In) == 2 {
		b.openExpand(n, p)
	}
	o, _ := operators.Lookup(n.Domain, n.Type)
	for _, a := range n.Attrs {
		if at := movedTo(o, a, b.opset); at >= 0 {
			b.operand(p, at, a)
			continue
		}
		renamed := b.renamed(n, a)
		q, err := renamed.Proto()
		if err != nil {
			return err
		}
		p.Attribute = append(p.Attribute, q)
	}
	if err := b.perChannel(n, p); err != nil {
		return err
	}
	b.subgraphs(n, p)
	b.graph.Node = append(b.graph.Node, p)
	return nil
}

// openExpand gives an Expand its target shape. ONNX has no constant for the open batch: it is computed, as an extent of an input, and joined
// with the others.
func (b *writer) openExpand(n *nn.Node, p *onnxpb.NodeProto) {
	shape := b.g.Values[n.Out[0]].Shape
	at := slices.Index(shape, nn.Batch)
	input, axis := b.batchOf()
	if at < 0 || input == nn.None {
		if target := b.g.Values[n.In[1]].Const; target != nil && !shape.Open() {
			p.Input[1] = b.constant(n.Name+"_shape", extents(shape))
		}
		return
	}
	name := n.Name + "_shape"
	step := func(op string, in []string, out string, attrs ...*onnxpb.AttributeProto) {
		b.graph.Node = append(b.graph.Node, &onnxpb.NodeProto{OpType: proto.String(op), Name: proto.String(out), Input: in, Output: []string{out}, Attribute: attrs})
	}
	step("Shape", []string{b.name(input)}, name+"_of_input")
	step("Slice", []string{name + "_of_input", b.constant(name+"_start", []int64{axis}), b.constant(name+"_end", []int64{axis + 1})}, name+"_batch")
	parts := []string{name + "_batch"}
	if at > 0 {
		parts = slices.Insert(parts, 0, b.constant(name+"_first", extents(shape[:at])))
	}
	if at < len(shape)-1 {
		parts = append(parts, b.constant(name+"_rest", extents(shape[at+1:])))
	}
	step("Concat", parts, name+"_open", &onnxpb.AttributeProto{Name: proto.String("axis"), Type: onnxpb.AttributeProto_INT.Enum(), I: proto.Int64(0)})
	p.Input[1] = name + "_open"
}

// batchOf is an input with an open batch and the axis that it is, nn.None when there is none.
func (b *writer) batchOf() (nn.Value, int64) {
	for _, v := range b.g.Inputs {
		if k := slices.Index(b.g.Values[v].Shape, nn.Batch); k >= 0 {
			return v, int64(k)
		}
	}
	return nn.None, 0
}

func extents(s nn.Shape) []int64 {
	list := make([]int64, len(s))
	for k, d := range s {
		list[k] = int64(d)
	}
	return list
}

// movedTo is the operand that an attribute of an nn.Graph is in an opset, -1 where it is an attribute still.
func movedTo(o operators.Operator, a nn.Attr, opset int) int {
	return slices.IndexFunc(o.Operands(), func(p operators.Operand) bool { return p.Name == a.Name && p.Since > 0 && opset >= p.Since })
}

// operand makes an attribute's value an operand.
func (b *writer) operand(p *onnxpb.NodeProto, at int, a nn.Attr) {
	for len(p.Input) <= at {
		p.Input = append(p.Input, "")
	}
	name := p.GetName() + "_" + a.Name
	if a.Kind == nn.AttrFloat {
		p.Input[at] = b.once(name, nn.FromFloat32s(nn.Shape{}, []float32{a.Float}))
		return
	}
	list := slices.Clone(a.Ints)
	for k, v := range list {
		if a.Name == "shape" && v < 0 {
			list[k] = -1 // the one axis that the batch is part of
		}
	}
	p.Input[at] = b.constant(name, list)
}
