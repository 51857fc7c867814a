package space

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Term holds what one part of a network contributes (latency, MACs, parameters, penalties) as a function of the few choices that it
// depends on: a dense table over the genes Deps, the last gene fastest. It counts only where Live holds.
type Term struct {
	Deps  []uint8
	Live  Need
	Table []int64
}

// Sum is a sum of terms and a constant. It is immutable.
type Sum struct {
	cards []uint8
	base  int64
	terms []Term
	flat  flat
}

// MaxTable bounds the number of entries of a term's table.
const MaxTable = 1 << 22

// NewSum merges ts into few terms: conditions become part of the tables, genes that change nothing drop out,
// terms over a subset of another's genes are absorbed by it. cards holds the number of candidates of each gene.
func NewSum(cards []uint8, base int64, ts []Term) (*Sum, error) {
	s := &Sum{cards: slices.Clone(cards), base: base}
	byDeps := make(map[string]*Term)
	var errs []error
	for i, t := range ts {
		if err := s.check(t); err != nil {
			errs = append(errs, fmt.Errorf("term %d: %w", i, err))
			continue
		}
		t = s.reduce(s.fold(t))
		if same := byDeps[string(t.Deps)]; same != nil {
			s.accumulate(same, t)
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
	s.absorb()
	s.join()
	s.flat = flatten(s.terms, s.cards)
	return s, nil
}

// larger orders terms by falling number of genes, then by genes.
func larger(a, b Term) int {
	return cmp.Or(cmp.Compare(len(b.Deps), len(a.Deps)), slices.Compare(a.Deps, b.Deps))
}

// Terms returns the merged terms; their genes ascend and they have no conditions.
// The tables are the sum's own: do not write to them.
func (s *Sum) Terms() []Term { return slices.Clone(s.terms) }

// Base returns the constant part of the sum.
func (s *Sum) Base() int64 { return s.base }

// Plus returns the sum with n added to its constant part.
func (s *Sum) Plus(n int64) *Sum {
	out := *s
	out.base += n
	return &out
}

// Least returns a lower bound of the sum: the sum of the smallest values of all terms.
func (s *Sum) Least() int64 {
	least := s.base
	for _, t := range s.terms {
		least += slices.Min(t.Table)
	}
	return least
}

// Cards returns the number of candidates of each gene.
func (s *Sum) Cards() []uint8 { return slices.Clone(s.cards) }

// check reports what is wrong with t.
func (s *Sum) check(t Term) error {
	var seen [256]bool
	for _, d := range t.Deps {
		if int(d) >= len(s.cards) {
			return fmt.Errorf("depends on gene %d of %d", d, len(s.cards))
		}
		if seen[d] {
			return fmt.Errorf("depends on gene %d twice", d)
		}
		seen[d] = true
	}
	if t.Live.Below != 0 && int(t.Live.Gene) >= len(s.cards) {
		return fmt.Errorf("lives by gene %d of %d", t.Live.Gene, len(s.cards))
	}
	size := tableSize(s.cards, t.Deps)
	if len(t.Table) != size && size <= MaxTable {
		return fmt.Errorf("table over genes %v has %d entries, want %d", t.Deps, len(t.Table), size)
	}
	if t.Live.Below != 0 && !seen[t.Live.Gene] {
		size = min(size, MaxTable) * int(s.cards[t.Live.Gene])
	}
	if size > MaxTable {
		return fmt.Errorf("table over genes %v has more than %d entries: let fewer choices vary together", t.Deps, MaxTable)
	}
	return nil
}

// tableSize is the number of entries of a table over deps. It stops counting beyond MaxTable, so that an int of 32 bits holds it.
func tableSize(cards, deps []uint8) int {
	size := 1
	for _, d := range deps {
		if size *= int(cards[d]); size > MaxTable {
			break
		}
	}
	return size
}
