// Package onnx reads ONNX models into TailorIR.
package onnx

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/op"
)

// Info describes a model file.
type Info struct {
	File   string // base name
	SHA256 string // of the file, in hexadecimal
	Size   int64
	Opset  int // of the default domain

	Model *onnx.Model // the decoded file; the graph's weights are parts of it
	path  string
}

// maxErrors is how many mistakes of one file are reported.
const maxErrors = 10

// Read reads the model at path. Errors name the file and the node.
func Read(path string) (*ir.Graph, *Info, error) {
	m, err := onnx.Open(context.Background(), path)
	if err != nil {
		return nil, nil, err
	}
	i := &Info{File: filepath.Base(path), SHA256: m.SHA256, Size: m.Size, Model: m, path: path}
	g, err := i.Graph()
	if err != nil {
		return nil, nil, err
	}
	i.Opset = g.Opsets[""]
	return g, i, nil
}

// Graph makes the graph once more, as nothing has changed it. The file is not read again.
func (i *Info) Graph() (*ir.Graph, error) {
	g, err := decode(i.Model)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.path, err)
	}
	return g, nil
}

// Decode reads a serialised model, which must not be changed afterwards: weights stay parts of it.
// dir is the folder of its external data files, "" when it may have none.
func Decode(data []byte, dir string) (*ir.Graph, error) {
	m, err := onnx.Parse(data, dir)
	if err != nil {
		return nil, err
	}
	return decode(m)
}

func decode(m *onnx.Model) (*ir.Graph, error) {
	d := &decoder{file: m, ids: map[string]ir.ValueID{}}
	d.model(m.Proto)
	if err := errors.Join(d.errs...); err != nil {
		return nil, err
	}
	return d.g, errors.Join(ir.Verify(d.g), op.Types(d.g))
}

// decoder turns protobuf messages into a graph and collects mistakes.
type decoder struct {
	file *onnx.Model
	g    *ir.Graph
	ids  map[string]ir.ValueID
	errs []error
}

func (d *decoder) errorf(format string, args ...any) {
	if len(d.errs) < maxErrors {
		d.errs = append(d.errs, fmt.Errorf(format, args...))
	}
}

func (d *decoder) model(m *onnxpb.ModelProto) {
	d.g = &ir.Graph{
		Name: m.GetGraph().GetName(), IRVersion: m.GetIrVersion(), Producer: m.GetProducerName(), Doc: m.GetDocString(),
		Opsets: map[string]int{}, Values: []*ir.Value{{}},
	}
	for _, o := range m.GetOpsetImport() {
		domain := o.GetDomain()
		if domain == "ai.onnx" {
			domain = ""
		}
		d.g.Opsets[domain] = int(o.GetVersion())
	}
	for _, p := range m.GetMetadataProps() {
		d.g.Meta = append(d.g.Meta, ir.Meta{Key: p.GetKey(), Value: p.GetValue()})
	}
	d.opsets(m)
	d.graph(m.GetGraph(), d.ordered(d.inline(m)))
}

// minOpset is the oldest opset that is read: its operators mean what they mean today but for broadcasting, see opset6.
const minOpset = 6

func (d *decoder) opsets(m *onnxpb.ModelProto) {
	if v, ok := d.g.Opsets[""]; !ok {
		d.errorf("the model does not say which opset it uses")
	} else if v < minOpset {
		d.errorf("the model uses opset %d; convert it to opset %d or newer (onnx.version_converter)", v, minOpset)
	}
}

func (d *decoder) graph(p *onnxpb.GraphProto, nodes []*onnxpb.NodeProto) {
	for _, t := range p.GetInitializer() {
		d.initializer(t)
	}
	for _, t := range p.GetSparseInitializer() {
		d.errorf("initializer %q is sparse, and damaged or too large as a dense one", t.GetValues().GetName())
	}
	for _, in := range p.GetInput() {
		if id, ok := d.ids[in.GetName()]; ok && d.g.Values[id].Const != nil {
			continue // older files list initializers among the inputs
		}
		id := d.define(in.GetName(), "the graph's inputs")
		d.describe(id, in)
		d.g.Inputs = append(d.g.Inputs, id)
	}
	for i, n := range nodes {
		if !d.elsewhere(i, n) {
			d.node(i, n)
		}
	}
	for _, v := range append(p.GetValueInfo(), p.GetOutput()...) {
		if id, ok := d.ids[v.GetName()]; ok {
			d.describe(id, v)
		}
	}
	for _, n := range nodes {
		d.branches(n)
	}
	for _, out := range p.GetOutput() {
		id, ok := d.ids[out.GetName()]
		if !ok {
			d.errorf("output %q is made by no node", out.GetName())
			continue
		}
		d.g.Outputs = append(d.g.Outputs, id)
	}
	if len(p.GetOutput()) == 0 { // nothing would be computed
		d.errorf("the graph has no outputs")
	}
}

// define adds a value; a name that is taken is a mistake.
func (d *decoder) define(name, where string) ir.ValueID {
	if _, ok := d.ids[name]; ok {
		d.errorf("%q is defined twice, the second time by %s", name, where)
	}
	d.g.Values = append(d.g.Values, &ir.Value{Name: name})
	id := ir.ValueID(len(d.g.Values) - 1)
	d.ids[name] = id
	return id
}

