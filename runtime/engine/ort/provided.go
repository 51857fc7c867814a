//go:build cgo

package ort

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	onnx "github.com/yalue/onnxruntime_go"

	"github.com/autotailor/autotailor/internal/cpu"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Provided is ONNX Runtime on an execution provider. It tells which nodes the provider did not take. It is no Tracer: the times of the library's
// profile are those of the calls, which return before an accelerator has worked.
type Provided struct {
	engine Engine

	mu   sync.Mutex
	left map[string]int // kernels that ran on the CPU instead, by type
}

var _ engine.Engine = (*Provided)(nil)

// OpenWith opens the library for what follows the engine's name: NAME[,option=value...].
func OpenWith(with string, threads int) (engine.Engine, error) {
	c, err := choose(with)
	if err != nil {
		return nil, err
	}
	e, err := Open(threads)
	if err != nil || c.name == "cpu" {
		return e, err
	}
	p := &Provided{engine: Engine{threads: e.(*Engine).threads, on: &c}, left: map[string]int{}}
	o, err := onnx.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("onnxruntime: %w", err)
	}
	defer o.Destroy()
	if err := appendProvider(o, c); err != nil {
		return nil, c.lacking(err, loaded.path, Providers())
	}
	return p, nil
}

// Providers lists the execution providers that the loaded library can use, by their names on command lines: those that it does not refuse.
func Providers() []string {
	var out []string
	for _, p := range providers {
		o, err := onnx.NewSessionOptions()
		if err != nil {
			return out
		}
		if p.instead == "" && (p.name == "cpu" || appendProvider(o, choice{provider: p}) == nil) {
			out = append(out, p.name)
		}
		o.Destroy() // cannot fail
	}
	return out
}

// appendProvider asks the library to prefer a provider.
func appendProvider(o *onnx.SessionOptions, c choice) error {
	options := map[string]string{}
	for _, s := range c.options {
		options[s.key] = s.value
	}
	switch c.name {
	case "cuda":
		cuda, err := onnx.NewCUDAProviderOptions()
		if err != nil {
			return err
		}
		defer cuda.Destroy()
		return errors.Join(cuda.Update(options), o.AppendExecutionProviderCUDA(cuda))
	case "tensorrt":
		trt, err := onnx.NewTensorRTProviderOptions()
		if err != nil {
			return err
		}
		defer trt.Destroy()
		return errors.Join(trt.Update(options), o.AppendExecutionProviderTensorRT(trt))
	case "openvino":
		return o.AppendExecutionProviderOpenVINO(options)
	}
	return o.AppendExecutionProvider(strings.TrimSuffix(c.registered, "ExecutionProvider"), options)
}

// Info describes the provider and the device.
func (p *Provided) Info() engine.Info {
	i, on := p.engine.Info(), p.engine.on
	i.Name, i.Precision, i.Options = i.Name+":"+on.name, on.computesIn(), on.text()
	if on.gpu {
		i.Device = cmp.Or(cpu.GPU(cmp.Or(on.value("device_id"), "0")), "GPU beside "+i.Device)
	}
	return i
}

// Compile opens g for the provider alone, and where that does not take all of g, with the CPU for the rest.
func (p *Provided) Compile(g *nn.Graph, w nn.Weights) (engine.Session, error) {
	alone := p.engine
	alone.strict = true
	s, err := alone.Compile(g, w)
	if err == nil || !strings.Contains(err.Error(), "fallback to CPU EP has been explicitly disabled") {
		return s, err
	}
	kernels, err := p.engine.kernels(g.Bind(1), w)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	for _, k := range kernels {
		if k.provider == "CPUExecutionProvider" {
			p.left[k.kind]++
		}
	}
	p.mu.Unlock()
	return p.engine.Compile(g, w)
}

// kernels runs a network once and returns what ran.
func (e *Engine) kernels(g *nn.Graph, w nn.Weights) ([]ran, error) {
	_, list, err := e.traced(context.Background(), g, w, 1, func(int) error { return nil })
	return list, err
}

// Fallbacks says which kernels of the networks so far ran on the CPU because the provider did not take them, "" for none.
func (p *Provided) Fallbacks() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for _, kind := range slices.Sorted(maps.Keys(p.left)) {
		list = append(list, fmt.Sprintf("%d %s", p.left[kind], kind))
	}
	return strings.Join(list, ", ")
}
