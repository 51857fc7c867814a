package embedded

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// cage is memory for a buffer, between guards.
type cage struct {
	memory []float32
	check  func() error // what was written outside
	free   func() error
}

// mark is what guards hold that can be read and written.
const mark = float32(12345.678)

// marked puts a buffer of n elements between marks, which tell of writes close to it, and not of reads.
func marked(n int) (cage, error) {
	const guard = 4096
	whole := make([]float32, n+2*guard)
	for k := range whole {
		whole[k] = mark
	}
	return cage{whole[guard : guard+n : guard+n], func() error {
		for k, v := range whole {
			if (k < guard || k >= guard+n) && v != mark {
				return fmt.Errorf("written at %d", k-guard)
			}
		}
		return nil
	}, func() error { return nil }}, nil
}

// RunGuarded compiles g and runs it with each buffer between guards: once with marks, and where the system can do that, with pages that can neither be
// read nor written right behind each buffer, and right before it. Misfit is why g is not compiled, damage is what a kernel did outside of its buffers, or its panic.
func RunGuarded(g *nn.Graph, w nn.Weights, isa *kernel.ISA) (misfit, damage error) {
	p, err := compile(g, w, isa, nil)
	if err != nil {
		return err, nil
	}
	for name, make := range cages() {
		if err := runCaged(p, make); err != nil {
			return nil, fmt.Errorf("guards are %s: %w", name, err)
		}
	}
	return nil, nil
}

func runCaged(p *plan, make func(n int) (cage, error)) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // of a page that is guarded
	prog := bind(p, 1)
	var all []cage
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		for _, c := range all {
			err = errors.Join(err, c.free())
		}
	}()
	for i := range p.buffers {
		c, err := make(prog.sizes[i])
		if err != nil {
			return err
		}
		all = append(all, c)
		prog.memory[i] = c.memory
		copy(prog.memory[i], p.buffers[i].fixed)
	}
	prog.run(kernel.NewTeam(1))
	for i, c := range all {
		if err := c.check(); err != nil {
			return fmt.Errorf("buffer %d of %d elements: %w", i, prog.sizes[i], err)
		}
	}
	return nil
}
