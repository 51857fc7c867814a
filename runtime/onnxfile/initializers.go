package onnxfile

import (
	"crypto/sha256"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/nn"
)

// initializers stores the parameters and constants that nodes read. What the SuperNet's model stores once is stored once: a matrix that is used in
// both forms is transposed by a node, and parameters of one initializer that are equal still are one again.
func (b *writer) initializers() error {
	used := make([]bool, len(b.g.Values))
	for _, n := range b.g.Nodes {
		for _, v := range n.In {
			used[v] = true
		}
	}
	plain := map[string]nn.Value{} // parameters that are used as they are stored, by name
	values := map[string]int{}     // of each tensor of the SuperNet's model
	for k := range b.g.Values {
		if p := b.g.Values[k].Param; p != nil && used[k] {
			values[p.Source()]++
			if !p.Transposed {
				plain[p.Name] = nn.Value(k)
			}
		}
	}
	stored := map[string]string{} // names of parameters by source and elements
	for k := range b.g.Values {
		info := &b.g.Values[k]
		switch {
		case !used[k] || !info.Known():
			continue
		case info.Const != nil:
			b.initializer(info.Name, *info.Const)
			continue
		}
		if other, ok := plain[info.Param.Name]; ok && info.Param.Transposed {
			b.prepare("Transpose", b.g.Values[other].Name, info.Name, "perm", 1, 0)
			continue
		}
		t, err := nn.Fetch(b.w, *info.Param)
		if err != nil {
			return err
		}
		if values[info.Param.Source()] > 1 {
			key := fmt.Sprintf("%q %v %v %x", info.Param.Source(), t.Type, t.Shape, sha256.Sum256(t.Raw))
			if name, ok := stored[key]; ok {
				b.instead[nn.Value(k)] = name
				continue
			}
			stored[key] = info.Name
		}
		b.parameter(info.Name, t)
	}
	return nil
}

// parameter stores a parameter, in half precision where that is asked for.
func (b *writer) parameter(name string, t nn.Tensor) {
	if h, ok := t.Halved(); ok && b.half {
		b.prepare("Cast", b.own(name+"_float16", h), name, "to", int64(nn.Float32))
		return
	}
	b.initializer(name, t)
}

// prepare adds a node that makes the value called name of a weight, before all others, with one attribute of numbers.
func (b *writer) prepare(op, weight, name, attr string, list ...int64) {
	a := &onnxpb.AttributeProto{Name: proto.String(attr), Type: onnxpb.AttributeProto_INTS.Enum(), Ints: list}
	if len(list) == 1 {
		a = &onnxpb.AttributeProto{Name: proto.String(attr), Type: onnxpb.AttributeProto_INT.Enum(), I: proto.Int64(list[0])}
	}
	n := &onnxpb.NodeProto{OpType: proto.String(op), Name: proto.String(name + "_" + op), Input: []string{weight}, Output: []string{name}, Attribute: []*onnxpb.AttributeProto{a}}
	b.first = append(b.first, n)
}

func (b *writer) initializer(name string, t nn.Tensor) {
	p := &onnxpb.TensorProto{}
	set(p, name, t)
	b.beside.takes(p)
	b.graph.Initializer = append(b.graph.Initializer, p)
}

// constant returns the name of an initializer of integers that the model did not have.
func (b *writer) constant(name string, list []int64) string {
	return b.once(name, nn.FromInt64s(nn.Shape{len(list)}, list))
}

// once returns the name of an initializer that the model did not have: name, or that of an equal one.
func (b *writer) once(name string, t nn.Tensor) string {
	key := fmt.Sprint(t.Type, t.Shape) + string(t.Raw)
	if _, ok := b.lists[key]; !ok {
		b.lists[key] = b.own(name, t)
	}
	return b.lists[key]
}

// own adds an initializer that the model did not have, and returns its name.
func (b *writer) own(name string, t nn.Tensor) string {
	free := name
	for k := 1; b.taken[free]; k++ {
		free = fmt.Sprintf("%s_%d", name, k)
	}
	b.taken[free] = true
	b.initializer(free, t)
	return free
}
