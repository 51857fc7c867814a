package autodiff

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// crop is the kernel transform of a parameter whose window is smaller than the tensor's.
type crop struct {
	matrix      *engine.Trainable // [taps, all]
	taps, all   int
	whole, back []float32 // the channels' whole windows, and gradients with respect to them
}

// transform returns the kernel transform of a parameter, nil where params have none.
func transform(params engine.Params, p *nn.Param) (*engine.Trainable, nn.Window, error) {
	w, ok := p.Window()
	m := params[w.Name]
	if m == nil {
		m = params[w.Shared]
	}
	if !ok || m == nil {
		return nil, w, nil
	}
	if want := (nn.Shape{len(w.Taps), w.All}); !slices.Equal(m.Shape, want) || len(m.Value) != want.Count() || m.Grad != nil && len(m.Grad) != len(m.Value) {
		return nil, w, fmt.Errorf("kernel transform %q has shape %v with %d values and %d derivatives, want %v", w.Name, m.Shape, len(m.Value), len(m.Grad), want)
	}
	return m, w, nil
}

func (p *plan) crop(param *nn.Param) (*crop, error) {
	m, w, err := transform(p.params, param)
	if m == nil {
		return nil, err
	}
	n := param.Picked().Count() / len(w.Taps) * w.All
	return &crop{m, len(w.Taps), w.All, p.memory.floats(n)[:n], p.memory.floats(n)[:n]}, nil
}

// read computes the smaller windows of the whole ones.
func (c *crop) read(out []float32) { nn.Smaller(out, c.whole, c.matrix.Value, c.taps, c.all) }

// write adds the gradient with respect to the transform, and returns the gradient with respect to the whole windows.
func (c *crop) write(grad []float32) []float32 {
	clear(c.back)
	for r := range len(grad) / c.taps {
		whole, back := c.whole[r*c.all:(r+1)*c.all], c.back[r*c.all:(r+1)*c.all]
		for i, g := range grad[r*c.taps : (r+1)*c.taps] {
			for k, f := range c.matrix.Value[i*c.all : (i+1)*c.all] {
				back[k] += g * f
			}
			if c.matrix.Grad == nil {
				continue
			}
			sums := c.matrix.Grad[i*c.all : (i+1)*c.all]
			for k, v := range whole {
				sums[k] += g * v
			}
		}
	}
	return c.back
}
