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
	r := &replacer{
		graph:   m.GetGraph(),
		tensors: map[string]*onnxpb.TensorProto{},
		same:    map[string]string{},
		makers:  map[string]*onnxpb.NodeProto{},
		readers: map[string][]*onnxpb.NodeProto{},
		named:   map[string][]*onnxpb.NodeProto{},
		behind:  map[readerOf]string{},
	}
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
	same    map[string]string              // what an Identity makes -> what it reads: exporters store equal tensors once like this
	makers  map[string]*onnxpb.NodeProto   // of values
	readers map[string][]*onnxpb.NodeProto // of values
	named   map[string][]*onnxpb.NodeProto
	behind  map[readerOf]string // operands that are found before a node, and the parameter that they are
}

// readerOf is a tensor that something before a node reads.
type readerOf struct{ node, from string }

// index finds initializers, the tensors of Constant nodes, Identity nodes, and who makes each value.
func (r *replacer) index() {
	for name, t := range onnx.Named(r.graph) {
		r.tensors[name] = t
	}
	for i, n := range r.graph.GetNode() {
		if n.GetOpType() == "Identity" && len(n.GetInput()) == 1 && len(n.GetOutput()) == 1 {
			r.same[n.GetOutput()[0]] = n.GetInput()[0]
		}
		for _, out := range n.GetOutput() {
			r.makers[out] = n
		}
		for _, in := range n.GetInput() {
			r.readers[in] = append(r.readers[in], n)
		}
		name := onnx.NodeName(n, i)
		r.named[name] = append(r.named[name], n)
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
	} else if !ok && r.densify(p.Name) {
		to = &onnxpb.TensorProto{}
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

// densify takes a sparse initializer out of the model, and tells whether there was one: other values need not be zero where its values are.
func (r *replacer) densify(name string) bool {
	before := len(r.graph.SparseInitializer)
	r.graph.SparseInitializer = slices.DeleteFunc(r.graph.SparseInitializer, func(s *onnxpb.SparseTensorProto) bool { return s.GetValues().GetName() == name })
	return len(r.graph.SparseInitializer) < before
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
	for _, reader := range p.Readers {
		for _, n := range r.named[reader.Node] {
			k := r.operand(n, reader.Operand, p.From)
			if k < 0 {
				n, k = r.before(n, p)
			}
			if k >= 0 {
				n.Input[k] = p.Name
				changed++
			}
		}
	}
	return changed
}

// maxBefore bounds how many nodes of a model one operator of the package stands for.
const maxBefore = 32

// before finds the operand of a node that the compiler took together with those before it, such as the parts of a LayerNormalization: the nearest
// node before it that reads p.From. It is -1 where there is none, where several are as near, where others
// read what it makes, too, and where another parameter has it already.
func (r *replacer) before(last *onnxpb.NodeProto, p *nn.Param) (*onnxpb.NodeProto, int) {
	at := readerOf{last.GetOutput()[0], p.From}
	if other, ok := r.behind[at]; ok && other != p.Name {
		return nil, -1
	}
	level, seen := []*onnxpb.NodeProto{last}, map[*onnxpb.NodeProto]bool{last: true}
	for len(level) > 0 && len(seen) <= maxBefore {
		var next, found []*onnxpb.NodeProto
		for _, n := range level {
			for _, in := range n.GetInput() {
				m := r.makers[in]
				if m == nil || seen[m] {
					continue
				}
				seen[m] = true
				if next = append(next, m); r.operand(m, -1, p.From) >= 0 {
					found = append(found, m)
				}
			}
		}
		if len(found) == 1 && r.within(found[0], seen) {
			r.behind[at] = p.Name
			return found[0], r.operand(found[0], -1, p.From)
		}
		if len(found) > 0 {
			break
		}
		level = next
	}
	return nil, -1
}

// within tells whether only some nodes read what n makes.
func (r *replacer) within(n *onnxpb.NodeProto, some map[*onnxpb.NodeProto]bool) bool {
	for _, out := range n.GetOutput() {
		for _, m := range r.readers[out] {
			if !some[m] {
				return false
			}
		}
	}
	return true
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
