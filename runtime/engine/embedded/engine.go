// Package embedded runs networks in pure Go on the kernels of package kernel.
//
// A graph is compiled to a list of kernel calls over one arena: batch normalisations are folded into the convolution or
// matrix product before them, Relu and Clip run in that kernel's last step, images are channels-last throughout, and
// transposes and reshapes that need not move data only rename axes. A batch is cut into chunks of images that stay in
// the cache, one chunk per thread at a time; a single image is computed by all threads together. Results are the same
// bits for any number of threads and any batch.
//
// Gorgonia's virtual machine is not used for inference (see package gorgonia): its convolutions run at 2 to 6 GFLOP/s where
// these kernels reach 35 to 150, it allocates for every operator, and its graphs have one batch size.
package embedded

import (
	"runtime"

	"github.com/autotailor/autotailor/internal/cpu"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Options configure an Engine.
type Options struct {
	Threads int         // 0 means all processors
	ISA     *kernel.ISA // nil means the best of this machine
	Track   bool        // count the memory of activations, see Tracked
}

// Engine is the embedded engine.
type Engine struct {
	threads int
	isa     *kernel.ISA
	track   bool

	*autodiff.Trainer
}

var (
	_ engine.Recalibrator = (*Engine)(nil)
	_ engine.Trainer      = (*Engine)(nil)
)

// New returns the embedded engine.
func New(o Options) *Engine {
	e := &Engine{threads: o.Threads, isa: o.ISA, track: o.Track}
	if e.threads <= 0 {
		e.threads = runtime.GOMAXPROCS(0)
	}
	if e.isa == nil {
		e.isa = kernel.Best()
	}
	e.Trainer = autodiff.New(e.isa, e.threads)
	return e
}

// All returns an engine for each set of kernels that this machine can run, best first.
func All(threads int) []*Engine {
	var out []*Engine
	for _, isa := range kernel.All() {
		out = append(out, New(Options{Threads: threads, ISA: isa}))
	}
	return out
}

// Kernels names the engine's set of kernels: the instructions that they are made of.
func (e *Engine) Kernels() string { return e.isa.String() }

// version changes when kernels or plans change in ways that measurements of older ones do not describe.
const version = "1"

// Info describes the engine and the device that it runs on.
func (e *Engine) Info() engine.Info {
	return engine.Info{
		Name: "embedded", Version: version + "-" + e.isa.String(), Device: cpu.Name(),
		Threads: e.threads, Precision: "fp32", Rules: "embedded",
	}
}

// Compile prepares g with weights w. Unsupported operators are reported all at once.
func (e *Engine) Compile(g *nn.Graph, w nn.Weights) (engine.Session, error) {
	p, err := compile(g, w, e.isa, nil)
	if err != nil {
		return nil, err
	}
	return newSession(p, e.threads, e.track), nil
}
