package engine

import (
	"context"
	"time"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Tracer is an Engine that can tell how long each of its kernels takes inside a network.
type Tracer interface {
	Engine
	// Trace compiles g, which has no open axes, and runs it on made-up inputs. It calls before with the number of each run, from 0, right
	// before it, and stops at its error. All runs are told, the first ones too.
	Trace(ctx context.Context, g *nn.Graph, w nn.Weights, runs int, before func(run int) error) (*Trace, error)
}

// Trace is what an engine ran for a network.
type Trace struct {
	Kernels []Kernel        // in order of execution
	Total   []time.Duration // of each run
}

// Kernel is one step of a compiled network.
type Kernel struct {
	Type   string          // the engine's name of the operator
	Node   int             // of the graph: the operator that it computes, one of several where it computes more
	Layout bool            // it computes nothing but changes how a tensor lies in memory, at the boundary of Node
	Times  []time.Duration // of each run
}
