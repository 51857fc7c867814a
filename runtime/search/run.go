package search

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

func (o Options) workers() int { return positive(o.Workers, runtime.GOMAXPROCS(0)) }
func (o Options) states() int  { return positive(o.States, 1<<22) }
func (o Options) labels() int  { return min(positive(o.Labels, 1<<24), backMask) }

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// shared is what the workers know of each other.
type shared struct {
	problem Problem
	plan    *plan
	mu      sync.Mutex
	front   []Point // found so far
	bound   []label // relaxed fronts
	cert    Certificate
	gap     int64
	thinned bool
}

// run executes the plan for all values of the outer genes.
func run(ctx context.Context, p Problem, pl *plan, o Options) (Result, error) {
	s := &shared{problem: p, plan: pl}
	outer := int(pl.outer())
	workers := max(1, min(o.workers(), outer))
	errs := make([]error, workers)
	var next atomic.Int64
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			a := newArena(o.labels())
			for k := int(next.Add(1)) - 1; k < outer && errs[w] == nil; k = int(next.Add(1)) - 1 {
				errs[w] = s.solve(ctx, a, k)
			}
			s.mu.Lock()
			s.cert.Labels += a.made
			s.thinned = s.thinned || a.thinned
			s.mu.Unlock()
		})
	}
	group.Wait()
	err := slices.MaxFunc(errs, func(a, b error) int { return rank(a) - rank(b) })
	r := Result{Points: s.front, Certificate: s.cert}
	switch {
	case err != nil:
		r.Gap = -1
	case pl.relaxed:
		r.Points = improve(ctx, p, r.Points)
		r.Gap = s.gap + shortfall(r.Points, s.bound)
		r.fastest = covered(r.Points, s.bound)
		r.Exact = r.Gap == 0 && r.fastest
	default:
		r.Gap = s.gap
		r.fastest = true // thinning keeps the cheapest
		r.Exact = !s.thinned
	}
	return r, err
}

// rank orders errors: internal ones are worth more than a stop.
func rank(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return 1
	}
	return 2
}

// solve eliminates all genes for the outer values number k and adds its points to the front.
func (s *shared) solve(ctx context.Context, a *arena, k int) error {
	pl := s.plan
	values := make([]uint8, len(pl.given))
	for i := len(values) - 1; i >= 0; i-- {
		card := int(pl.cards[pl.given[i]])
		values[i] = uint8(k % card)
		k /= card
	}
	root, states, err := pl.eliminate(ctx, a, values)
	if err != nil {
		return fmt.Errorf("search stopped early, the front is incomplete: %w", err)
	}
	points, err := s.points(a, root, values)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cert.States += states
	s.gap = max(s.gap, a.sets[root.set].gap)
	s.front = mergeFronts(s.front, points)
	if pl.relaxed {
		for _, l := range a.of(root.set) {
			s.bound = append(s.bound, label{root.p + l.p, root.c + l.c})
		}
	}
	return nil
}

// eliminate runs the operations for the given values of the outer genes.
func (p *plan) eliminate(ctx context.Context, a *arena, values []uint8) (root ref, states int, err error) {
	for _, o := range p.ops {
		states += o.size
	}
	a.reset(states)
	tables := make([][]ref, 0, len(p.factors)+len(p.ops))
	for _, f := range p.factors {
		f = f.restrict(p.given, values, p.cards)
		t := make([]ref, len(f.cost))
		for i := range t {
			t[i] = ref{0, f.pen[i], f.cost[i]}
		}
		tables = append(tables, t)
	}
	for i := range p.ops {
		o := &p.ops[i]
		t, err := o.run(ctx, a, tables)
		if err != nil {
			return ref{}, 0, err
		}
		tables = append(tables, t)
		tables[o.a] = nil
		if o.b >= 0 {
			tables[o.b] = nil
		}
	}
	return tables[len(tables)-1][0], states, nil
}

// run computes the table of o.
func (o *op) run(ctx context.Context, a *arena, tables [][]ref) ([]ref, error) {
	x, y := tables[o.a], []ref{{}}
	if o.b >= 0 {
		y = tables[o.b]
	}
	out := make([]ref, 0, o.size)
	pairs := make([]pair, o.card)
	for at := newOdometer(o.sizes); ; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		i, j := at.offset(o.sa), at.offset(o.sb)
		if o.gene < 0 {
			out = append(out, a.join(x[i], y[j]))
		} else {
			for v := range pairs {
				r, q := x[i+v*o.xa], y[j+v*o.xb]
				pairs[v] = pair{kid{r.set, q.set}, r.p + q.p, r.c + q.c, uint8(v)}
			}
			out = append(out, a.eliminate(o.gene, pairs))
		}
		if !at.next() {
			return out, nil
		}
	}
}

// points returns the SubNets of the root's labels, unless others already found are better.
func (s *shared) points(a *arena, root ref, values []uint8) ([]Point, error) {
	s.mu.Lock()
	known := slices.Clone(s.front)
	s.mu.Unlock()
	var points []Point
	last := len(known) // known[last:] cost more than the label
	for i, l := range a.of(root.set) {
		cost, penalty := root.c+l.c, root.p+l.p
		for last > 0 && known[last-1].Cost > cost {
			last--
		}
		if k := last - 1; k >= 0 && known[k].Penalty <= penalty && (known[k].Cost < cost || known[k].Penalty < penalty) {
			continue
		}
		g := make([]uint8, len(s.problem.Choices))
		for j, v := range values {
			g[s.plan.given[j]] = v
		}
		a.trace(root.set, i, g)
		p := s.problem.point(g)
		if !s.plan.relaxed && (p.Cost != cost || p.Penalty != penalty) {
			return nil, fmt.Errorf("search: the cost or penalty depends on choices of blocks that are removed: %v was found at cost %d and penalty %d, but has %d and %d", p.Genes, cost, penalty, p.Cost, p.Penalty)
		}
		points = append(points, p)
	}
	if s.plan.relaxed {
		return cull(points), nil
	}
	slices.Reverse(points) // labels come by rising penalty
	return points, nil
}

// shortfall returns by how much the front's penalty may exceed the lower bound's at a budget from the
// front's first cost on.
func shortfall(front []Point, bound []label) int64 {
	gap := int64(0)
	for _, l := range bound {
		penalty := front[0].Penalty
		for _, p := range front {
			if p.Cost > l.c {
				break
			}
			penalty = p.Penalty
		}
		gap = max(gap, penalty-l.p)
	}
	return gap
}

// covered reports whether no label of the bound costs less than the front's first point.
func covered(front []Point, bound []label) bool {
	cheapest := int64(math.MaxInt64)
	for _, l := range bound {
		cheapest = min(cheapest, l.c)
	}
	return len(front) > 0 && front[0].Cost <= cheapest
}
