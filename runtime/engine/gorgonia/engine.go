//go:build !riscv64

// Package gorgonia runs and differentiates networks as Gorgonia graphs on Gorgonia's tape machine: the opt-in engine beside package embedded.
// The two engines check each other.
//
// Inference: Gorgonia computes element-wise operators, matrix products and reshapes itself. Whatever it lacks or does slowly (all
// convolutions, normalisations, poolings, ...) is a Gorgonia Op of ours that calls the embedded engine's kernels.
//
// Training: networks are written in Gorgonia's own operators, in double precision, and Gorgonia differentiates them; no code of the embedded
// engine takes part. What Gorgonia has no operators for, such as Erf, is refused by name. `tune --check-gradients` compares both.
//
// Files: ONNXGo runs exports on onnx-go's backend, which is Gorgonia, too.
//
// Why it is not the engine that runs by default, measured with v0.9.18 on one x86-64 core with AVX-512: Gorgonia's own Conv2d
// reaches 1.6 GFLOP/s (1x1, 16 to 96 channels, 32x32), 3.7 (1x1, 480 to 80, 4x4) and 5.7 (3x3, 64 to 64, 56x56), our
// kernels 111, 100 and 148; its machine costs 1.5 us and 7 allocations for every operator, where the smaller operators of
// a MobileNetV2 take 2 to 10 us; and a graph has one batch size. Its automatic differentiation is what it is here for.
package gorgonia

import (
	"context"
	"runtime"

	_ "go4.org/unsafe/assume-no-moving-gc" // a version that knows today's Go, without which Gorgonia panics when it starts

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Options configure an Engine.
type Options struct {
	Threads int // of our operators; 0 means all processors
}

// Engine is the Gorgonia engine.
type Engine struct {
	kernels *embedded.Engine
	threads int
}

var _ engine.Recalibrator = (*Engine)(nil)

// New returns the Gorgonia engine.
func New(o Options) *Engine {
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	return &Engine{embedded.New(embedded.Options{Threads: o.Threads}), o.Threads}
}

// Info describes the engine and the device that it runs on.
func (e *Engine) Info() engine.Info {
	return engine.Info{
		Name: "gorgonia", Version: "0.9.18", Device: e.kernels.Info().Device, Threads: e.threads, Precision: "fp32", Rules: "none",
	}
}

// Compile prepares g with weights w. Gorgonia's graphs have fixed shapes, so one is made for each batch size when it first runs.
func (e *Engine) Compile(g *nn.Graph, w nn.Weights) (engine.Session, error) {
	check, err := e.kernels.Compile(g, w) // names all unsupported operators at once
	if err != nil {
		return nil, err
	}
	if err := check.Close(); err != nil {
		return nil, err
	}
	return &session{engine: e, graph: g, weights: w, machines: make(map[int]*machine)}, nil
}

// Recalibrate implements engine.Recalibrator. Statistics are those of the embedded engine's kernels, which compute all normalisations here.
func (e *Engine) Recalibrate(ctx context.Context, g *nn.Graph, w nn.Weights, data nn.Inputs, seen func([]nn.Tensor)) (nn.Weights, error) {
	return e.kernels.Recalibrate(ctx, g, w, data, seen)
}
