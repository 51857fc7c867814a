package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

var _ engine.Sharer = (*Engine)(nil)

// Share implements engine.Sharer: weights are packed when the first network needs them, and w is not needed after the last Add.
func (e *Engine) Share(w nn.Weights) engine.Shared {
	return &shared{store: newStore(e.isa, w), threads: e.threads}
}

// shared is several plans over one store.
type shared struct {
	store   *store
	threads int
	plans   []*plan
}

// Add implements engine.Shared.
func (s *shared) Add(g *nn.Graph, over map[string]nn.Tensor) (int, error) {
	if s.store == nil {
		return 0, fmt.Errorf("networks are added before the first worker")
	}
	p, err := compileShared(g, s.store, over)
	if err != nil {
		return 0, err
	}
	p.graph = borders(g)
	s.plans = append(s.plans, p)
	return len(s.plans) - 1, nil
}

// borders is g's inputs and outputs, which is all that a plan needs of it.
func borders(g *nn.Graph) *nn.Graph {
	out := &nn.Graph{Values: make([]nn.Info, 1)}
	add := func(v nn.Value) nn.Value {
		out.Values = append(out.Values, g.Values[v])
		return nn.Value(len(out.Values) - 1)
	}
	for _, v := range g.Inputs {
		out.Inputs = append(out.Inputs, add(v))
	}
	for _, v := range g.Outputs {
		out.Outputs = append(out.Outputs, add(v))
	}
	return out
}

// Worker implements engine.Shared.
func (s *shared) Worker() engine.Worker {
	s.store = nil // all that plans need of it they have
	w := &worker{}
	team, memory := kernel.NewTeam(s.threads), new(arena)
	for _, p := range s.plans {
		all := &lane{plan: p, team: team, arena: memory, bound: make(map[int]*program)}
		w.sessions = append(w.sessions, &session{plan: p, all: all, results: make([][]float32, len(p.outputs))})
	}
	return w
}

// worker is a session of every plan, all in one arena.
type worker struct{ sessions []*session }

// Run implements engine.Worker.
func (w *worker) Run(network int, in ...nn.Tensor) ([]nn.Tensor, error) {
	return w.sessions[network].Run(in...)
}
