package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/space"
)

// maxDims bounds how many quantities a label has.
const maxDims = 8

// vlabel is a partial SubNet with all its quantities.
type vlabel struct {
	v     [maxDims]int64
	gene  int16 // eliminated here, -1 for none
	value uint8
	a, b  *vlabel
}

// trace sets the genes that l stands for.
func (l *vlabel) trace(g []uint8) {
	for ; l != nil; l = l.a {
		if l.gene >= 0 {
			g[l.gene] = l.value
		}
		l.b.trace(g)
	}
}

// vtable is a factor with a value for each quantity: of the genes in scope, the last fastest.
type vtable struct {
	scope  []uint8
	values [][maxDims]int64
}

// vector is variable elimination with labels of several quantities (multi-objective bucket elimination: E. Rollón and
// J. Larrosa, 2006). Quantities are added, but those from sums on are maxima. A label is dropped when another is nowhere
// larger, or when what is still to come makes it exceed a limit in any case.
type vector struct {
	problem Problem
	limits  []bound
	sums    int // quantities that are added: the first ones
	dims    int
	plan    *plan
	tables  []vtable
	most    int // labels
	cert    Certificate
}

// bound says that scale times quantity sum plus quantity max is at most most; a negative index means none.
type bound struct {
	sum, max    int
	scale, most int64
}

// newVector compiles p with limits; cost and penalty are quantities 0 and 1 if optimize is set.
func newVector(p Problem, limits []Limit, optimize bool, o Options) (*vector, error) {
	v := &vector{problem: p, most: min(o.labels(), 1<<22)}
	var sums []*space.Sum
	var maxima []*space.Max
	if optimize {
		sums = append(sums, p.Cost, p.Penalty)
	}
	for _, l := range limits {
		b := bound{sum: -1, max: -1, scale: l.scale(), most: l.Most}
		if l.Sum != nil {
			if b.sum = slices.Index(sums, l.Sum); b.sum < 0 {
				b.sum = len(sums)
				sums = append(sums, l.Sum)
			}
		}
		if l.Max != nil {
			b.max = len(maxima) // moves behind the sums below
			maxima = append(maxima, l.Max)
		}
		v.limits = append(v.limits, b)
	}
	v.sums, v.dims = len(sums), len(sums)+len(maxima)
	if v.dims > maxDims {
		return nil, fmt.Errorf("search: %d quantities in objective and limits, at most %d are possible", v.dims, maxDims)
	}
	for i := range v.limits {
		if v.limits[i].max >= 0 {
			v.limits[i].max += v.sums
		}
	}
	v.compile(sums, maxima)
	var scopes []factor
	for _, t := range v.tables {
		scopes = append(scopes, factor{scope: t.scope})
	}
	v.plan = choosePlan(scopes, space.Cards(p.Choices), o.states())
	if v.plan.relaxed {
		return nil, errors.New("search: too many choices act together for an exact search with limits; tie choices in the config, or drop limits")
	}
	return v, nil
}

// compile makes the tables: one for each scope, and one for the constants.
func (v *vector) compile(sums []*space.Sum, maxima []*space.Max) {
	at := map[string]int{"": 0}
	v.tables = []vtable{{values: make([][maxDims]int64, 1)}}
	add := func(dim int, t space.Term) {
		k, ok := at[string(t.Deps)]
		if !ok {
			k = len(v.tables)
			at[string(t.Deps)] = k
			v.tables = append(v.tables, vtable{t.Deps, make([][maxDims]int64, len(t.Table))})
		}
		for i, x := range t.Table {
			if to := &v.tables[k].values[i][dim]; dim < v.sums {
				*to += x
			} else {
				*to = max(*to, x)
			}
		}
	}
	for d, s := range sums {
		add(d, space.Term{Table: []int64{s.Base()}})
		for _, t := range s.Terms() {
			add(d, t)
		}
	}
	for d, m := range maxima {
		for _, t := range m.Terms() {
			add(v.sums+d, t)
		}
	}
}

// solve returns the SubNets of the final labels, over all values of the outer genes.
func (v *vector) solve(ctx context.Context) ([]Point, error) {
	v.cert = Certificate{Exact: true, Method: v.plan.describe(v.problem.Choices)}
	cards := space.Cards(v.problem.Choices)
	given := v.plan.given
	var points []Point
	for outer := newOdometer(pick(cards, given)); ; {
		labels, err := v.eliminate(ctx, outer.digits, cards)
		if err != nil {
			return nil, err
		}
		for _, l := range labels {
			g := make([]uint8, len(cards))
			for i, x := range outer.digits {
				g[given[i]] = x
			}
			l.trace(g)
			p := v.problem.point(g)
			points = append(points, p)
		}
		if !outer.next() {
			break
		}
	}
	if !v.cert.Exact {
		v.cert.Gap = -1
	}
	return points, nil
}

