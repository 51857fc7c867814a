package tune

import (
	"math"
	"sync"

	"github.com/autotailor/autotailor/runtime/engine"
)

// moments are an optimiser's memory of one tensor.
type moments struct {
	steps         int // that have trained the tensor
	first, second []float32
}

// optimizer changes tensors by their gradients.
type optimizer struct {
	options Options
	state   map[string]*moments
}

func newOptimizer(o Options, s *store) *optimizer {
	out := &optimizer{o, map[string]*moments{}}
	for _, name := range s.trains {
		m := &moments{first: make([]float32, len(s.params[name].Value))}
		if o.Optimizer == "adamw" {
			m.second = make([]float32, len(m.first))
		}
		out.state[name] = m
	}
	return out
}

// step changes the tensors that a step used, at a learning rate. Matrices and kernels decay; vectors, which are biases and scales,
// and kernel transforms, which are near the identity, do not.
func (o *optimizer) step(s *store, used map[string]bool, rate float64) {
	scale := o.clip(s, used)
	var all sync.WaitGroup // tensors do not depend on each other
	defer all.Wait()
	for _, name := range s.trains {
		if !used[name] {
			continue
		}
		p, m := s.params[name], o.state[name]
		m.steps++
		decay := 0.0
		if len(p.Shape) > 1 && !s.transforms[name] {
			decay = rate * o.options.Decay
		}
		all.Go(func() {
			if o.options.Optimizer == "sgd" {
				nesterov(p, m, float32(rate), float32(decay), float32(o.options.Momentum), scale)
			} else {
				adamW(p, m, rate, float32(decay), scale)
			}
		})
	}
}

// clip returns the factor that keeps the norm of the gradients within the limit.
func (o *optimizer) clip(s *store, used map[string]bool) float32 {
	if o.options.Clip == 0 {
		return 1
	}
	sum := 0.0
	for _, name := range s.trains {
		if used[name] {
			for _, g := range s.params[name].Grad {
				sum += float64(g) * float64(g)
			}
		}
	}
	if norm := math.Sqrt(sum); norm > o.options.Clip {
		return float32(o.options.Clip / norm)
	}
	return 1
}

// adamW is Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019).
func adamW(p *engine.Trainable, m *moments, rate float64, decay, scale float32) {
	const b1, b2, eps = 0.9, 0.999, 1e-8
	c1, c2 := 1-math.Pow(b1, float64(m.steps)), 1-math.Pow(b2, float64(m.steps))
	step, root := float32(rate/c1), float32(1/math.Sqrt(c2))
	for i, g := range p.Grad {
		g *= scale
		m.first[i] += (1 - b1) * (g - m.first[i])
		m.second[i] += (1 - b2) * (g*g - m.second[i])
		size := float32(math.Sqrt(float64(m.second[i])))*root + eps
		p.Value[i] -= decay*p.Value[i] + step*m.first[i]/size
	}
}

// nesterov is stochastic gradient descent with Nesterov's momentum (Sutskever et al. 2013), as PyTorch has it.
func nesterov(p *engine.Trainable, m *moments, rate, decay, momentum, scale float32) {
	for i, g := range p.Grad {
		g *= scale
		m.first[i] = momentum*m.first[i] + g
		p.Value[i] -= decay*p.Value[i] + rate*(g+momentum*m.first[i])
	}
}
