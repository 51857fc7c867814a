package search

import (
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/runtime/space"
)

// plan is the sequence of operations that eliminates all genes but the given ones, which an outer loop
// runs over (R. Dechter, Bucket elimination: a unifying framework for reasoning, 1999).
type plan struct {
	factors []factor
	cards   []uint8
	given   []uint8 // outer genes, slowest first
	ops     []op
	states  float64 // table entries over all values of the outer genes
	relaxed bool    // some buckets were split, so the result only bounds the front from below
}

// op combines tables a and b (b < 0: only a) into a new one, with gene eliminated unless it is < 0.
// Tables are numbered from the factors on.
type op struct {
	gene   int
	a, b   int
	scope  []uint8 // of the new table
	size   int
	sizes  []uint8 // cards of scope
	sa, sb []int   // strides of scope in a and b
	xa, xb int     // strides of gene
	card   int     // of gene, 1 for none
}

// joined is the card product of scope, as a float since it may be astronomic.
func joined(scope, cards []uint8) float64 {
	size := 1.0
	for _, g := range scope {
		size *= float64(cards[g])
	}
	return size
}

// maxWidth bounds a table while an outer gene may still make it smaller.
const maxWidth = 1 << 18

// choosePlan finds outer genes that make tables small at little or no extra work. If more than limit
// states would remain it splits buckets.
func choosePlan(fs []factor, cards []uint8, limit int) *plan {
	best := newPlan(fs, cards, nil, math.Inf(1))
	for {
		var next *plan
		for _, g := range hubs(fs, best.given) {
			p := newPlan(fs, cards, append(slices.Clone(best.given), g), math.Inf(1))
			if next == nil || p.states < next.states {
				next = p
			}
		}
		tooWide := best.width() > maxWidth && best.outer() < float64(limit)
		if next == nil || !tooWide && (next.states > 1.25*best.states || len(best.given) > 0) {
			break
		}
		best = next
	}
	if best.states <= float64(limit) {
		return best
	}
	return relaxedPlan(fs, cards, limit)
}

// relaxedPlan splits buckets just so that at most limit states remain.
func relaxedPlan(fs []factor, cards []uint8, limit int) *plan {
	hub := hubs(fs, nil)
	hub = hub[:min(len(hub), 1)]
	best := newPlan(fs, cards, hub, 1)
	for bound := 8.0; bound <= float64(limit); bound *= 4 {
		p := newPlan(fs, cards, hub, bound)
		if p.states > float64(limit) {
			break
		}
		best = p
	}
	return best
}

// hubs returns the few genes that most factors share, the given ones excepted.
func hubs(fs []factor, given []uint8) []uint8 {
	var count [256]int
	var genes []uint8
	for _, f := range fs {
		for _, g := range f.scope {
			if count[g]++; count[g] == 1 && !slices.Contains(given, g) {
				genes = append(genes, g)
			}
		}
	}
	slices.SortFunc(genes, func(a, b uint8) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return int(a) - int(b)
	})
	return genes[:min(len(genes), 4)]
}

func (p *plan) outer() float64 { return joined(p.given, p.cards) }

// width is the size of the largest table, or of the largest with the eliminated gene still in it.
func (p *plan) width() float64 {
	widest := 0.0
	for _, o := range p.ops {
		widest = max(widest, joined(o.scope, p.cards)*float64(o.card))
	}
	return widest
}

// describe names the method for certificates.
func (p *plan) describe(cs []space.Choice) string {
	var s strings.Builder
	s.WriteString("variable elimination")
	if p.relaxed {
		s.WriteString(" over split buckets and local search")
	}
	for i, g := range p.given {
		s.WriteString([]string{" for each ", " and "}[min(i, 1)])
		s.WriteString(cs[g].Name)
	}
	return s.String()
}

// newPlan plans for outer genes given, splitting buckets over more than bound states.
func newPlan(fs []factor, cards, given []uint8, bound float64) *plan {
	p := &plan{factors: fs, cards: cards, given: given}
	var live []int // tables not yet used
	scopes := make([][]uint8, len(fs))
	for i, f := range fs {
		scopes[i] = without(f.scope, given)
		live = append(live, i)
	}
	b := bucketer{p, scopes, live, bound}
	for {
		gene, ok := b.cheapest()
		if !ok {
			break
		}
		b.eliminate(gene)
	}
	for len(b.live) > 1 {
		b.combine(-1, b.live[0], b.live[1])
		b.live = append([]int{len(b.scopes) - 1}, b.live[2:]...)
	}
	for _, o := range p.ops {
		p.states += joined(o.scope, cards)
	}
	p.states *= p.outer()
	return p
}

