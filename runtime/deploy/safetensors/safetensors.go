// Package safetensors writes the weights of a SubNet in the format that Hugging Face's libraries, PyTorch and JAX programs read.
//
// A file is the length of its header (8 bytes, little-endian), the header, which is JSON, and the elements of all tensors. The header
// has the element type, the shape and the place of each tensor, and texts that describe the file. No code stands in it.
//
// Tensors have the names of the SuperNet's parameters, and lie as the model stores them: a matrix that the network uses the other way round
// is written as the model has it. The elements are those that the SubNet keeps.
package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/runtime/nn"
)

// metadataKey is the name in the header under which the texts stand.
const metadataKey = "__metadata__"

// alignment is what the header's length is a multiple of, so that programs may map the elements into memory.
const alignment = 8

// dtypes has the format's names of element types.
var dtypes = map[nn.DType]string{
	onnx.Float64: "F64", onnx.Float32: "F32", onnx.Float16: "F16", onnx.BFloat16: "BF16", onnx.Bool: "BOOL",
	onnx.Int64: "I64", onnx.Int32: "I32", onnx.Int16: "I16", onnx.Int8: "I8",
	onnx.Uint64: "U64", onnx.Uint32: "U32", onnx.Uint16: "U16", onnx.Uint8: "U8",
}

// entry describes a tensor in the header.
type entry struct {
	DType   string   `json:"dtype"`
	Shape   nn.Shape `json:"shape"`
	Offsets [2]int   `json:"data_offsets"` // begin and end of its elements, counted from the header's end
}

// named is a tensor and its name.
type named struct {
	name string
	nn.Tensor
}

// Encode returns the file with the parameters that the nodes of g read, from w. With half, float32 tensors are stored as float16, but for
// those with a number that is out of its range.
func Encode(g *nn.Graph, w nn.Weights, metadata map[string]string, half bool) ([]byte, error) {
	list, err := parameters(g, w, half)
	if err != nil {
		return nil, err
	}
	header, size := map[string]any{metadataKey: metadata}, 0
	for _, t := range list {
		dtype, ok := dtypes[t.Type]
		switch {
		case !ok:
			return nil, fmt.Errorf("weights %q: a safetensors file has no element type %v", t.name, t.Type)
		case header[t.name] != nil:
			return nil, fmt.Errorf("weights %q: a safetensors file cannot have a tensor of that name; call it otherwise in the model", t.name)
		}
		shape := append(nn.Shape{}, t.Shape...) // a scalar is [], not null
		header[t.name] = entry{dtype, shape, [2]int{size, size + len(t.Raw)}}
		size += len(t.Raw)
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	text = append(text, bytes.Repeat([]byte{' '}, -len(text)&(alignment-1))...)
	file := slices.Grow(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), len(text)+size)
	file = append(file, text...)
	for _, t := range list {
		file = append(file, t.Raw...)
	}
	return file, nil
}

// parameters lists the parameters that the nodes of g read: those with large elements first, so that each lies at a multiple of its
// element's size, then by name.
func parameters(g *nn.Graph, w nn.Weights, half bool) ([]named, error) {
	var list []named
	seen := map[string]bool{}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			p := g.Values[v].Param
			if p == nil || seen[p.Name] {
				continue
			}
			seen[p.Name] = true
			t, err := nn.Fetch(w, p.Stored())
			if err != nil {
				return nil, err
			}
			if half {
				t, _ = t.Halved()
			}
			list = append(list, named{p.Name, t})
		}
	}
	slices.SortFunc(list, func(a, b named) int {
		return cmp.Or(cmp.Compare(b.Type.Bytes(), a.Type.Bytes()), cmp.Compare(a.name, b.name))
	})
	return list, nil
}
