package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// RunGuarded compiles g and runs it once, each buffer between guards. Misfit is why g is not compiled, damage is what a kernel
// wrote outside of its buffer, or its panic.
func RunGuarded(g *nn.Graph, w nn.Weights, isa *kernel.ISA) (misfit, damage error) {
	const guard, mark = 4096, float32(12345.678)
	defer func() {
		if p := recover(); p != nil {
			damage = fmt.Errorf("panic: %v", p)
		}
	}()
	p, err := compile(g, w, isa, nil)
	if err != nil {
		return err, nil
	}
	prog := bind(p, 1)
	whole := make([][]float32, len(p.buffers))
	for i := range p.buffers {
		n := prog.sizes[i]
		whole[i] = make([]float32, n+2*guard)
		for k := range whole[i] {
			whole[i][k] = mark
		}
		prog.memory[i] = whole[i][guard : guard+n : guard+n]
		copy(prog.memory[i], p.buffers[i].fixed)
	}
	prog.run(kernel.NewTeam(1))
	for i, b := range whole {
		n := prog.sizes[i]
		for k, v := range b {
			if (k < guard || k >= guard+n) && v != mark {
				return nil, fmt.Errorf("buffer %d of %d elements was written at %d", i, n, k-guard)
			}
		}
	}
	return nil, nil
}
