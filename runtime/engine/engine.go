// Package engine is the interface between SuperNet tools and what runs networks.
// Engines live in packages of their own below this one and are passed as values.
package engine

import (
	"context"

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
	Precision string // "fp32"
	Rules     string // fusion rule set that describes what it runs as one kernel
}

// Batches yields batches of model inputs; it may be ranged over more than once.
type Batches func(yield func(nn.Tensor) bool)

// Recalibrator is an Engine that can recompute BatchNorm statistics.
type Recalibrator interface {
	Engine
	// Recalibrate runs the batches through g with each BatchNormalization normalising by its own batch's
	// statistics (OFA, set_running_statistics), and returns w with the mean and (biased) variance parameters of g
	// replaced by the sample-weighted averages. The replacement has the SuperNet's full shape; positions outside the SubNet keep w's values.
	Recalibrate(ctx context.Context, g *nn.Graph, w nn.Weights, data Batches) (nn.Weights, error)
}
