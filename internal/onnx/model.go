package onnx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
)

// Model is a model file and where the bytes of its tensors are.
type Model struct {
	Proto  *onnxpb.ModelProto // has a graph
	SHA256 string             // of the file, in hexadecimal
	Size   int64              // of the file in bytes

	ctx context.Context // ends the reading of files
	dir string          // folder of the files that hold weights, "" when there may be none
}

// Open reads a model file. The context ends that, and the later reading of weights that lie in other files of the model's folder.
func Open(ctx context.Context, path string) (*Model, error) {
	data, err := ReadFile(ctx, path)
	if err != nil {
		return nil, err
	}
	m, err := Parse(data, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m.ctx = ctx
	return m, nil
}

// Parse reads a model in memory, which must not be changed afterwards: weights stay parts of it. The folder dir has the files that hold other
// weights, "" when there may be none.
func Parse(data []byte, dir string) (*Model, error) {
	p, err := Unmarshal(data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	m := &Model{Proto: p, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data)), ctx: context.Background(), dir: dir}
	m.densify()
	return m, nil
}

// Unmarshal reads the message of a model, which has a graph. Weights stay parts of data, which must not be changed afterwards.
func Unmarshal(data []byte) (*onnxpb.ModelProto, error) {
	p := &onnxpb.ModelProto{}
	if err := onnxpb.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("this is not an ONNX model, or it is truncated or damaged: %w", err)
	}
	if p.GetGraph() == nil {
		return nil, errors.New("this is not an ONNX model: it has no graph")
	}
	return p, nil
}

// Named iterates over the tensors of a graph that have a name: initializers, and what Constant nodes make. A Constant's tensor has the name of
// the node's result; exporters give it another one or none, which says nothing. Those of the graphs inside of nodes come last, but for names that are
// there more than once.
func Named(g *onnxpb.GraphProto) iter.Seq2[string, *onnxpb.TensorProto] {
	return func(yield func(string, *onnxpb.TensorProto) bool) {
		taken := map[string]bool{}
		for name, t := range named(g) {
			taken[name] = true
			if !yield(name, t) {
				return
			}
		}
		inside := map[string]*onnxpb.TensorProto{}
		for name, t := range insides(g) {
			if taken[name] {
				delete(inside, name)
				continue
			}
			taken[name], inside[name] = true, t
		}
		for _, name := range slices.Sorted(maps.Keys(inside)) {
			if !yield(name, inside[name]) {
				return
			}
		}
	}
}

// insides iterates over the tensors of the graphs inside of nodes, however deep.
func insides(g *onnxpb.GraphProto) iter.Seq2[string, *onnxpb.TensorProto] {
	return func(yield func(string, *onnxpb.TensorProto) bool) {
		for _, n := range g.GetNode() {
			for _, a := range n.GetAttribute() {
				if a.GetG() == nil {
					continue
				}
				for _, list := range []iter.Seq2[string, *onnxpb.TensorProto]{named(a.GetG()), insides(a.GetG())} {
					for name, t := range list {
						if !yield(name, t) {
							return
						}
					}
				}
			}
		}
	}
}

// named iterates over the tensors of one graph.
func named(g *onnxpb.GraphProto) iter.Seq2[string, *onnxpb.TensorProto] {
	return func(yield func(string, *onnxpb.TensorProto) bool) {
		for _, t := range g.GetInitializer() {
			if !yield(t.GetName(), t) {
				return
			}
		}
		for _, n := range g.GetNode() {
			if t := constantOf(n); t != nil && !yield(n.GetOutput()[0], t) {
				return
			}
		}
	}
}

// constantOf returns the tensor of a Constant node, nil for any other node. Numbers that are an attribute of another form become a tensor, which
// means the same.
func constantOf(n *onnxpb.NodeProto) *onnxpb.TensorProto {
	if n.GetOpType() != "Constant" || n.GetDomain() != "" && n.GetDomain() != "ai.onnx" || len(n.GetOutput()) != 1 || len(n.GetAttribute()) != 1 {
		return nil
	}
	p := n.GetAttribute()[0]
	if p.GetName() == "value" || p.GetType() == onnxpb.AttributeProto_TENSOR {
		return p.GetT()
	}
	a, err := (&Model{}).Attr(p)
	if err != nil {
		return nil
	}
	t, ok := Constant([]Attr{a})
	if !ok {
		return nil
	}
	proto.Reset(p)
	p.Name, p.Type, p.T = proto.String("value"), onnxpb.AttributeProto_TENSOR.Enum(), t.Proto("")
	return p.T
}

// External tells whether a graph has an initializer whose data lie in another file.
func External(g *onnxpb.GraphProto) bool {
	for _, t := range g.GetInitializer() {
		if t.GetDataLocation() == onnxpb.TensorProto_EXTERNAL {
			return true
		}
	}
	return false
}

// NodeName is the name of node number i of a graph, or its operator and number where it has no name.
func NodeName(n *onnxpb.NodeProto, i int) string {
	if n.GetName() != "" {
		return n.GetName()
	}
	return fmt.Sprintf("%s_%d", n.GetOpType(), i)
}
