package embedded

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/nn"
)

var _ engine.Tracer = (*Engine)(nil)

// Trace runs g with a clock around every kernel. Conversions of the layout at the network's inputs and outputs are left out.
func (e *Engine) Trace(ctx context.Context, g *nn.Graph, w nn.Weights, runs int, before func(run int) error) (*engine.Trace, error) {
	compiled, err := e.Compile(g, w)
	if err != nil {
		return nil, err
	}
	s := compiled.(*session)
	in := nn.Feed{Weights: w}.Inputs(g)
	var at []int // steps that are told
	t := &engine.Trace{}
	for i, step := range s.plan.steps {
		if !step.border {
			at = append(at, i)
			t.Kernels = append(t.Kernels, engine.Kernel{Type: g.Nodes[step.node].Type, Node: step.node, Layout: strings.HasPrefix(step.name, autodiff.Reorder)})
		}
	}
	s.plan.times = make([]time.Duration, len(s.plan.steps))
	for i := range runs {
		if err := errors.Join(ctx.Err(), before(i)); err != nil {
			return nil, errors.Join(err, s.Close())
		}
		if _, err := s.Run(in...); err != nil {
			return nil, errors.Join(err, s.Close())
		}
		for k, i := range at {
			t.Kernels[k].Times = append(t.Kernels[k].Times, s.plan.times[i])
		}
		t.Total = append(t.Total, s.Elapsed())
	}
	return t, s.Close()
}
