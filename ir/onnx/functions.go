package onnx

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
)

// Limits of inlining that no real model reaches.
const (
	maxDepth = 32
	maxNodes = 1 << 20
)

// inliner replaces calls of model-local functions by their bodies (ONNX IR specification, functions).
type inliner struct {
	d         *decoder
	functions map[string]*onnxpb.FunctionProto
	calls     int
	nodes     []*onnxpb.NodeProto
}

func functionKey(domain, name, overload string) string {
	if domain == "ai.onnx" {
		domain = ""
	}
	return domain + "\x00" + name + "\x00" + overload
}

// inline returns the nodes of the model's graph with all calls replaced.
func (d *decoder) inline(m *onnxpb.ModelProto) []*onnxpb.NodeProto {
	if len(m.GetFunctions()) == 0 {
		return m.GetGraph().GetNode()
	}
	in := &inliner{d: d, functions: map[string]*onnxpb.FunctionProto{}}
	for _, f := range m.GetFunctions() {
		key := functionKey(f.GetDomain(), f.GetName(), f.GetOverload())
		if in.functions[key] != nil {
			d.errorf("function %s.%s is defined twice", f.GetDomain(), f.GetName())
		}
		in.functions[key] = f
		for _, o := range f.GetOpsetImport() {
			if _, ok := d.g.Opsets[o.GetDomain()]; !ok && o.GetDomain() != "ai.onnx" {
				d.g.Opsets[o.GetDomain()] = int(o.GetVersion())
			}
		}
	}
	in.expand(m.GetGraph().GetNode(), 0)
	return in.nodes
}

// expand appends nodes to the list. A call of a function is replaced by the function's body.
func (in *inliner) expand(nodes []*onnxpb.NodeProto, depth int) {
	for _, n := range nodes {
		f := in.functions[functionKey(n.GetDomain(), n.GetOpType(), n.GetOverload())]
		switch {
		case len(in.nodes) > maxNodes || len(in.d.errs) >= maxErrors:
			return
		case f == nil:
			in.nodes = append(in.nodes, n)
		case depth == maxDepth:
			in.d.errorf("node %q calls function %s.%s more than %d levels deep: functions must not call themselves", n.GetName(), f.GetDomain(), f.GetName(), maxDepth)
			return
		default:
			in.expand(in.body(n, f), depth+1)
		}
	}
	if depth == 0 && len(in.nodes) > maxNodes {
		in.d.errorf("the model has more than %d nodes once its functions are inlined", maxNodes)
	}
}

// body copies a function's nodes with the call's operands, results and attributes in place.
func (in *inliner) body(call *onnxpb.NodeProto, f *onnxpb.FunctionProto) []*onnxpb.NodeProto {
	in.calls++
	prefix := fmt.Sprintf("%s_%d/", f.GetName(), in.calls)
	if call.GetName() != "" {
		prefix = call.GetName() + "/"
	}
	if len(call.GetInput()) > len(f.GetInput()) || len(call.GetOutput()) > len(f.GetOutput()) {
		in.d.errorf("node %q calls function %s.%s with %d operands and %d results, it has %d and %d",
			call.GetName(), f.GetDomain(), f.GetName(), len(call.GetInput()), len(call.GetOutput()), len(f.GetInput()), len(f.GetOutput()))
		return nil
	}
	names := map[string]string{"": ""}
	for k, name := range f.GetInput() {
		names[name] = ""
		if k < len(call.GetInput()) {
			names[name] = call.GetInput()[k]
		}
	}
	for k, name := range f.GetOutput() {
		if k < len(call.GetOutput()) && call.GetOutput()[k] != "" {
			names[name] = call.GetOutput()[k]
		}
	}
	scope := fmt.Sprintf("%s#%d/", prefix, in.calls)
	rename := func(name string) string {
		if to, ok := names[name]; ok {
			return to
		}
		return scope + name
	}
	attrs := attributes(call, f)
	var out []*onnxpb.NodeProto
	for _, n := range f.GetNode() {
		c := proto.CloneOf(n)
		c.Name = proto.String(prefix + n.GetName())
		renameNode(c, rename)
		c.Attribute = bindAttributes(c.Attribute, attrs)
		out = append(out, c)
	}
	return out
}

func renameNode(n *onnxpb.NodeProto, rename func(string) string) {
	for k, name := range n.Input {
		n.Input[k] = rename(name)
	}
	for k, name := range n.Output {
		n.Output[k] = rename(name)
	}
	for _, a := range n.Attribute {
		for _, g := range append(a.Graphs, a.G) {
			renameGraph(g, rename)
		}
	}
}

// renameGraph renames what a subgraph uses from outside; its own values keep their names.
func renameGraph(g *onnxpb.GraphProto, rename func(string) string) {
	if g == nil {
		return
	}
	own := map[string]bool{"": true}
	for _, v := range g.Input {
		own[v.GetName()] = true
	}
	for _, t := range g.Initializer {
		own[t.GetName()] = true
	}
	for _, n := range g.Node {
		for _, name := range n.Output {
			own[name] = true
		}
	}
	inner := func(name string) string {
		if own[name] {
			return name
		}
		return rename(name)
	}
	for _, n := range g.Node {
		renameNode(n, inner)
	}
	for _, v := range g.Output {
		v.Name = proto.String(inner(v.GetName()))
	}
}

// attributes are a call's, and the function's defaults where the call has none.
func attributes(call *onnxpb.NodeProto, f *onnxpb.FunctionProto) map[string]*onnxpb.AttributeProto {
	out := map[string]*onnxpb.AttributeProto{}
	for _, a := range f.GetAttributeProto() {
		out[a.GetName()] = a
	}
	for _, a := range call.GetAttribute() {
		out[a.GetName()] = a
	}
	return out
}

// bindAttributes replaces references to attributes by their values. A reference to an attribute that is not given is left out.
func bindAttributes(list []*onnxpb.AttributeProto, values map[string]*onnxpb.AttributeProto) []*onnxpb.AttributeProto {
	var out []*onnxpb.AttributeProto
	for _, a := range list {
		if ref := a.GetRefAttrName(); ref != "" {
			v := values[ref]
			if v == nil {
				continue
			}
			v = proto.CloneOf(v)
			v.Name, v.RefAttrName = proto.String(a.GetName()), nil
			a = v
		}
		for _, g := range append(a.Graphs, a.G) {
			for _, n := range g.GetNode() {
				n.Attribute = bindAttributes(n.Attribute, values)
			}
		}
		out = append(out, a)
	}
	return out
}
