package axis

// maxCuts bounds the pieces into which two axes are cut to match: what is left of axes whose parts never meet would be single positions, which cannot move.
const maxCuts = 256

// conform brings two axes of one extent to the same pieces, whatever they are made of, and makes these the same pairwise: what a channel shuffle
// lists row by row was put together part by part (ShuffleNet, Zhang et al. 2018), and groups of channels may end where no part of a Concat does. A piece
// of one position stays, so that what has such pieces only does not move. Space is left alone: its extents follow from the map.
func (s *vars) conform(a, b Var, node string) bool {
	if s.given(a) || s.given(b) {
		return false
	}
	pa, pb := []Var{a}, []Var{b}
	for cuts := 0; len(pa) > 0 && len(pb) > 0; {
		pa, pb = s.open(pa), s.open(pb) // what was matched may have refined what follows
		na, nb := s.at(pa[0]).size, s.at(pb[0]).size
		if na == nb && s.match(pa[0], pb[0], node) {
			pa, pb = pa[1:], pb[1:]
			continue
		}
		at := min(na, nb)
		if na == nb {
			at = min(s.row(pa[0]), s.row(pb[0]))
		}
		if cuts++; cuts > maxCuts || !s.shorten(&pa, at) || !s.shorten(&pb, at) {
			return false
		}
	}
	return len(pa) == len(pb)
}

// open takes apart the first of a list of what stands one after the other when it is a sum.
func (s *vars) open(list []Var) []Var {
	if s.at(list[0]).form != sum {
		return list
	}
	return replace(list, 0, s.parts(list[0], sum))
}

// shorten cuts the first of a list so that it ends at a position.
func (s *vars) shorten(list *[]Var, at int) bool {
	if s.at((*list)[0]).size == at {
		return true
	}
	rest, ok := s.splitAt((*list)[0], at)
	if ok {
		*list = replace(*list, 0, rest)
	}
	return ok
}

// row is the extent of one position of the outermost factor.
func (s *vars) row(v Var) int {
	return s.at(v).size / s.at(s.parts(v, product)[0]).size
}

// given tells whether something in v is space, a window or the batch.
func (s *vars) given(v Var) bool {
	r := s.at(v)
	if r.roles&(Spatial|Kernel|Batch) != 0 {
		return true
	}
	for _, p := range r.of {
		if s.given(p) {
			return true
		}
	}
	return false
}

// flat takes apart the sums in a list of what stands one after the other.
func (s *vars) flat(list []Var) []Var {
	var out []Var
	for _, v := range list {
		out = append(out, s.parts(v, sum)...)
	}
	return out
}

// match makes two pieces of one extent the same.
func (s *vars) match(a, b Var, node string) bool {
	ra, rb := s.at(a), s.at(b)
	switch {
	case s.find(a) == s.find(b):
		return true
	case ra.form == leaf || rb.form == leaf:
		s.unify(a, b, node)
		return true
	case ra.form == product && rb.form == product && s.align(a, b, product, node):
		return true
	}
	return false
}

// splitAt refines v, a leaf or a product, so that a piece of it ends at a position, and returns the pieces in order. A product is cut along its outermost
// factor; where the position is inside of one of that factor's rows, the row stands alone.
func (s *vars) splitAt(v Var, first int) ([]Var, bool) {
	r := s.at(v)
	switch {
	case first <= 0 || first >= r.size:
		return nil, false
	case r.form == leaf:
		return s.split(v, first, sum)
	case r.form == sum:
		parts, ok := s.regroup(v, []int{first, r.size - first})
		return s.flat(parts), ok
	}
	fs := s.parts(v, product)
	outer := s.at(fs[0]).size
	inner := r.size / outer
	rows, within := first/inner, first%inner
	sizes := []int{rows, outer - rows}
	if within > 0 {
		sizes = []int{rows, 1, outer - rows - 1}
	}
	cuts, ok := s.cut(fs[0], positive(sizes))
	if !ok {
		return nil, false
	}
	var out []Var
	at := 0
	for _, c := range cuts {
		rest := s.productOf(append([]Var{c}, fs[1:]...))
		end := at + s.at(rest).size
		if at < first && first < end {
			pieces, ok := s.splitAt(rest, first-at)
			if !ok {
				return nil, false
			}
			out = append(out, pieces...)
		} else {
			out = append(out, rest)
		}
		at = end
	}
	return out, true
}

func positive(list []int) []int {
	var out []int
	for _, n := range list {
		if n > 0 {
			out = append(out, n)
		}
	}
	return out
}

// factor takes an outer factor out of a sum: its rows are the same pieces, whatever they come from.
func (s *vars) factor(v Var, outer int, node string) ([]Var, bool) {
	r := s.at(v)
	if r.form != sum || outer <= 0 || r.size%outer != 0 {
		return nil, false
	}
	of := []Var{s.add(outer, 0), s.add(r.size/outer, 0)}
	if r.frozen != nil {
		for _, f := range of {
			s.freeze(f, *r.frozen)
		}
	}
	return of, s.conform(s.productOf(of), v, node)
}
