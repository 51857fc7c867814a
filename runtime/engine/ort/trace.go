//go:build cgo

package ort

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	onnx "github.com/yalue/onnxruntime_go"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

var _ engine.Tracer = (*Engine)(nil)

// Trace runs g under the library's profiler and leads what it reports back to the nodes of g.
func (e *Engine) Trace(ctx context.Context, g *nn.Graph, w nn.Weights, runs int, before func(run int) error) (*engine.Trace, error) {
	total, list, err := e.traced(ctx, g, w, runs, before)
	if err != nil {
		return nil, err
	}
	return &engine.Trace{Kernels: attribute(g, list), Total: total}, nil
}

// traced runs g some times and returns the times of the runs and of the kernels.
func (e *Engine) traced(ctx context.Context, g *nn.Graph, w nn.Weights, runs int, before func(run int) error) ([]time.Duration, []ran, error) {
	dir, err := os.MkdirTemp(scratch(), "autotailor-ort-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir) // the profile is read by then
	total, err := e.profiled(ctx, numbered(g), w, filepath.Join(dir, "profile"), runs, before)
	if err != nil {
		return nil, nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "profile*.json"))
	if err != nil || len(files) != 1 {
		return nil, nil, errors.Join(err, fmt.Errorf("onnxruntime: it wrote %d profiles, want 1", len(files)))
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		return nil, nil, err
	}
	list, err := parseProfile(data)
	return total, list, err
}

// scratch is a folder in memory where there is one.
func scratch() string {
	const memory = "/dev/shm"
	if i, err := os.Stat(memory); err == nil && i.IsDir() {
		return memory
	}
	return ""
}

// profiled runs g with a profile, which is complete when it returns.
func (e *Engine) profiled(ctx context.Context, g *nn.Graph, w nn.Weights, prefix string, runs int, before func(int) error) (times []time.Duration, err error) {
	var model bytes.Buffer
	if err := onnxfile.Write(&model, g, w, onnxfile.WriteOptions{}); err != nil {
		return nil, err
	}
	s := &Session{Inputs: infos(g, g.Inputs), Outputs: infos(g, g.Outputs)}
	err = e.open(s, func(in, out []string, o *onnx.SessionOptions) (*onnx.DynamicAdvancedSession, error) {
		if err := o.EnableProfiling(prefix); err != nil {
			return nil, err
		}
		return onnx.NewDynamicAdvancedSessionWithONNXData(model.Bytes(), in, out, o)
	})
	if err != nil {
		return nil, tooNew(err, g.Opset, onnx.GetVersion())
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	in := nn.Feed{Weights: w}.Inputs(g)
	if err := s.prepare(in); err != nil {
		return nil, err
	}
	for i := range runs {
		if err := errors.Join(ctx.Err(), before(i)); err != nil {
			return nil, err
		}
		if _, err := s.Run(in...); err != nil {
			return nil, err
		}
		times = append(times, s.Elapsed())
	}
	return times, nil
}