// eliminate runs the plan for values of the outer genes.
func (v *vector) eliminate(ctx context.Context, values, cards []uint8) ([]*vlabel, error) {
	tables := make([][][]*vlabel, 0, len(v.tables)+len(v.plan.ops))
	for _, t := range v.tables {
		own, scope := strides(t.scope, v.plan.given, cards), without(t.scope, v.plan.given)
		from := 0
		for i, s := range own {
			from += s * int(values[i])
		}
		by := strides(t.scope, scope, cards)
		var out [][]*vlabel
		for o := newOdometer(pick(cards, scope)); ; {
			out = append(out, []*vlabel{{v: t.values[from+o.offset(by)], gene: -1}})
			if !o.next() {
				break
			}
		}
		tables = append(tables, out)
	}
	for i := range v.plan.ops {
		o := &v.plan.ops[i]
		y := [][]*vlabel{{{gene: -1}}}
		if o.b >= 0 {
			y = tables[o.b]
		}
		x := tables[o.a]
		tables[o.a] = nil
		if o.b >= 0 {
			tables[o.b] = nil
		}
		t, err := v.run(ctx, o, x, y, v.least(tables))
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	last := slices.DeleteFunc(tables[len(tables)-1][0], func(l *vlabel) bool { return !v.possible(l.v) })
	return v.pareto(last), nil
}

// least returns the smallest that tables still to be combined contribute to each quantity.
func (v *vector) least(tables [][][]*vlabel) [maxDims]int64 {
	var rest [maxDims]int64
	for _, t := range tables {
		if t == nil {
			continue
		}
		for d := range v.dims {
			low, any := int64(0), false
			for _, set := range t {
				for _, l := range set {
					if !any || l.v[d] < low {
						low, any = l.v[d], true
					}
				}
			}
			if d < v.sums {
				rest[d] += low
			} else {
				rest[d] = max(rest[d], low)
			}
		}
	}
	return rest
}

// run computes the table of o; rest is what other tables add at least.
func (v *vector) run(ctx context.Context, o *op, x, y [][]*vlabel, rest [maxDims]int64) ([][]*vlabel, error) {
	out := make([][]*vlabel, 0, o.size)
	for at := newOdometer(o.sizes); ; {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("search stopped early: %w", err)
		}
		i, j := at.offset(o.sa), at.offset(o.sb)
		var set []*vlabel
		for k := range o.card {
			for _, a := range x[i+k*o.xa] {
				for _, b := range y[j+k*o.xb] {
					l := vlabel{v: v.plus(a.v, b.v), gene: int16(o.gene), value: uint8(k), a: a, b: b}
					if v.possible(v.plus(l.v, rest)) {
						set = append(set, &l)
					}
				}
			}
			if len(set) > 4096 {
				set = v.pareto(set)
			}
		}
		set = v.thin(v.pareto(set))
		v.cert.Labels += len(set)
		out = append(out, set)
		if !at.next() {
			v.cert.States += len(out)
			return out, nil
		}
	}
}

// plus combines quantities.
func (v *vector) plus(a, b [maxDims]int64) [maxDims]int64 {
	for d := range v.dims {
		if d < v.sums {
			a[d] += b[d]
		} else {
			a[d] = max(a[d], b[d])
		}
	}
	return a
}

// possible reports whether quantities keep all limits.
func (v *vector) possible(q [maxDims]int64) bool {
	for _, b := range v.limits {
		total := int64(0)
		if b.sum >= 0 {
			total = b.scale * q[b.sum]
		}
		if b.max >= 0 {
			total += q[b.max]
		}
		if total > b.most {
			return false
		}
	}
	return true
}

// pareto drops labels that another one is nowhere larger than.
func (v *vector) pareto(set []*vlabel) []*vlabel {
	slices.SortStableFunc(set, func(a, b *vlabel) int { return slices.Compare(a.v[:v.dims], b.v[:v.dims]) })
	kept := set[:0]
next:
	for _, l := range set {
		for i, k := range kept {
			if v.dominates(k, l) {
				if i > 0 { // who dominates one often dominates the next
					kept[i/2], kept[i] = kept[i], kept[i/2]
				}
				continue next
			}
		}
		kept = append(kept, l)
	}
	return kept
}

func (v *vector) dominates(a, b *vlabel) bool {
	for d := range v.dims {
		if a.v[d] > b.v[d] {
			return false
		}
	}
	return true
}

// thin keeps a set bounded when labels run out; the result is then no longer exact.
func (v *vector) thin(set []*vlabel) []*vlabel {
	const few = 64
	if v.cert.Labels+len(set) <= v.most || len(set) <= few {
		return set
	}
	v.cert.Exact = false
	kept := make([]*vlabel, 0, few+v.dims)
	for d := range v.dims {
		kept = append(kept, slices.MinFunc(set, func(a, b *vlabel) int { return cmp.Compare(a.v[d], b.v[d]) }))
	}
	for k := range few {
		kept = append(kept, set[k*len(set)/few])
	}
	return v.pareto(kept)
}
