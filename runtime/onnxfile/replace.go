package onnxfile

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Replace returns the model in data with other values in the tensors that g uses: those of values, by the names of g's parameters.
// Everything else stays as it is. A parameter that the model stores together with others (nn.Param.From) gets a tensor of its own, and so does a
// value that g has no parameter for, such as a kernel transform: no node reads it.
func Replace(data []byte, g *nn.Graph, values map[string]nn.Tensor) ([]byte, error) {
	m, err := onnx.Unmarshal(data)
	if err != nil {
		return nil, err
	}
	r := &replacer{m.GetGraph(), map[string]*onnxpb.TensorProto{}, map[string]string{}}
	r.index()
	var errs []error
	done := map[string]bool{}
	for _, info := range g.Values {
		p := info.Param
		if p == nil || done[p.Name] {
			continue
		}
		t, ok := values[p.Name]
		if !ok {
			continue
		}
		done[p.Name] = true
		errs = append(errs, r.replace(p, t))
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !done[name] {
			r.put(name, values[name])
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

type replacer struct {
	graph   *onnxpb.GraphProto
	tensors map[string]*onnxpb.TensorProto
	same    map[string]string // what an Identity makes -> what it reads: exporters store equal tensors once like this
}

// index finds initializers, the tensors of Constant nodes, and Identity nodes.
func (r *replacer) index() {
	for name, t := range onnx.Named(r.graph) {
		r.tensors[name] = t
	}
	for _, n := range r.graph.GetNode() {
		if n.GetOpType() == "Identity" && len(n.GetInput()) == 1 && len(n.GetOutput()) == 1 {
			r.same[n.GetOutput()[0]] = n.GetInput()[0]
		}
	}
}

func (r *replacer) replace(p *nn.Param, t nn.Tensor) error {
	to, ok := r.tensors[p.Name]
	if !ok && p.From != "" {
		to = &onnxpb.TensorProto{}
		if r.rewire(p) == 0 {
			return fmt.Errorf("tensor %q is stored once for several uses, and none of the operands %+v is it: the model is not the one that the package was generated from", p.From, p.Readers)
		}
		r.graph.Initializer = append(r.graph.Initializer, to)
	} else if !ok {
		return fmt.Errorf("the model has no tensor %q: it is not the one that the package was generated from", p.Name)
	}
	if want := to.GetDims(); ok && !slices.EqualFunc(want, t.Shape, func(a int64, b int) bool { return a == int64(b) }) {
		return fmt.Errorf("tensor %q has shape %v, its new values %v", p.Name, want, t.Shape)
	}
	set(to, p.Name, t)
	return nil
}

// put adds an initializer, or changes the one that is there.
func (r *replacer) put(name string, t nn.Tensor) {
	to, ok := r.tensors[name]
	if !ok {
		to = &onnxpb.TensorProto{}
		r.graph.Initializer = append(r.graph.Initializer, to)
	}
	set(to, name, t)
}

// set makes the message to be t.
func set(to *onnxpb.TensorProto, name string, t nn.Tensor) {
	onnx.Tensor{Type: t.Type, Shape: t.Shape, Raw: t.Raw}.Store(to, name)
}

// rewire makes p's readers read p's own tensor, and returns how many operands it changed.
func (r *replacer) rewire(p *nn.Param) int {
	changed := 0
	for _, n := range r.graph.GetNode() {
		for _, reader := range p.Readers {
			if reader.Node != n.GetName() {
				continue
			}
			if k := r.operand(n, reader.Operand, p.From); k >= 0 {
				n.Input[k] = p.Name
				changed++
			}
		}
	}
	return changed
}

// operand finds the operand of n that is the tensor called name: number k, or the only one, as the compiler may change the order of
// operands; -1 when there is none, or several.
func (r *replacer) operand(n *onnxpb.NodeProto, k int, name string) int {
	var found []int
	for i, in := range n.GetInput() {
		for r.same[in] != "" {
			in = r.same[in]
		}
		if in == name {
			found = append(found, i)
		}
	}
	switch {
	case slices.Contains(found, k):
		return k
	case len(found) == 1:
		return found[0]
	}
	return -1
}
