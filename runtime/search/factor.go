package search

import (
	"cmp"
	"slices"

	"github.com/autotailor/autotailor/runtime/space"
)

// factor is a cost and a penalty as tables over the genes in scope, which ascend; the last is fastest.
type factor struct {
	scope     []uint8
	cost, pen []int64
}

// compile returns the terms of both functions of p as factors, penalties within costs where they fit.
func compile(p Problem) []factor {
	cards := p.Cost.Cards()
	var fs []factor
	for _, t := range p.Cost.Terms() {
		fs = append(fs, factor{scope: t.Deps, cost: t.Table, pen: make([]int64, len(t.Table))})
	}
	costs := len(fs)
	for _, t := range p.Penalty.Terms() {
		if home := smallestCover(fs[:costs], t.Deps); home >= 0 {
			f := &fs[home]
			for i, v := range spread(t, f.scope, cards) {
				f.pen[i] += v
			}
			continue
		}
		fs = append(fs, factor{scope: t.Deps, cost: make([]int64, len(t.Table)), pen: t.Table})
	}
	return append(fs, factor{cost: []int64{p.Cost.Base()}, pen: []int64{p.Penalty.Base()}})
}

// smallestCover returns the index of the smallest factor whose scope has all of deps, or -1.
func smallestCover(fs []factor, deps []uint8) int {
	best := -1
	for i, f := range fs {
		missing := slices.ContainsFunc(deps, func(d uint8) bool { return !slices.Contains(f.scope, d) })
		if !missing && (best < 0 || len(f.cost) < len(fs[best].cost)) {
			best = i
		}
	}
	return best
}

// spread returns t's table over scope, which contains t's genes.
func spread(t space.Term, scope, cards []uint8) []int64 {
	return gather(t.Table, 0, strides(t.Deps, scope, cards), pick(cards, scope))
}

// restrict returns f with the genes in given fixed to values.
func (f factor) restrict(given, values, cards []uint8) factor {
	at := 0
	own := strides(f.scope, given, cards)
	for i, s := range own {
		at += s * int(values[i])
	}
	scope := without(f.scope, given)
	by, sizes := strides(f.scope, scope, cards), pick(cards, scope)
	return factor{scope, gather(f.cost, at, by, sizes), gather(f.pen, at, by, sizes)}
}

// strides returns for each gene of scope its stride in a table over deps, 0 if it is not among them.
func strides(deps, scope, cards []uint8) []int {
	out := make([]int, len(scope))
	for i, g := range scope {
		at := slices.Index(deps, g)
		if at < 0 {
			continue
		}
		out[i] = 1
		for _, d := range deps[at+1:] {
			out[i] *= int(cards[d])
		}
	}
	return out
}

// gather reads table from index at on, with the given strides and sizes, the last dimension fastest.
func gather(table []int64, at int, strides []int, sizes []uint8) []int64 {
	total := 1
	for _, n := range sizes {
		total *= int(n)
	}
	out := make([]int64, 0, total)
	for o := newOdometer(sizes); ; {
		out = append(out, table[at+o.offset(strides)])
		if !o.next() {
			return out
		}
	}
}

// odometer counts through all digits below sizes, the last digit fastest.
type odometer struct{ digits, sizes []uint8 }

func newOdometer(sizes []uint8) odometer {
	return odometer{make([]uint8, len(sizes)), sizes}
}

// next steps on and reports whether there was a step left.
func (o odometer) next() bool {
	for i := len(o.digits) - 1; i >= 0; i-- {
		if o.digits[i]++; o.digits[i] < o.sizes[i] {
			return true
		}
		o.digits[i] = 0
	}
	return false
}

func (o odometer) offset(strides []int) int {
	at := 0
	for i, d := range o.digits {
		at += int(d) * strides[i]
	}
	return at
}

// pick returns the elements of s at the given genes.
func pick(s, genes []uint8) []uint8 {
	out := make([]uint8, len(genes))
	for i, g := range genes {
		out[i] = s[g]
	}
	return out
}

// without returns scope less the genes in drop.
func without(scope, drop []uint8) []uint8 {
	out := make([]uint8, 0, len(scope))
	for _, g := range scope {
		if !slices.Contains(drop, g) {
			out = append(out, g)
		}
	}
	return out
}

// union returns the genes in a or b, ascending.
func union(a, b []uint8) []uint8 {
	u := append(slices.Clone(a), b...)
	slices.Sort(u)
	return slices.Compact(u)
}

// orders compares two pairs of numbers and then genes.
func orders(a1, b1, a2, b2 int64, a3, b3 []uint8) int {
	if c := cmp.Compare(a1, b1); c != 0 {
		return c
	}
	if c := cmp.Compare(a2, b2); c != 0 {
		return c
	}
	return slices.Compare(a3, b3)
}
