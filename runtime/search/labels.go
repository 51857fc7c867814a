package search

import (
	"math"
	"slices"
)

// label is a partial SubNet that no other of its set dominates, relative to its set's first.
type label struct{ p, c int64 }

// set is a Pareto set of labels, penalties rising and costs falling strictly; the first is (0, 0).
// Label i of a set arose from one label each of two sets that depend on the value of gene (see back).
type set struct {
	first, n int
	kids     int   // index of the pair of sets for value 0
	gene     int   // -1 when nothing was eliminated
	gap      int64 // penalty that thinning may have lost
}

// ref is a set with penalties and costs shifted by p and c.
type ref struct {
	set  int32
	p, c int64
}

// kid is a pair of sets.
type kid struct{ a, b int32 }

// pair asks for all sums of a label of set a and a label of set b, shifted, under a value of the gene.
type pair struct {
	kid
	p, c  int64
	value uint8
}

// candidate is a label with its shift and where it came from.
type candidate struct {
	p, c int64
	back uint64
}

// cell is the cheapest sum of some penalty; cost MaxInt64 means none.
type cell struct {
	c    int64
	back uint64
}

// back packs value and label indices of both sets.
func back(value uint8, a, b int) uint64 {
	return uint64(value)<<56 | uint64(a)<<28 | uint64(b)
}

const backMask = 1<<28 - 1

const (
	maxSpan = 1 << 22 // penalties that a dense merge covers at most
	maxRuns = 1 << 20 // sums that a sparse merge lists at a time, about
	// minLabels is what thinning leaves of a set, so that the front keeps some shape whatever the limit.
	minLabels = 4
)

// arena holds the sets of one elimination. Set 0 is the unit: one label, no genes.
type arena struct {
	limit   int // labels to hold at most
	expect  int // sets still to come
	sets    []set
	labels  []label
	backs   []uint64
	kids    []kid
	joins   map[kid]ref      // products already computed
	leaves  map[uint64][]ref // sets of single genes by hash
	cells   []cell           // dense merge: by penalty
	runs    [2][]candidate   // sparse merge: lists and their ends
	ends    [2][]int
	made    int // labels made, over all uses of the arena
	thinned bool
}

func newArena(limit int) *arena {
	return &arena{limit: limit, joins: map[kid]ref{}, leaves: map[uint64][]ref{}}
}

// reset forgets all sets but the unit.
func (a *arena) reset(expect int) {
	a.expect = expect
	a.sets = append(a.sets[:0], set{n: 1, gene: -1})
	a.labels = append(a.labels[:0], label{})
	a.backs = append(a.backs[:0], 0)
	a.kids = append(a.kids[:0], kid{})
	clear(a.joins)
	clear(a.leaves)
}

func (a *arena) of(s int32) []label {
	return a.labels[a.sets[s].first:][:a.sets[s].n]
}

// join returns the sums of x's and y's labels.
func (a *arena) join(x, y ref) ref {
	a.expect--
	p, c := x.p+y.p, x.c+y.c
	switch {
	case x.set == 0:
		return ref{y.set, p, c}
	case y.set == 0:
		return ref{x.set, p, c}
	}
	k := kid{x.set, y.set}
	r, ok := a.joins[k]
	if !ok {
		r = a.store(-1, []pair{{kid: k}}, a.merge([]pair{{kid: k}}))
		a.joins[k] = r
	}
	return ref{r.set, p + r.p, c + r.c}
}

// eliminate returns the union over gene's values of the sums of the pairs' labels.
func (a *arena) eliminate(gene int, pairs []pair) ref {
	a.expect--
	out := a.merge(pairs)
	if slices.ContainsFunc(pairs, func(p pair) bool { return p.a != 0 || p.b != 0 }) {
		return a.store(gene, pairs, out)
	}
	// Sets of one gene recur, as where a block's neighbours do not matter. Finding them lets join find its products.
	h := uint64(gene)
	for _, l := range out {
		h = (h ^ uint64(l.p-out[0].p)) * 0x9e3779b97f4a7c15
		h = (h ^ h>>29 ^ uint64(l.c-out[0].c)) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>32 ^ l.back) * 0x94d049bb133111eb
	}
	for _, r := range a.leaves[h] {
		if a.same(r.set, gene, out) {
			return ref{r.set, out[0].p, out[0].c}
		}
	}
	r := a.store(gene, pairs, out)
	a.leaves[h] = append(a.leaves[h], r)
	return r
}

// same reports whether set s holds exactly out, up to a shift.
func (a *arena) same(s int32, gene int, out []candidate) bool {
	if a.sets[s].gene != gene || a.sets[s].n != len(out) {
		return false
	}
	for i, l := range a.of(s) {
		if l.p != out[i].p-out[0].p || l.c != out[i].c-out[0].c || a.backs[a.sets[s].first+i] != out[i].back {
			return false
		}
	}
	return true
}

// store makes a set of out.
func (a *arena) store(gene int, pairs []pair, out []candidate) ref {
	s := set{first: len(a.labels), kids: len(a.kids), gene: gene}
	for _, p := range pairs {
		a.kids = append(a.kids, p.kid)
		s.gap = max(s.gap, a.sets[p.a].gap+a.sets[p.b].gap)
	}
	if free := a.limit - len(a.labels); len(out) > 1 && free < a.limit/2 {
		thin, gap := thinOut(out, max(minLabels, free/max(a.expect, 1)))
		a.thinned = a.thinned || gap > 0
		out, s.gap = thin, s.gap+gap
	}
	s.n = len(out)
	a.made += s.n
	if cap(a.labels)-len(a.labels) < s.n { // at least double, append would grow large slices by less
		a.labels = slices.Grow(a.labels, max(s.n, len(a.labels)))
		a.backs = slices.Grow(a.backs, max(s.n, len(a.labels)))
	}
	for _, l := range out {
		a.labels = append(a.labels, label{l.p - out[0].p, l.c - out[0].c})
		a.backs = append(a.backs, l.back)
	}
	a.sets = append(a.sets, s)
	return ref{int32(len(a.sets) - 1), out[0].p, out[0].c}
}

