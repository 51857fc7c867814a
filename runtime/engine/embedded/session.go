package embedded

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// session runs a plan.
type session struct {
	plan    *plan
	lanes   []*lane     // for chunks of a batch, one thread each
	all     *lane       // for what cannot be cut, all threads together
	chunk   int         // images that one lane computes at a time
	results [][]float32 // by output
	elapsed time.Duration
}

// lane is one stream of execution with memory of its own.
type lane struct {
	plan  *plan
	team  *kernel.Team
	arena *arena
	bound map[int]*program // by batch size
	spent time.Duration
	track bool // count memory
	peak  int  // floats that were alive at the same time
}

// arena is memory in which one program runs at a time.
type arena struct {
	memory   []float32
	programs []*program
}

// add gives p its place; the arena grows where it is too small.
func (a *arena) add(p *program) {
	a.programs = append(a.programs, p)
	if len(a.memory) < p.arena {
		a.memory = make([]float32, p.arena)
		for _, q := range a.programs {
			q.place(a.memory)
		}
	}
	p.place(a.memory)
}

// cacheBytes is what the activations of one chunk may take.
const cacheBytes = 1 << 20

func newSession(p *plan, threads int, track bool) *session {
	s := &session{plan: p, all: newLane(p, threads, track), results: make([][]float32, len(p.outputs))}
	if p.whole {
		return s
	}
	perImage := 4 * bind(p, 1).arena
	s.chunk = max(1, min(64, cacheBytes/max(perImage, 1)))
	for range threads {
		s.lanes = append(s.lanes, newLane(p, 1, track))
	}
	return s
}

func newLane(p *plan, threads int, track bool) *lane {
	return &lane{track: track, plan: p, team: kernel.NewTeam(threads), arena: new(arena), bound: make(map[int]*program)}
}

// Run computes the outputs for a batch of any size.
func (s *session) Run(in ...nn.Tensor) ([]nn.Tensor, error) {
	batch, err := s.plan.check(in)
	if err != nil {
		return nil, err
	}
	data := make([][]float32, len(in))
	for i, t := range in {
		if data[i], err = engine.Floats(t); err != nil {
			return nil, fmt.Errorf("input %q: %w", s.plan.graph.Values[s.plan.graph.Inputs[i]].Name, err)
		}
	}
	for i, b := range s.plan.outputs {
		s.results[i] = resize(s.results[i], autodiff.At(s.plan.buffers[b].shape, batch).Count())
	}
	s.split(batch, data)
	out := make([]nn.Tensor, len(s.results))
	for i, v := range s.plan.graph.Outputs {
		info := &s.plan.graph.Values[v]
		bytes, err := encode(s.results[i], info.Type)
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", info.Name, err)
		}
		out[i] = nn.Tensor{Type: cmp.Or(info.Type, nn.Float32), Shape: autodiff.At(info.Shape, batch), Raw: bytes}
	}
	return out, nil
}

// split cuts the batch into chunks for the lanes. A batch with less than one image for each thread is not cut.
func (s *session) split(batch int, data [][]float32) {
	if len(s.lanes) == 0 || batch < len(s.lanes) {
		s.all.run(batch, 0, batch, data, s.results)
		s.elapsed = s.all.spent
		return
	}
	chunk := min(s.chunk, (batch+len(s.lanes)-1)/len(s.lanes))
	var next atomic.Int64
	loop := func(l *lane) {
		total := time.Duration(0)
		for {
			lo := int(next.Add(1)-1) * chunk
			if lo >= batch {
				l.spent = total
				return
			}
			l.run(min(chunk, batch-lo), lo, batch, data, s.results)
			total += l.spent
		}
	}
	var wait sync.WaitGroup
	for _, l := range s.lanes[1:] {
		wait.Go(func() { loop(l) })
	}
	loop(s.lanes[0])
	wait.Wait()
	s.elapsed = 0
	for _, l := range s.lanes {
		s.elapsed = max(s.elapsed, l.spent)
	}
}

// Elapsed returns the time that the kernels of the last Run took: without checks, copies and conversions of the memory
// layout at the inputs and outputs.
func (s *session) Elapsed() time.Duration { return s.elapsed }

// Close releases the session's memory.
func (s *session) Close() error {
	*s = session{plan: &plan{graph: &nn.Graph{}}, all: newLane(&plan{}, 1, false)}
	return nil
}

// run computes n images starting at lo of a batch.
func (l *lane) run(n, lo, batch int, data, results [][]float32) {
	p := l.bound[n]
	if p == nil {
		p = bind(l.plan, n)
		if l.track {
			p.track = newTracker(p)
		}
		l.bound[n] = p
		l.arena.add(p)
	}
	for i, b := range l.plan.inputs {
		p.memory[b] = data[i][len(data[i])/batch*lo:][:autodiff.At(l.plan.buffers[b].shape, n).Count()]
	}
	p.run(l.team)
	l.spent = p.spent
	if p.track != nil {
		l.peak = max(l.peak, p.track.peak)
	}
	for i, b := range l.plan.outputs {
		copy(results[i][len(results[i])/batch*lo:], p.memory[b])
	}
}

// check verifies the inputs and returns the batch size.
func (p *plan) check(in []nn.Tensor) (int, error) {
	if len(in) != len(p.inputs) {
		return 0, fmt.Errorf("got %d inputs, want %d", len(in), len(p.inputs))
	}
	batch := 1
	var errs []error
	for i, t := range in {
		want := p.buffers[p.inputs[i]].shape
		if a := slices.Index(want, nn.Batch); a >= 0 && a < len(t.Shape) && batch == 1 {
			batch = t.Shape[a]
		}
		info := &p.graph.Values[p.graph.Inputs[i]]
		d := cmp.Or(info.Type, nn.Float32)
		if batch < 1 || t.Type != d || !slices.Equal(t.Shape, autodiff.At(want, batch)) || len(t.Raw) != d.Bytes()*t.Shape.Count() {
			errs = append(errs, fmt.Errorf("input %q: got type %d shape %v with %d bytes, want type %d (1 is float32) of shape %v", info.Name, t.Type, t.Shape, len(t.Raw), d, want))
		}
	}
	return batch, errors.Join(errs...)
}
