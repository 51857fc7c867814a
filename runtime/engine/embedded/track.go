package embedded

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// tracker counts the memory of a run's activations as an allocator would see it: a buffer is allocated at the step
// that writes it and freed after the last that reads it.
type tracker struct {
	program *program
	uses    []int // of each buffer in this run still to come
	held    []bool
	live    int // floats
	peak    int
}

func newTracker(p *program) *tracker {
	return &tracker{program: p, uses: make([]int, len(p.sizes)), held: make([]bool, len(p.sizes))}
}

// start counts the uses of all buffers.
func (t *tracker) start() {
	clear(t.uses)
	clear(t.held)
	t.live, t.peak = 0, 0
	for _, s := range t.program.plan.steps {
		for _, b := range slices.Concat(s.in, s.out) {
			t.uses[b]++
		}
	}
	for _, b := range t.program.plan.outputs {
		t.uses[b]++ // the caller's
	}
}

// step allocates what step i writes and frees what nothing will read after it. Steps come in order.
func (t *tracker) step(i int) {
	if i == 0 {
		t.start()
	}
	s := &t.program.plan.steps[i]
	for _, b := range s.out {
		if t.program.offset[b] >= 0 && !t.held[b] {
			t.held[b] = true
			t.live += t.program.sizes[b]
		}
	}
	t.peak = max(t.peak, t.live)
	for _, b := range slices.Concat(s.in, s.out) {
		if t.uses[b]--; t.uses[b] == 0 && t.held[b] {
			t.held[b] = false
			t.live -= t.program.sizes[b]
		}
	}
}

// PeakBytes returns how much memory the activations of the runs so far took at their peak, on the lane that took most;
// inputs are the caller's and results are copied to it. It is 0 unless Options.Track is set.
func (s *session) PeakBytes() int {
	peak := s.all.peak
	for _, l := range s.lanes {
		peak = max(peak, l.peak)
	}
	return 4 * peak
}

// Steps tells for each kernel call of g, which is at batch 1 or open, what values it finds in memory: what
// supernet.Net.Activations needs to predict the tracked peak of all SubNets from that of the original.
func (e *Engine) Steps(g *nn.Graph, w nn.Weights) ([]nn.Step, error) {
	p, err := compile(g, w, e.isa, nil)
	if err != nil {
		return nil, err
	}
	out := make([]nn.Step, len(p.steps))
	for i, s := range p.steps {
		out[i].Node = s.node
	}
	for _, l := range bind(p, 1).lives() {
		from, to, v := max(l.from, 0), min(l.to, len(out)-1), p.buffers[l.buffer].value
		if from <= to {
			out[from].Made, out[to].Freed = append(out[from].Made, v), append(out[to].Freed, v)
		}
	}
	return out, nil
}

// Tracked is a session that counts the memory of its activations.
type Tracked interface {
	engine.Session
	PeakBytes() int
}

var _ Tracked = (*session)(nil)
