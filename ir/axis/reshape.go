package axis

// reshape matches the axes of one shape with those of another that lists the same elements, from the outermost
// on: equal extents are one variable, a run of axes whose extents multiply to the same number is brought to a
// common refinement. It returns the variables of the output axes and whether everything matched;
// an output axis without match is a fresh frozen variable, and so are the inputs it came from.
//
// The greedy matching by volume is the one of tract (sonos/tract, core/src/ops/change_axes.rs), on variables instead of extents.
func (s *vars) reshape(in []Var, out []int, node string) []Var {
	res := make([]Var, len(out))
	i, j := 0, 0
	for i < len(in) || j < len(out) {
		i0, j0 := i, j
		a, b := 1, 1
		if i < len(in) {
			a, i = s.at(in[i]).size, i+1
		}
		if j < len(out) {
			b, j = out[j], j+1
		}
		for a != b && (i < len(in) || j < len(out)) {
			if a < b && i < len(in) || j >= len(out) {
				a, i = a*s.at(in[i]).size, i+1
			} else {
				b, j = b*out[j], j+1
			}
		}
		if a != b {
			s.mismatch(in[i0:], res[j0:], out[j0:], node)
			return res
		}
		s.regroupProduct(in[i0:i], res[j0:j], out[j0:j], node)
	}
	return res
}

// regroupProduct matches a run of input axes with a run of output axes of the same volume.
func (s *vars) regroupProduct(in, res []Var, out []int, node string) {
	if len(in) == 1 && len(out) == 1 {
		res[0] = in[0]
		return
	}
	whole := s.productOf(in)
	fresh := make([]Var, len(out))
	for k, n := range out {
		fresh[k] = s.add(n, 0)
	}
	target := s.productOf(fresh)
	if s.at(whole).form == sum && len(notOne(out)) > 1 && s.given(whole) { // positions of several maps, one after the other
		s.mismatch(in, res, out, node)
		return
	}
	s.unify(target, whole, node)
	copy(res, fresh)
}

func notOne(list []int) []int {
	var out []int
	for _, n := range list {
		if n != 1 {
			out = append(out, n)
		}
	}
	return out
}

func (s *vars) mismatch(in, res []Var, out []int, node string) {
	if s.space(in) {
		for k, n := range out {
			res[k] = s.add(n, Spatial)
		}
		return
	}
	why := Reason{Node: node, Why: "reshapes across axes that no factorisation matches"}
	for _, v := range in {
		s.freeze(v, why)
	}
	for k, n := range out {
		res[k] = s.add(n, 0)
		s.freeze(res[k], why)
	}
}

// space tells whether axes are positions, and perhaps the batch: what is made of them are positions, too, such as those in windows that are
// shifted.
func (s *vars) space(list []Var) bool {
	positions := false
	for _, v := range list {
		r := s.at(v).roles
		if positions = positions || r&Spatial != 0; r&(Spatial|Batch) == 0 && s.at(v).size != 1 {
			return false
		}
	}
	return positions
}
