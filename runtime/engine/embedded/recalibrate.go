package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	totals := map[string]*total{} // by parameter
	for _, n := range stats.norms {
		if n.samples == 0 {
			return nil, fmt.Errorf("recalibrate: no data")
		}
		for i, sum := range [][]float64{n.mean, n.variance} {
			p := g.Values[n.node.In[3+i]].Param
			if p == nil {
				return nil, fmt.Errorf("recalibrate: node %q: its statistics are not parameters", n.node.Name)
			}
			if totals[p.Name] == nil {
				totals[p.Name] = &total{param: p}
			}
			totals[p.Name].add(sum, n.samples)
		}
	}
	over := make(map[string]nn.Tensor)
	for name, t := range totals {
		if over[name], err = t.averages(w); err != nil {
			return nil, fmt.Errorf("recalibrate: %w", err)
		}
	}
	return nn.Overlay(w, over), nil
}

// total adds up what normalises with one parameter: a head that works on maps of several sizes may have a single normalisation for all of them.
type total struct {
	param   *nn.Param
	sum     []float64
	samples float64
}

func (t *total) add(sum []float64, samples float64) {
	if t.sum == nil {
		t.sum = make([]float64, len(sum))
	}
	for i, v := range sum {
		t.sum[i] += v
	}
	t.samples += samples
}

// averages is the parameter's tensor with averages at the positions that are picked.
func (t *total) averages(w nn.Weights) (nn.Tensor, error) {
	p := t.param
	full, err := nn.Fetch(w, nn.Param{Name: p.Name, From: p.From, Shape: p.Shape})
	if err != nil {
		return nn.Tensor{}, err
	}
	values := slices.Clone(full.Float32s())
	for i, at := range p.Kept(0) {
		values[at] = float32(t.sum[i] / t.samples)
	}
	return nn.FromFloat32s(p.Shape, values), nil
}
