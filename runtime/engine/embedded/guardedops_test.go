package embedded_test

import (
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestGuardedOperators runs operators of all families, and networks of every operator at the odd extents of their cases, on every instruction set with
// guarded memory: no kernel reads or writes beyond its buffers.
func TestGuardedOperators(t *testing.T) {
	needs.Time(t)
	ran := 0
	run := func(name string, g *nn.Graph, w nn.Weights) {
		for _, isa := range kernel.All() {
			misfit, damage := embedded.RunGuarded(g, w, isa)
			if damage != nil {
				t.Errorf("%s on %v: %v", name, isa, damage)
			}
			if misfit == nil {
				ran++
			}
		}
	}
	for _, net := range families.All() {
		for id := 0; id < len(net.Ops); id += 1 + len(net.Ops)/40 {
			g, err := net.Ops[id].Graph()
			if err != nil {
				continue // an operator whose extents depend on others is measured inside of SubNets only
			}
			rng := rand.New(rand.NewPCG(uint64(id), 1))
			run(net.Package+" "+net.Ops[id].Key(), g.Bind(1), parameters(rng, g))
		}
	}
	for k, name := range embedded.Operators() {
		for i := range 20 {
			rng := rand.New(rand.NewPCG(uint64(k), uint64(1000+i)))
			g, _, err := record(cases[name], rng)
			if err != nil {
				t.Fatal(err)
			}
			run(name, g.Bind(1+i%3), parameters(rng, g))
		}
	}
	t.Logf("%d runs", ran)
	if ran < 2000 {
		t.Errorf("only %d runs", ran)
	}
}
