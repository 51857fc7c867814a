//go:build cgo

package ort

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	onnx "github.com/yalue/onnxruntime_go"

	"github.com/autotailor/autotailor/internal/cpu"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// Engine is ONNX Runtime on the CPU.
type Engine struct {
	threads int
	on      *choice // the provider, nil for the CPU
	strict  bool    // a network that the provider does not take as a whole is an error
}

var _ engine.Engine = (*Engine)(nil)

// loaded is the library of this process: ONNX Runtime has one environment per process.
var loaded struct {
	sync.Mutex
	path string
}

// New loads the library at path lib, which Find tells, and returns the engine. A process can load one library only.
func New(lib string, o Options) (*Engine, error) {
	path, err := filepath.Abs(lib)
	if err != nil {
		return nil, fmt.Errorf("onnxruntime: %w", err)
	}
	loaded.Lock()
	defer loaded.Unlock()
	switch {
	case loaded.path == "":
		onnx.SetSharedLibraryPath(path)
		if err := onnx.InitializeEnvironment(onnx.WithLogLevelFatal()); err != nil {
			return nil, fmt.Errorf("onnxruntime: cannot load %s: %w", lib, err)
		}
		loaded.path = path
	case loaded.path != path:
		return nil, fmt.Errorf("onnxruntime: this process has loaded %s already and cannot load %s as well", loaded.path, path)
	}
	e := &Engine{threads: o.Threads}
	if e.threads <= 0 {
		e.threads = runtime.GOMAXPROCS(0)
	}
	return e, nil
}

// Info describes the engine and the device that it runs on.
func (e *Engine) Info() engine.Info {
	return engine.Info{
		Name: "onnxruntime", Version: onnx.GetVersion(), Device: cpu.Name(),
		Threads: e.threads, Precision: "fp32", Rules: "onnxruntime",
	}
}

// Compile writes g as an ONNX model in memory and loads that.
func (e *Engine) Compile(g *nn.Graph, w nn.Weights) (engine.Session, error) {
	g, scalar := withLists(g)
	if onnxfile.Large(g) {
		return e.compileLarge(g, w, scalar)
	}
	var model bytes.Buffer
	if err := onnxfile.Write(&model, g, w, onnxfile.WriteOptions{}); err != nil {
		return nil, err
	}
	s := &Session{Inputs: infos(g, g.Inputs), Outputs: infos(g, g.Outputs), scalar: scalar}
	err := e.open(s, func(in, out []string, o *onnx.SessionOptions) (*onnx.DynamicAdvancedSession, error) {
		return onnx.NewDynamicAdvancedSessionWithONNXData(model.Bytes(), in, out, o)
	})
	return s, tooNew(err, g.Opset, onnx.GetVersion())
}

// withLists makes lists of one element of the outputs that are scalars, which the library cannot return to Go, and tells which these are.
func withLists(g *nn.Graph) (*nn.Graph, []bool) {
	scalar := make([]bool, len(g.Outputs))
	out := *g
	out.Values, out.Nodes, out.Outputs = slices.Clone(g.Values), slices.Clone(g.Nodes), slices.Clone(g.Outputs)
	add := func(i nn.Info) nn.Value {
		out.Values = append(out.Values, i)
		return nn.Value(len(out.Values) - 1)
	}
	one := nn.FromInt64s(nn.Shape{1}, []int64{1})
	for k, v := range g.Outputs {
		if scalar[k] = len(g.Values[v].Shape) == 0; !scalar[k] {
			continue
		}
		name := g.Values[v].Name + " as a list"
		shape := add(nn.Info{Name: name + ", shape", Type: nn.Int64, Shape: one.Shape, Const: &one})
		list := add(nn.Info{Name: name, Type: g.Values[v].Type, Shape: nn.Shape{1}})
		out.Nodes = append(out.Nodes, nn.Node{Type: "Reshape", Name: name, In: []nn.Value{v, shape}, Out: []nn.Value{list}})
		out.Outputs[k] = list
	}
	return &out, scalar
}

