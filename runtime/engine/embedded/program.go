package embedded

import (
	"cmp"
	"slices"
	"time"

	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// program is a plan at one batch size.
type program struct {
	plan   *plan
	calls  []call
	memory [][]float32 // by buffer
	offset []int       // by buffer, in the arena; -1 for what has memory of its own
	sizes  []int
	arena  int // floats
	spent  time.Duration
	track  *tracker // nil unless memory is counted
}

type call struct {
	f       autodiff.Run
	in, out [][]float32
	step    *step
}

// bind fixes the batch size of a plan.
func bind(p *plan, batch int) *program {
	g := &program{plan: p, memory: make([][]float32, len(p.buffers)), offset: make([]int, len(p.buffers)), sizes: make([]int, len(p.buffers))}
	for i := range p.buffers {
		g.sizes[i] = autodiff.At(p.buffers[i].shape, batch).Count()
		g.offset[i] = -1
	}
	g.layOut()
	for i := range p.steps {
		s := &p.steps[i]
		g.calls = append(g.calls, call{f: s.bind(batch), in: make([][]float32, len(s.in)), out: make([][]float32, len(s.out)), step: s})
	}
	return g
}

// life is a buffer's first and last step.
type life struct{ buffer, from, to, size int }

// layOut places buffers in the arena so that those alive at the same time do not overlap: largest first, each at the
// lowest free place ("Efficient Memory Management for Deep Neural Net Inference", Pisarchyk and Lee 2020, greedy by size).
func (g *program) layOut() {
	lives := g.lives()
	slices.SortStableFunc(lives, func(a, b life) int { return cmp.Compare(b.size, a.size) })
	var placed []life
	for _, l := range lives {
		at := 0
		for _, o := range placed { // by offset
			if o.to < l.from || l.to < o.from {
				continue
			}
			start := g.offset[o.buffer]
			if at+l.size <= start {
				break
			}
			at = max(at, start+o.size)
		}
		g.offset[l.buffer] = at
		g.arena = max(g.arena, at+l.size)
		i, _ := slices.BinarySearchFunc(placed, at, func(o life, at int) int { return cmp.Compare(g.offset[o.buffer], at) })
		placed = slices.Insert(placed, i, l)
	}
}

// lives returns the life of every buffer that needs a place in the arena.
func (g *program) lives() []life {
	const line = 16 // floats of a cache line
	first, last := make(map[int]int), make(map[int]int)
	for i, s := range g.plan.steps {
		for _, b := range s.out {
			if _, ok := first[b]; !ok {
				first[b] = i
			}
			last[b] = i
		}
		for _, b := range s.in {
			last[b] = i
		}
	}
	for _, b := range g.plan.outputs {
		last[b] = len(g.plan.steps)
	}
	var lives []life
	for b := range g.plan.buffers {
		if from, ok := first[b]; ok {
			lives = append(lives, life{b, from, last[b], (g.sizes[b] + line - 1) / line * line})
		}
	}
	return lives
}

// place gives buffers their memory.
func (g *program) place(arena []float32) {
	for i := range g.plan.buffers {
		if at := g.offset[i]; at >= 0 {
			g.memory[i] = arena[at : at+g.sizes[i]]
		} else {
			g.memory[i] = g.plan.buffers[i].fixed
		}
	}
}

// run executes the calls; memory of inputs has been set.
func (g *program) run(t *kernel.Team) {
	start := time.Now()
	var border time.Duration
	for i := range g.calls {
		c := &g.calls[i]
		if g.track != nil {
			g.track.step(i)
		}
		for j, b := range c.step.in {
			c.in[j] = g.memory[b]
		}
		for j, b := range c.step.out {
			c.out[j] = g.memory[b]
		}
		if !c.step.border && g.plan.times == nil {
			c.f(t, c.in, c.out)
			continue
		}
		from := time.Now()
		c.f(t, c.in, c.out)
		spent := time.Since(from)
		if c.step.border {
			border += spent
		} else {
			g.plan.times[i] = spent
		}
	}
	g.spent = time.Since(start) - border
}

func resize(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
