// Package engine is the interface between SuperNet tools and what runs networks.
// Engines live in packages of their own below this one and are passed as values.
package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Engine runs networks.
type Engine interface {
	// Info describes the engine and the device that it runs on.
	Info() Info
	// Compile prepares g with weights w for Session.Run. Axes of size nn.Batch stay open.
	Compile(g *nn.Graph, w nn.Weights) (Session, error)
}

// Session is a compiled network. It is not safe for concurrent use.
type Session interface {
	// Run computes the outputs for the given inputs, both in graph order.
	// The returned tensors are valid until the next Run.
	Run(in ...nn.Tensor) ([]nn.Tensor, error)
	Close() error
}

// Info identifies an engine and device, as recorded in LUT files.
type Info struct {
	Name      string // "gorgonia", "onnxruntime"
	Version   string
	Device    string // CPU model
	Threads   int
	Precision string // "fp32", Unknown where a driver does not tell
	Rules     string // fusion rule set that describes what it runs as one kernel

	// Settings of the device and the runtime that change times; "" where they are not known, or there are none.
	Cores    string // that networks run on: "0-3", "big"
	Governor string // of the clocks: "performance"
	Options  string // of the runtime: "device_id=0,trt_fp16_enable=1"
}

// Unknown stands for what a driver does not tell.
const Unknown = "unknown"

// Recalibrator is an Engine that can recompute BatchNorm statistics.
type Recalibrator interface {
	Engine
	nn.Recalibrator
}

// Measurer is an Engine that runs networks elsewhere and tells only how long they took: the driver of a device.
// Its Compile returns an error.
type Measurer interface {
	Engine
	// Measure runs the jobs in any order and calls done once for each that came to an end, with its index. A job that fails is
	// a Measurement that says why; an error means that the device is gone, and jobs without a Measurement were not measured.
	Measure(ctx context.Context, jobs []Job, done func(i int, m Measurement)) error
	Close() error
}

// TimesOnly is the Compile of a Measurer.
type TimesOnly struct{}

// Compile returns an error: what networks compute does not come back from a device.
func (TimesOnly) Compile(*nn.Graph, nn.Weights) (Session, error) {
	return nil, errors.New("a device measures networks, it does not tell what they compute; name another engine for that")
}

// Job is a network to be measured, of batch 1, and the protocol.
type Job struct {
	Graph        *nn.Graph // no open axes
	Weights      nn.Weights
	Warmup, Runs int
	Limit        time.Duration // of all runs together: a slower network has fewer, at least one
}

// Measurement is what a device says about a Job.
type Measurement struct {
	Times  []time.Duration // of each run
	Energy float64         // millijoules of a run, 0 when the device does not tell
	Failed string          // why there are no times
}

// Trainer is an Engine that can also compute gradients.
type Trainer interface {
	Engine
	// Train prepares g for training. Its parameters are slices of those in p, which it reads at every Forward and whose
	// gradients Backward adds to. Preparing is cheap enough to do for every SubNet of every step.
	Train(g *nn.Graph, p Params) (Training, error)
}

// Once returns a function that compiles a network, runs it and forgets it. The results are the caller's.
func Once(e Engine) func(g *nn.Graph, w nn.Weights, in []nn.Tensor) ([]nn.Tensor, error) {
	return func(g *nn.Graph, w nn.Weights, in []nn.Tensor) ([]nn.Tensor, error) {
		s, err := e.Compile(g, w)
		if err != nil {
			return nil, err
		}
		out, err := s.Run(in...)
		for k := range out {
			out[k].Raw = slices.Clone(out[k].Raw) // the session's memory
		}
		return out, errors.Join(err, s.Close())
	}
}

// Limited is an Engine that does not have every operator, and tells which are missing.
type Limited interface {
	Engine
	// Missing lists the types of operators of g that the engine lacks, sorted.
	Missing(g *nn.Graph) []string
}

// Partial is a Trainer that lacks operators, and tells which.
type Partial interface {
	Trainer
	// Lacks tells of each node of g that cannot be trained, by its index, why.
	Lacks(g *nn.Graph, p Params) map[int]string
}

// Training is a network under training. It is not safe for concurrent use.
type Training interface {
	// Forward computes the outputs with BatchNormalization normalising by the batch's own statistics, and keeps what Backward
	// needs. The returned tensors are valid until the next Forward.
	Forward(in ...nn.Tensor) ([]nn.Tensor, error)
	// Backward takes the loss's gradients with respect to the outputs of the last Forward, and adds its gradients with respect to the parameters to
	// their Grad. It is called at most once for each Forward.
	Backward(grads ...nn.Tensor) error
	Close() error
}

// Params are the tensors of a SuperNet under training, by the names that its networks use: a parameter's own name where it is there,
// else that of the initializer that stores it (nn.Param, Source). Integers are held as float32s. Statistics of normalisations may be absent.
type Params map[string]*Trainable

// Trainable is one tensor of full SuperNet shape, the way round in which the model stores it.
type Trainable struct {
	Shape nn.Shape
	Value []float32
	Grad  []float32 // as long as Value; nil when it is not trained (statistics, constants)
}

// Sharer is an Engine that runs the SubNets of one SuperNet with their weights in memory once.
type Sharer interface {
	Engine
	// Share prepares the weights of a SuperNet.
	Share(w nn.Weights) Shared
}

// Shared are networks whose parameters are parts of the same tensors.
type Shared interface {
	// Add prepares g and returns its number, counted from 0. Tensors in over are g's alone and stand for those of the same names:
	// statistics of normalisations. All networks are added before the first Worker is made.
	Add(g *nn.Graph, over map[string]nn.Tensor) (int, error)
	// Worker returns one stream of execution over all networks, with memory of its own for activations.
	Worker() Worker
}

// Worker runs any of several networks, one at a time. It is not safe for concurrent use; different Workers are.
type Worker interface {
	// Run is Session.Run for the network of that number.
	Run(network int, in ...nn.Tensor) ([]nn.Tensor, error)
}