// compileLarge writes g to two files of a folder that goes when the session has read them: no model in memory may have 2 GiB.
func (e *Engine) compileLarge(g *nn.Graph, w nn.Weights, scalar []bool) (engine.Session, error) {
	dir, err := os.MkdirTemp("", "autotailor-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // what is mapped stays readable; where that keeps a file, the system's clean-up takes it
	data, err := os.Create(filepath.Join(dir, "weights.data"))
	if err != nil {
		return nil, err
	}
	var model bytes.Buffer
	err = onnxfile.Write(&model, g, w, onnxfile.WriteOptions{Beside: &onnxfile.Beside{Name: "weights.data", Data: data}})
	if err = errors.Join(err, data.Close()); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "model.onnx")
	if err := os.WriteFile(path, model.Bytes(), 0o600); err != nil {
		return nil, err
	}
	s := &Session{Inputs: infos(g, g.Inputs), Outputs: infos(g, g.Outputs), scalar: scalar}
	err = e.open(s, func(in, out []string, o *onnx.SessionOptions) (*onnx.DynamicAdvancedSession, error) {
		return onnx.NewDynamicAdvancedSession(path, in, out, o)
	})
	return s, tooNew(err, g.Opset, onnx.GetVersion())
}

func infos(g *nn.Graph, vs []nn.Value) []nn.Info {
	list := make([]nn.Info, len(vs))
	for i, v := range vs {
		list[i] = g.Values[v]
	}
	return list
}

// OpenModel loads an ONNX file as it stands. Open axes of its inputs and outputs are nn.Batch.
func (e *Engine) OpenModel(path string) (*Session, error) {
	in, out, err := onnx.GetInputOutputInfo(path)
	if err != nil {
		return nil, fmt.Errorf("onnxruntime: %s: %w", path, err)
	}
	s := &Session{Inputs: described(in), Outputs: described(out)}
	return s, e.open(s, func(in, out []string, o *onnx.SessionOptions) (*onnx.DynamicAdvancedSession, error) {
		return onnx.NewDynamicAdvancedSession(path, in, out, o)
	})
}

func described(list []onnx.InputOutputInfo) []nn.Info {
	to := make([]nn.Info, len(list))
	for i, v := range list {
		to[i] = nn.Info{Name: v.Name, Type: nn.DType(v.DataType), Shape: shapeOf(v.Dimensions)}
	}
	return to
}

func shapeOf(s onnx.Shape) nn.Shape {
	to := make(nn.Shape, len(s))
	for i, n := range s {
		to[i] = int(n)
	}
	return to
}

type opener func(in, out []string, o *onnx.SessionOptions) (*onnx.DynamicAdvancedSession, error)

// open makes the library's session with the engine's options.
func (e *Engine) open(s *Session, f opener) error {
	if len(s.Inputs) == 0 {
		return errors.New("onnxruntime: the network has no inputs: there is nothing to run")
	}
	o, err := onnx.NewSessionOptions()
	if err != nil {
		return fmt.Errorf("onnxruntime: %w", err)
	}
	defer o.Destroy()
	settings := []func() error{
		func() error { return o.SetIntraOpNumThreads(e.threads) },
		func() error { return o.SetInterOpNumThreads(1) },
		func() error { return o.SetGraphOptimizationLevel(onnx.GraphOptimizationLevelEnableAll) },
	}
	if e.on != nil {
		settings = append(settings, func() error { return appendProvider(o, *e.on) })
	}
	if e.strict {
		settings = append(settings,
			func() error { return o.AddSessionConfigEntry("session.disable_cpu_ep_fallback", "1") },
			func() error { return o.SetLogSeverityLevel(onnx.LoggingLevelFatal) }) // the caller tells
	}
	for _, set := range settings {
		if err := set(); err != nil {
			return fmt.Errorf("onnxruntime: %w", err)
		}
	}
	if s.session, err = f(names(s.Inputs), names(s.Outputs), o); err != nil {
		return fmt.Errorf("onnxruntime: %w", err)
	}
	return nil
}

func names(list []nn.Info) []string {
	to := make([]string, len(list))
	for i, v := range list {
		to[i] = v.Name
	}
	return to
}
