package space

// inline is the number of genes that a flatTerm holds itself.
const inline = 5

// flat is the layout that At reads: all tables in one slice, and terms of a fixed size, so that
// the loop over them has neither inner loops nor branches that depend on the term.
type flat struct {
	terms []flatTerm
	more  []gene // further genes of terms that have more than fit in place
	table []int64
}

type flatTerm struct {
	stride [inline]uint32 // 0 where unused
	off    uint32
	gene   [inline]uint8
}

// gene adds stride per candidate to the index of a term.
type gene struct {
	stride uint32
	term   uint16
	gene   uint8
}

// flatten lays out ts.
func flatten(ts []Term, cards []uint8) flat {
	var f flat
	for n, t := range ts {
		ft := flatTerm{off: uint32(len(f.table))}
		stride := uint32(len(t.Table))
		for i, d := range t.Deps {
			stride /= uint32(cards[d])
			if i < inline {
				ft.gene[i], ft.stride[i] = d, stride
			} else {
				f.more = append(f.more, gene{stride, uint16(n), d})
			}
		}
		f.terms = append(f.terms, ft)
		f.table = append(f.table, t.Table...)
	}
	return f
}

// At returns the sum for g, which has one gene per cardinality, each in range.
func (s *Sum) At(g []uint8) int64 {
	var padded [256]uint8 // indexed by a byte, so without bounds checks
	copy(padded[:], g)
	total, f, more := s.base, &s.flat, s.flat.more
	for i := range f.terms {
		t := &f.terms[i]
		k := t.off +
			t.stride[0]*uint32(padded[t.gene[0]]) +
			t.stride[1]*uint32(padded[t.gene[1]]) +
			t.stride[2]*uint32(padded[t.gene[2]]) +
			t.stride[3]*uint32(padded[t.gene[3]]) +
			t.stride[4]*uint32(padded[t.gene[4]])
		for len(more) > 0 && int(more[0].term) == i {
			k += more[0].stride * uint32(padded[more[0].gene])
			more = more[1:]
		}
		total += f.table[k]
	}
	return total
}