// thinOut keeps at most about limit of out, so that for each one dropped another is kept that costs
// no more and has a penalty at most gap higher.
func thinOut(out []candidate, limit int) (kept []candidate, gap int64) {
	if len(out) <= limit {
		return out, 0
	}
	window := (out[len(out)-1].p - out[0].p) / int64(limit)
	kept = out[:0]
	for i := 0; i < len(out); {
		from := out[i].p
		for i+1 < len(out) && out[i+1].p-from <= window {
			i++
		}
		gap = max(gap, out[i].p-from)
		kept = append(kept, out[i])
		i++
	}
	return kept, gap
}

// merge returns the Pareto set of all sums that pairs ask for. It is valid until the next merge.
func (a *arena) merge(pairs []pair) []candidate {
	sums, lo, hi := 0, int64(math.MaxInt64), int64(math.MinInt64)
	for _, p := range pairs {
		x, y := a.of(p.a), a.of(p.b)
		sums += len(x) * len(y)
		lo = min(lo, p.p)
		hi = max(hi, p.p+x[len(x)-1].p+y[len(y)-1].p)
	}
	if span := hi - lo; sums > 32 && span < min(12*int64(sums), maxSpan) {
		return a.mergeDense(pairs, lo, int(span)+1)
	}
	return a.mergeSparse(pairs)
}

// mergeDense keeps the cheapest sum for every penalty of the range.
func (a *arena) mergeDense(pairs []pair, lo int64, span int) []candidate {
	for len(a.cells) < span {
		a.cells = append(a.cells, cell{c: math.MaxInt64})
	}
	for _, p := range pairs {
		x, y := a.of(p.a), a.of(p.b)
		for j, l := range y {
			c := p.c + l.c
			cells := a.cells[p.p-lo+l.p : span]
			from := back(p.value, 0, j)
			for i, k := range x {
				cell := &cells[k.p]
				if cost := k.c + c; cost < cell.c {
					cell.c, cell.back = cost, from|uint64(i)<<28
				}
			}
		}
	}
	out, best := a.runs[0][:0], int64(math.MaxInt64)
	for i := range a.cells[:span] {
		cell := &a.cells[i]
		if cell.c < best {
			best = cell.c
			out = append(out, candidate{lo + int64(i), best, cell.back})
		}
		cell.c = math.MaxInt64
	}
	a.runs[0] = out
	return out
}

// mergeSparse lists the sums as sorted runs and merges them two by two.
func (a *arena) mergeSparse(pairs []pair) []candidate {
	a.runs[0], a.ends[0] = a.runs[0][:0], a.ends[0][:0]
	for _, p := range pairs {
		x, y := a.of(p.a), a.of(p.b)
		for j, l := range y {
			from := back(p.value, 0, j)
			for i, k := range x {
				a.runs[0] = append(a.runs[0], candidate{p.p + k.p + l.p, p.c + k.c + l.c, from | uint64(i)<<28})
			}
			if a.ends[0] = append(a.ends[0], len(a.runs[0])); len(a.runs[0]) > maxRuns {
				a.collapse()
			}
		}
	}
	a.collapse()
	return a.runs[0]
}

// collapse merges all runs into one.
func (a *arena) collapse() {
	out, next := a.runs[0], a.runs[1]
	ends, nextEnds := a.ends[0], a.ends[1]
	for len(ends) > 1 {
		next, nextEnds = next[:0], nextEnds[:0]
		from := 0
		for i := 0; i < len(ends); i += 2 {
			last := ends[min(i+1, len(ends)-1)]
			next = mergeTwo(next, out[from:ends[i]], out[ends[i]:last])
			nextEnds = append(nextEnds, len(next))
			from = last
		}
		out, next, ends, nextEnds = next, out, nextEnds, ends
	}
	a.runs, a.ends = [2][]candidate{out, next}, [2][]int{ends, nextEnds}
}

// mergeTwo appends the Pareto set of two such sets to dst; of equal labels it keeps x's.
func mergeTwo(dst, x, y []candidate) []candidate {
	best := int64(math.MaxInt64)
	for len(x) > 0 || len(y) > 0 {
		var l candidate
		if len(y) == 0 || len(x) > 0 && (x[0].p < y[0].p || x[0].p == y[0].p && x[0].c <= y[0].c) {
			l, x = x[0], x[1:]
		} else {
			l, y = y[0], y[1:]
		}
		if l.c < best {
			best = l.c
			dst = append(dst, l)
		}
	}
	return dst
}

// trace sets the genes that label i of set s stands for.
func (a *arena) trace(s int32, i int, genes []uint8) {
	for s != 0 {
		t := &a.sets[s]
		from := a.backs[t.first+i]
		value := int(from >> 56)
		if t.gene >= 0 {
			genes[t.gene] = uint8(value)
		}
		k := a.kids[t.kids+value]
		if k.b != 0 {
			a.trace(k.b, int(from&backMask), genes)
		}
		s, i = k.a, int(from>>28&backMask)
	}
}