func (d *decoder) initializer(p *onnxpb.TensorProto) {
	t, at, err := d.file.Locate(p)
	if err != nil {
		d.errorf("initializer %q: %w", p.GetName(), err)
		d.define(p.GetName(), "the initializers") // so that its readers are not mistakes, too
		return
	}
	id := d.define(p.GetName(), "the initializers")
	d.setConst(id, &ir.Tensor{Tensor: t, Name: p.GetName(), Source: at})
}

func (d *decoder) setConst(id ir.ValueID, t *ir.Tensor) {
	v := d.g.Values[id]
	v.Const, v.Type, v.Shape = t, t.Type, make(ir.Shape, len(t.Shape))
	for k, n := range t.Shape {
		v.Shape[k] = ir.Dim{Size: n}
	}
}

// capture makes operands of what a node's subgraphs use from outside.
func (d *decoder) capture(n *ir.Node, p *onnxpb.NodeProto) {
	names := onnx.Captures(p)
	for _, name := range names {
		id, ok := d.ids[name]
		if !ok {
			d.errorf("a subgraph of node %q (%s) reads %q, which no node, input or initializer makes", n.Name, n.Op, name)
		}
		n.In = append(n.In, id)
	}
	if len(names) > 0 {
		n.Set(ir.Attr{Name: ir.Captures, Kind: ir.AttrStrings, Strings: names})
	}
}

// describe takes over a value's declared type and shape.
func (d *decoder) describe(id ir.ValueID, p *onnxpb.ValueInfoProto) {
	v := d.g.Values[id]
	t := p.GetType().GetTensorType()
	if t == nil {
		if p.GetType() != nil {
			v.Note = "not a tensor"
		}
		return
	}
	if v.Const != nil {
		return
	}
	v.Type = ir.DType(t.GetElemType())
	if t.GetShape() == nil {
		return
	}
	v.Shape = make(ir.Shape, 0, len(t.GetShape().GetDim()))
	for _, dim := range t.GetShape().GetDim() {
		e := ir.Dim{Size: -1, Sym: dim.GetDimParam()}
		if _, ok := dim.GetValue().(*onnxpb.TensorShapeProto_Dimension_DimValue); ok && dim.GetDimValue() > 0 {
			e = ir.Dim{Size: int(min(dim.GetDimValue(), onnx.MaxExtent))}
		}
		if dim.GetDimValue() > onnx.MaxExtent {
			d.errorf("value %q has an axis of extent %d", v.Name, dim.GetDimValue())
		}
		v.Shape = append(v.Shape, e)
	}
}

// elsewhere makes a Constant whose many bytes lie in another file an initializer: they stay there. PyTorch writes weights like that above 2 GB.
func (d *decoder) elsewhere(i int, p *onnxpb.NodeProto) bool {
	a, out := p.GetAttribute(), p.GetOutput()
	if p.GetOpType() != "Constant" || p.GetDomain() != "" && p.GetDomain() != "ai.onnx" || len(a) != 1 || len(out) != 1 || out[0] == "" ||
		!onnx.Apart(a[0].GetT()) {
		return false
	}
	t, at, err := d.file.Locate(a[0].GetT())
	if err != nil || at == nil {
		return false // reading it all tells what is wrong
	}
	d.setConst(d.define(out[0], fmt.Sprintf("node %q", onnx.NodeName(p, i))), &ir.Tensor{Tensor: t, Name: out[0], Source: at})
	return true
}

func (d *decoder) node(i int, p *onnxpb.NodeProto) {
	name := onnx.NodeName(p, i)
	n := &ir.Node{Op: p.GetOpType(), Domain: p.GetDomain(), Name: name}
	if n.Domain == "ai.onnx" {
		n.Domain = ""
	}
	for _, in := range p.GetInput() {
		id, ok := d.ids[in]
		if in != "" && !ok {
			d.errorf("node %q (%s) reads %q, which no node, input or initializer makes", name, n.Op, in)
		}
		n.In = append(n.In, id)
	}
	for _, a := range p.GetAttribute() {
		attr, err := d.file.Attr(a)
		if err != nil {
			d.errorf("node %q: %w", name, err)
		}
		n.Attrs = append(n.Attrs, attr)
	}
	if d.g.Opsets[""] < 7 {
		d.opset6(n)
	}
	d.capture(n, p)
	for _, m := range p.GetMetadataProps() {
		n.Meta = append(n.Meta, ir.Meta{Key: m.GetKey(), Value: m.GetValue()})
	}
	for _, out := range p.GetOutput() {
		id := ir.ValueID(0)
		if out != "" {
			id = d.define(out, fmt.Sprintf("node %q", name))
		}
		n.Out = append(n.Out, id)
	}
	if len(n.Out) == 0 {
		d.errorf("node %q (%s) has no outputs", name, n.Op)
		return
	}
	d.g.Nodes = append(d.g.Nodes, n)
}
