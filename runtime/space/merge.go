package space

import (
	"fmt"
	"slices"
)

// joinLimit bounds the tables that join makes: small enough for some tens of them to stay in a core's cache.
const joinLimit = 2048

// fold returns t over ascending genes, its condition multiplied into the table.
func (s *Sum) fold(t Term) Term {
	deps := slices.Clone(t.Deps)
	if t.Live.Below != 0 && !slices.Contains(deps, t.Live.Gene) {
		deps = append(deps, t.Live.Gene)
	}
	slices.Sort(deps)
	out := Term{Deps: deps, Table: make([]int64, tableSize(s.cards, deps))}
	s.accumulate(&out, t)
	if live := slices.Index(deps, t.Live.Gene); t.Live.Below != 0 {
		stride := tableSize(s.cards, deps[live+1:])
		for i := range out.Table {
			if i/stride%int(s.cards[t.Live.Gene]) >= int(t.Live.Below) {
				out.Table[i] = 0
			}
		}
	}
	return out
}

// reduce drops the genes that do not change t's value.
func (s *Sum) reduce(t Term) Term {
	for i := 0; i < len(t.Deps); {
		card, stride := int(s.cards[t.Deps[i]]), tableSize(s.cards, t.Deps[i+1:])
		if varies(t.Table, card, stride) {
			i++
			continue
		}
		kept := make([]int64, 0, len(t.Table)/card)
		for at := 0; at < len(t.Table); at += card * stride {
			kept = append(kept, t.Table[at:at+stride]...)
		}
		t = Term{Deps: slices.Delete(slices.Clone(t.Deps), i, i+1), Table: kept}
	}
	return t
}

// varies reports whether the table depends on the gene with the given cardinality and stride.
func varies(table []int64, card, stride int) bool {
	for at := 0; at < len(table); at += card * stride {
		for v := 1; v < card; v++ {
			if !slices.Equal(table[at:at+stride], table[at+v*stride:at+(v+1)*stride]) {
				return true
			}
		}
	}
	return false
}

// accumulate adds src, without its condition, to dst, whose genes ascend and contain src's.
func (s *Sum) accumulate(dst *Term, src Term) {
	strides := make([]int, len(dst.Deps)) // of src, by dst's genes
	for i, d := range dst.Deps {
		if at := slices.Index(src.Deps, d); at >= 0 {
			strides[i] = tableSize(s.cards, src.Deps[at+1:])
		}
	}
	digits := make([]uint8, len(dst.Deps))
	from := 0
	for i := range dst.Table {
		dst.Table[i] += src.Table[from]
		for j := len(digits) - 1; j >= 0; j-- {
			from += strides[j]
			if digits[j]++; digits[j] < s.cards[dst.Deps[j]] {
				break
			}
			from -= strides[j] * int(digits[j])
			digits[j] = 0
		}
	}
}

// absorb adds each term to the smallest that has all its genes, and the constant one to the base.
// The terms come largest first, so whatever can take a term stands before it.
func (s *Sum) absorb() {
	var kept []Term
	for _, t := range s.terms {
		best := -1
		for i := range kept {
			if covers(kept[i].Deps, t.Deps) && (best < 0 || len(kept[i].Table) < len(kept[best].Table)) {
				best = i
			}
		}
		switch {
		case len(t.Deps) == 0:
			s.base += t.Table[0]
		case best >= 0:
			s.accumulate(&kept[best], t)
		default:
			kept = append(kept, t)
		}
	}
	s.terms = kept
}

// covers reports whether all of sub's genes are among deps; both ascend.
func covers(deps, sub []uint8) bool {
	for _, d := range sub {
		if _, ok := slices.BinarySearch(deps, d); !ok {
			return false
		}
	}
	return true
}

// join merges pairs of terms whose genes all interact with each other already: fewer look-ups,
// and nothing lost for a search that follows the interaction graph.
func (s *Sum) join() {
	linked := s.interactions()
	for i := 0; i < len(s.terms); i++ {
		for j := i + 1; j < len(s.terms); j++ {
			deps := union(s.terms[i].Deps, s.terms[j].Deps)
			if tableSize(s.cards, deps) > joinLimit || !clique(linked, deps) {
				continue
			}
			both := Term{Deps: deps, Table: make([]int64, tableSize(s.cards, deps))}
			s.accumulate(&both, s.terms[i])
			s.accumulate(&both, s.terms[j])
			s.terms[i] = both
			s.terms = slices.Delete(s.terms, j, j+1)
			j = i
		}
	}
	slices.SortFunc(s.terms, larger)
	s.absorb()
}

// interactions tells for each pair of genes whether some term depends on both.
func (s *Sum) interactions() [][]bool {
	linked := make([][]bool, len(s.cards))
	for i := range linked {
		linked[i] = make([]bool, len(s.cards))
	}
	for _, t := range s.terms {
		for _, a := range t.Deps {
			for _, b := range t.Deps {
				linked[a][b] = true
			}
		}
	}
	return linked
}

// clique reports whether all pairs of deps are linked.
func clique(linked [][]bool, deps []uint8) bool {
	for i, a := range deps {
		for _, b := range deps[:i] {
			if !linked[a][b] {
				return false
			}
		}
	}
	return true
}

// union returns the genes in a or b, ascending.
func union(a, b []uint8) []uint8 {
	u := append(slices.Clone(a), b...)
	slices.Sort(u)
	return slices.Compact(u)
}

// Over returns s as a dense table over deps, which ascend and contain all genes that s depends on; the last gene is fastest.
func (s *Sum) Over(deps []uint8) ([]int64, error) {
	whole := Term{Deps: deps, Table: make([]int64, min(tableSize(s.cards, deps), MaxTable+1))}
	if err := s.check(whole); err != nil {
		return nil, err
	}
	for i := range whole.Table {
		whole.Table[i] = s.base
	}
	for _, t := range s.terms {
		if !covers(deps, t.Deps) {
			return nil, fmt.Errorf("the sum depends on genes %v, not only on %v", t.Deps, deps)
		}
		s.accumulate(&whole, t)
	}
	return whole.Table, nil
}
