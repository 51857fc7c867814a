package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// recorder gathers the statistics of every batch normalisation.
type recorder struct {
	norms []*sums
}

// sums are the sample-weighted sums of a normalisation's statistics over batches.
type sums struct {
	node           node
	mean, variance []float64
	samples        float64
}

func (r *recorder) add(n node) *sums {
	s := &sums{node: n}
	r.norms = append(r.norms, s)
	return s
}

func (s *sums) observe(m *kernel.Moments, samples int) {
	if s.mean == nil {
		s.mean, s.variance = make([]float64, len(m.Mean)), make([]float64, len(m.Mean))
	}
	for i := range m.Mean {
		s.mean[i] += m.Mean[i] * float64(samples)
		s.variance[i] += m.Variance[i] * float64(samples)
	}
	s.samples += float64(samples)
}

// Recalibrate implements nn.Recalibrator.
func (e *Engine) Recalibrate(ctx context.Context, g *nn.Graph, w nn.Weights, data nn.Inputs, seen func([]nn.Tensor)) (nn.Weights, error) {
	stats := &recorder{}
	p, err := compile(g, w, e.isa, stats)
	if err != nil {
		return nil, err
	}
	s := newSession(p, e.threads, false)
	defer s.Close()
	for in, err := range data {
		if err := errors.Join(ctx.Err(), err); err != nil {
			return nil, err
		}
		out, err := s.Run(in...)
		if err != nil {
			return nil, err
		}
		if seen != nil {
			seen(out)
		}
	}
	over := make(map[string]nn.Tensor)
	for _, n := range stats.norms {
		if n.samples == 0 {
			return nil, fmt.Errorf("recalibrate: no data")
		}
		for i, sum := range [][]float64{n.mean, n.variance} {
			v := n.node.In[3+i]
			if err := n.replace(over, w, g.Values[v].Param, sum); err != nil {
				return nil, fmt.Errorf("recalibrate: node %q: %w", n.node.Name, err)
			}
		}
	}
	return nn.Overlay(w, over), nil
}

// replace puts averages at the picked positions of a parameter.
func (s *sums) replace(over map[string]nn.Tensor, w nn.Weights, p *nn.Param, sum []float64) error {
	if p == nil {
		return fmt.Errorf("its statistics are no parameters")
	}
	full, ok := over[p.Name]
	if !ok {
		var err error
		if full, err = nn.Fetch(w, nn.Param{Name: p.Name, From: p.From, Shape: p.Shape}); err != nil {
			return err
		}
	}
	values := append([]float32(nil), full.Float32s()...)
	for i, at := range p.Kept(0) {
		values[at] = float32(sum[i] / s.samples)
	}
	over[p.Name] = nn.FromFloat32s(p.Shape, values)
	return nil
}