// bucketer is a plan in the making.
type bucketer struct {
	*plan
	scopes [][]uint8 // of all tables
	live   []int
	bound  float64
}

// geneSet is a set of genes.
type geneSet [4]uint64

func (s *geneSet) add(g uint8)      { s[g>>6] |= 1 << (g & 63) }
func (s *geneSet) remove(g uint8)   { s[g>>6] &^= 1 << (g & 63) }
func (s *geneSet) has(g uint8) bool { return s[g>>6]>>(g&63)&1 != 0 }

// cheapest returns the gene whose elimination links the fewest genes that were not linked (min-fill), of
// equal ones the one that leaves the smallest table, then the first: chains go from one end.
func (b *bucketer) cheapest() (uint8, bool) {
	var linked [256]geneSet
	var all geneSet
	for _, t := range b.live {
		for _, g := range b.scopes[t] {
			all.add(g)
			for _, h := range b.scopes[t] {
				linked[g].add(h)
			}
		}
	}
	best, fill, size := -1, 0, 0.0
	for g := range len(b.cards) {
		if !all.has(uint8(g)) {
			continue
		}
		around := linked[g]
		around.remove(uint8(g))
		missing, left := 0, 1.0
		for h := range len(b.cards) {
			if !around.has(uint8(h)) {
				continue
			}
			left *= float64(b.cards[h])
			for w := range around {
				missing += bits.OnesCount64(around[w] &^ linked[h][w])
			}
		}
		if best < 0 || missing < fill || missing == fill && left < size {
			best, fill, size = g, missing, left
		}
	}
	return uint8(max(best, 0)), best >= 0
}

// eliminate combines the tables that depend on gene, small ones first, and eliminates it last.
func (b *bucketer) eliminate(gene uint8) {
	var bucket, rest []int
	for _, t := range b.live {
		if slices.Contains(b.scopes[t], gene) {
			bucket = append(bucket, t)
		} else {
			rest = append(rest, t)
		}
	}
	b.live = rest
	parts := b.split(bucket)
	b.relaxed = b.relaxed || len(parts) > 1
	for _, part := range parts {
		for len(part) > 2 {
			i, j := b.closest(part)
			b.combine(-1, part[i], part[j])
			part[i] = len(b.scopes) - 1
			part = slices.Delete(part, j, j+1)
		}
		second := -1
		if len(part) == 2 {
			second = part[1]
		}
		b.combine(int(gene), part[0], second)
		b.live = append(b.live, len(b.scopes)-1)
	}
}

// split divides a bucket into parts of at most bound states each (mini-buckets: R. Dechter and I. Rish, 2003).
func (b *bucketer) split(bucket []int) [][]int {
	var parts [][]int
	var scopes [][]uint8
next:
	for _, t := range bucket {
		for i := range parts {
			if u := union(scopes[i], b.scopes[t]); joined(u, b.cards) <= b.bound {
				parts[i], scopes[i] = append(parts[i], t), u
				continue next
			}
		}
		parts, scopes = append(parts, []int{t}), append(scopes, b.scopes[t])
	}
	return parts
}

// closest returns the pair of tables whose combination is smallest.
func (b *bucketer) closest(part []int) (i, j int) {
	size := math.Inf(1)
	for k := range part {
		for l := k + 1; l < len(part); l++ {
			if s := joined(union(b.scopes[part[k]], b.scopes[part[l]]), b.cards); s < size {
				i, j, size = k, l, s
			}
		}
	}
	return i, j
}

// combine appends the operation that combines tables x and y and eliminates gene.
func (b *bucketer) combine(gene, x, y int) {
	scope := b.scopes[x]
	if y >= 0 {
		scope = union(scope, b.scopes[y])
	}
	o := op{gene: gene, a: x, b: y, card: 1}
	if gene >= 0 {
		x := []uint8{uint8(gene)}
		scope = without(scope, x)
		o.card = int(b.cards[gene])
		o.xa = strides(b.scopes[o.a], x, b.cards)[0]
		if y >= 0 {
			o.xb = strides(b.scopes[y], x, b.cards)[0]
		}
	}
	o.scope, o.sizes = scope, pick(b.cards, scope)
	o.size = int(min(joined(scope, b.cards), math.MaxInt32))
	o.sa = strides(b.scopes[x], scope, b.cards)
	o.sb = make([]int, len(scope))
	if y >= 0 {
		o.sb = strides(b.scopes[y], scope, b.cards)
	}
	b.scopes = append(b.scopes, scope)
	b.ops = append(b.ops, o)
}
