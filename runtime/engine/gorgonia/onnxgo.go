//go:build !riscv64

package gorgonia

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	onnx "github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend/x/gorgonnx"
	"gorgonia.org/tensor"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// ONNXGo runs networks as another program reads them: each is written as ONNX, decoded by onnx-go (github.com/owulveryck/onnx-go) and run on
// its Gorgonia backend, which shares no code with our engines. It is here to verify exports, not to be fast: each run decodes the file. It has
// some forty operators; ResNets work. What it lacks is refused by name, also where onnx-go itself reads an attribute without minding it.
type ONNXGo struct{ device string }

var _ engine.Engine = ONNXGo{}

// NewONNXGo returns the engine. onnx-go decides itself how many threads it uses.
func NewONNXGo() ONNXGo { return ONNXGo{embedded.New(embedded.Options{Threads: 1}).Info().Device} }

// OpenONNXGo is NewONNXGo for command lines.
func OpenONNXGo(int) (engine.Engine, error) { return NewONNXGo(), nil }

// Info describes the engine and the device that it runs on.
func (e ONNXGo) Info() engine.Info {
	return engine.Info{Name: "onnx-go", Version: "0.5.0", Device: e.device, Precision: "fp32", Rules: "none"}
}

// Compile prepares g with weights w, normalisations folded as exports have them. Its error names everything that onnx-go lacks.
func (ONNXGo) Compile(g *nn.Graph, w nn.Weights) (engine.Session, error) {
	g, w, err := nn.FoldBatchNorm(g, w)
	if err != nil {
		return nil, err
	}
	if err := lacking(g); err != nil {
		return nil, err
	}
	return &fileSession{graph: g, weights: w, files: map[int][]byte{}}, nil
}

// fileSession holds one file per batch size. A model is decoded for each run, because a run leaves constants behind in other shapes and values, and
// the next one would be wrong without a word (v0.5.0).
type fileSession struct {
	graph   *nn.Graph
	weights nn.Weights
	files   map[int][]byte
}

// Run computes the outputs for a batch of any size.
func (s *fileSession) Run(in ...nn.Tensor) ([]nn.Tensor, error) {
	batch, err := batchOf(s.graph, in)
	if err != nil {
		return nil, err
	}
	file := s.files[batch]
	if file == nil {
		var b bytes.Buffer
		if err := onnxfile.Write(&b, s.graph, s.weights, onnxfile.WriteOptions{Batch: batch}); err != nil {
			return nil, err
		}
		file = b.Bytes()
		s.files[batch] = file
	}
	var out []nn.Tensor
	err = safely(func() error {
		out, err = runFile(file, in)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("onnx-go: %w", err)
	}
	return out, nil
}

// Close forgets the files.
func (s *fileSession) Close() error {
	clear(s.files)
	return nil
}

// runFile decodes a file and runs it.
func runFile(file []byte, in []nn.Tensor) ([]nn.Tensor, error) {
	backend := gorgonnx.NewGraph()
	model := onnx.NewModel(backend)
	if err := model.UnmarshalBinary(file); err != nil {
		return nil, err
	}
	for i, t := range in {
		x := tensor.New(tensor.WithShape(t.Shape...), tensor.WithBacking(slices.Clone(t.Float32s())))
		if err := model.SetInput(i, x); err != nil {
			return nil, err
		}
	}
	if err := backend.Run(); err != nil {
		return nil, err
	}
	list, err := model.GetOutputTensors()
	if err != nil {
		return nil, err
	}
	var out []nn.Tensor
	for _, t := range list {
		data, ok := t.Data().([]float32)
		if !ok {
			return nil, fmt.Errorf("an output is of %T, want float32s", t.Data())
		}
		out = append(out, nn.FromFloat32s(nn.Shape(t.Shape()), data))
	}
	return out, nil
}

// lacking names the operators that onnx-go lacks, each once for each reason.
func lacking(g *nn.Graph) error {
	var errs []error
	seen := map[string]bool{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		why := onnxGoLacks(n)
		if why == "" || seen[n.Type+why] {
			continue
		}
		seen[n.Type+why] = true
		errs = append(errs, fmt.Errorf("%s (such as node %q): %s", n.Type, n.Name, why))
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("onnx-go cannot run this network: %w", errors.Join(errs...))
}
