package space

import (
	"errors"
	"fmt"
	"slices"
)

// Max is the largest of some terms as a function of genes: the max-plus sibling of Sum. It is immutable.
type Max struct {
	cards []uint8
	terms []Term
	flat  flat
}

// NewMax merges ts, whose values are at least 0, into few terms. A term whose condition does not hold counts as 0.
func NewMax(cards []uint8, ts []Term) (*Max, error) {
	s := &Sum{cards: slices.Clone(cards)}
	byDeps := make(map[string]*Term)
	var errs []error
	for i, t := range ts {
		if err := s.check(t); err != nil {
			errs = append(errs, fmt.Errorf("term %d: %w", i, err))
			continue
		}
		t = s.reduce(s.fold(t))
		if same := byDeps[string(t.Deps)]; same != nil {
			raise(same.Table, t.Table)
			continue
		}
		t.Table = slices.Clone(t.Table)
		byDeps[string(t.Deps)] = &t
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, t := range byDeps {
		s.terms = append(s.terms, *t)
	}
	slices.SortFunc(s.terms, larger)
	m := &Max{cards: s.cards, terms: s.cover()}
	m.flat = flatten(m.terms, m.cards)
	return m, nil
}

// raise makes dst the larger of both, entry by entry.
func raise(dst, src []int64) {
	for i, v := range src {
		dst[i] = max(dst[i], v)
	}
}

// cover merges each term into the smallest that has all its genes and drops those that are never the largest.
func (s *Sum) cover() []Term {
	var kept []Term
	for _, t := range s.terms {
		best := -1
		for i := range kept {
			if covers(kept[i].Deps, t.Deps) && (best < 0 || len(kept[i].Table) < len(kept[best].Table)) {
				best = i
			}
		}
		if best < 0 {
			kept = append(kept, t)
			continue
		}
		wide := Term{Deps: kept[best].Deps, Table: make([]int64, len(kept[best].Table))}
		s.accumulate(&wide, t)
		raise(kept[best].Table, wide.Table)
	}
	floor := int64(0) // some term is never below it
	for _, t := range kept {
		floor = max(floor, slices.Min(t.Table))
	}
	return slices.DeleteFunc(kept, func(t Term) bool {
		top := slices.Max(t.Table)
		return top < floor || top == 0
	})
}

// Terms returns the merged terms; their genes ascend and they have no conditions. The tables are m's own.
func (m *Max) Terms() []Term { return slices.Clone(m.terms) }

// Cards returns the number of candidates of each gene.
func (m *Max) Cards() []uint8 { return slices.Clone(m.cards) }

// At returns the largest term for g, which has one gene per cardinality, each in range; 0 when there are no terms.
func (m *Max) At(g []uint8) int64 {
	var padded [256]uint8 // indexed by a byte, so without bounds checks
	copy(padded[:], g)
	top, f, more := int64(0), &m.flat, m.flat.more
	for i := range f.terms {
		k := f.terms[i].index(&padded)
		for len(more) > 0 && int(more[0].term) == i {
			k += more[0].stride * uint32(padded[more[0].gene])
			more = more[1:]
		}
		top = max(top, f.table[k])
	}
	return top
}

// index returns where the entry for g stands, up to the genes that did not fit in place.
func (t *flatTerm) index(g *[256]uint8) uint32 {
	k := t.off
	for i, s := range t.stride {
		k += s * uint32(g[t.gene[i]])
	}
	return k
}
