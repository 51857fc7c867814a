// Package onnxfile reads the weights of ONNX models and writes recorded networks as ONNX models.
package onnxfile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Model is the tensors and the description of an ONNX model. It implements nn.Weights.
type Model struct {
	Metadata map[string]string // metadata_props
	Producer string
	Opset    int
	Path     string // as Open was given it, "" of a model in memory
	SHA256   string // of the file, hexadecimal

	file    *onnx.Model
	tensors map[string]*onnxpb.TensorProto
	domains map[string]int64 // opsets
}

var _ nn.Weights = (*Model)(nil)

// Origin returns the file that the weights come from and its digest, for records of what was computed with them.
func (m *Model) Origin() (path, sha256 string) { return m.Path, m.SHA256 }

// File returns the decoded file, for what runs a model as it stands. Nobody may change it.
func (m *Model) File() *onnx.Model { return m.file }

// Open reads a model file. Weights that it keeps in other files of its folder are read when they are asked for.
func Open(path string) (*Model, error) { return OpenContext(context.Background(), path) }

// OpenContext is Open with a context that ends the reading, also that of weights which are asked for later.
func OpenContext(ctx context.Context, path string) (*Model, error) {
	file, err := onnx.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	m := newModel(file)
	m.Path = path
	return m, nil
}

// Of returns the weights of a file that has been opened.
func Of(file *onnx.Model) *Model { return newModel(file) }

// Parse reads a model in memory, whose weights must all be in it and stay parts of data.
func Parse(data []byte) (*Model, error) {
	file, err := onnx.Parse(data, "")
	if err != nil {
		return nil, err
	}
	return newModel(file), nil
}

func newModel(file *onnx.Model) *Model {
	p := file.Proto
	m := &Model{Metadata: map[string]string{}, Producer: p.GetProducerName(), SHA256: file.SHA256, file: file, tensors: map[string]*onnxpb.TensorProto{}, domains: map[string]int64{}}
	for _, e := range p.GetMetadataProps() {
		m.Metadata[e.GetKey()] = e.GetValue()
	}
	for _, o := range p.GetOpsetImport() {
		m.domains[o.GetDomain()] = o.GetVersion()
		if o.GetDomain() == "" || o.GetDomain() == "ai.onnx" {
			m.Opset = int(o.GetVersion())
		}
	}
	for name, t := range onnx.Named(p.GetGraph()) {
		m.tensors[name] = t
	}
	return m
}

// Check tells whether all tensors can be read. Those that lie in other files are not: only whether they are there is looked at. The error names the
// first few that cannot be.
func (m *Model) Check() error {
	const named = 3
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(m.tensors)) {
		if _, _, err := m.file.Locate(m.tensors[name]); err != nil {
			errs = append(errs, fmt.Errorf("tensor %q: %w", name, err))
		}
	}
	if n := len(errs) - named; n > 0 {
		errs = append(errs[:named], fmt.Errorf("... and %d more", n))
	}
	return errors.Join(errs...)
}

// Tensor returns the initializer called name.
func (m *Model) Tensor(name string) (nn.Tensor, error) {
	return m.tensor(name, m.file.Tensor)
}

// Shape returns the shape of the initializer called name. Elements in another file are not read; whether they are there is looked at.
func (m *Model) Shape(name string) (nn.Shape, error) {
	t, err := m.tensor(name, func(p *onnxpb.TensorProto) (onnx.Tensor, error) {
		t, _, err := m.file.Locate(p)
		return t, err
	})
	return t.Shape, err
}

func (m *Model) tensor(name string, decode func(p *onnxpb.TensorProto) (onnx.Tensor, error)) (nn.Tensor, error) {
	p, ok := m.tensors[name]
	if !ok {
		return nn.Tensor{}, nn.NoTensorError(fmt.Sprintf("the model has no tensor %q: these weights are of another model", name))
	}
	t, err := decode(p)
	if err == nil && t.Type == onnx.String {
		err = fmt.Errorf("its elements are of type %v, which weights cannot be", t.Type)
	}
	if err != nil {
		return nn.Tensor{}, fmt.Errorf("tensor %q: %w", name, err)
	}
	return nn.Tensor{Type: t.Type, Shape: t.Shape, Raw: t.Raw}, nil
}
