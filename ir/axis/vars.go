// Package axis finds which axes of which tensors must be cut together.
//
// Every axis of every value is a variable. Variables that always have the same extent and order are
// unified (union-find); one that a Reshape splits is refined into a product of variables (768 -> 12 heads x 64),
// one that Concat or Split cuts is refined into a sum (qkv 2304 -> q + k + v). A refinement belongs to the whole
// class, so it reaches everything unified with it. What cannot be matched is frozen with its reason, never guessed.
//
// The idea of coupled dimensions is DepGraph's (Fang et al., CVPR 2023); the static, declarative form with
// sums and products is ours.
package axis

// Var is a variable: the positions along an axis, up to renaming.
type Var int32

// form tells how a variable is refined.
type form uint8

const (
	leaf    form = iota
	product      // factors, outermost first
	sum          // terms, in order
)

// Role is a set of marks on a variable.
type Role uint8

// The roles of a variable.
const (
	Spatial Role = 1 << iota // follows the input's resolution (or sequence length)
	Kernel                   // extent of a convolution window
	Batch                    // the open batch axis
	Group                    // groups of a convolution, each with as many channels
	Member                   // channels of each of those groups
	Ordered                  // a window moves over it, so that its order counts: channels that a filter looks at side by side
	Repeat                   // how often an Expand repeats an axis, such as keys that several heads of queries share
)

// Reason tells which node froze a variable and why.
type Reason struct {
	Node  string
	Why   string
	Given bool // nothing could ever change it: an axis of an input or output of the model, or of an operator's setting
}

type variable struct {
	parent Var // itself for the representative of a class
	size   int
	form   form
	of     []Var
	roles  Role
	frozen *Reason
	pieces int // of a sum: its terms when it was put together, those of its terms included
}

// maxPieces bounds the terms of a sum. A sum of sums doubles with each Concat of a value with itself, and whoever looks at its terms would not end.
const maxPieces = 4096

// pieces counts the terms of a sum of ts.
func (s *vars) pieces(ts []Var) int {
	n := 0
	for _, t := range ts {
		n += max(1, s.at(t).pieces)
	}
	return n
}

// vars is a union-find over refinable variables.
type vars struct {
	list []variable
}

func (s *vars) add(size int, roles Role) Var {
	v := Var(len(s.list))
	s.list = append(s.list, variable{parent: v, size: size, roles: roles})
	return v
}

func (s *vars) find(v Var) Var {
	for s.list[v].parent != v {
		s.list[v].parent = s.list[s.list[v].parent].parent
		v = s.list[v].parent
	}
	return v
}

func (s *vars) at(v Var) *variable { return &s.list[s.find(v)] }

// freeze fixes v and everything that it is made of. The first reason stays, unless it turns out that the axis is given.
func (s *vars) freeze(v Var, why Reason) {
	r := s.at(v)
	if r.frozen != nil && (r.frozen.Given || !why.Given) {
		return
	}
	r.frozen = &why
	for _, p := range r.of {
		s.freeze(p, why)
	}
}

// parts returns the refinement of v under form f with nested refinements of the same form flattened; v itself
// when it has none.
func (s *vars) parts(v Var, f form) []Var {
	r := s.at(v)
	if r.form != f {
		return []Var{s.find(v)}
	}
	var out []Var
	for _, p := range r.of {
		out = append(out, s.parts(p, f)...)
	}
	return out
}

// refine gives a leaf its parts.
func (s *vars) refine(v Var, f form, of []Var) {
	if len(of) == 1 {
		s.link(v, of[0])
		return
	}
	r := s.at(v)
	r.form, r.of = f, of
	for _, p := range of {
		s.list[s.find(p)].roles |= r.roles & Spatial
		if r.frozen != nil {
			s.freeze(p, *r.frozen)
		}
	}
}

// link makes a a member of b's class; a must be a leaf or structurally equal to b.
func (s *vars) link(a, b Var) {
	a, b = s.find(a), s.find(b)
	if a == b {
		return
	}
	ra, rb := &s.list[a], &s.list[b]
	ra.parent = b
	rb.roles |= ra.roles
	if ra.frozen != nil {
		s.freeze(b, *ra.frozen)
	}
}

// unify makes a and b one class. When their refinements do not match both are frozen.
func (s *vars) unify(a, b Var, node string) {
	a, b = s.find(a), s.find(b)
	if a == b {
		return
	}
	ra, rb := s.list[a], s.list[b]
	switch {
	case ra.size != rb.size:
		s.freezeBoth(a, b, Reason{Node: node, Why: "the extents of its operands differ"})
	case ra.form == leaf:
		s.spread(b, ra.roles)
		s.link(a, b)
	case rb.form == leaf:
		s.spread(a, rb.roles)
		s.link(b, a)
	case (ra.form != rb.form || !s.align(a, b, ra.form, node)) && !s.conform(a, b, node):
		s.freezeBoth(a, b, Reason{Node: node, Why: "joins axes that are put together differently"})
	default:
		s.link(a, b)
	}
}

// spread makes the parts of v spatial when it becomes the same as a spatial leaf: windows and the positions in them are space too.
func (s *vars) spread(v Var, roles Role) {
	for _, p := range s.at(v).of {
		s.at(p).roles |= roles & Spatial
		s.spread(p, roles)
	}
}

func (s *vars) freezeBoth(a, b Var, why Reason) {
	s.freeze(a, why)
	s.freeze(b, why)
}

// align splits the parts of a and b until they have the same boundaries, then unifies them pairwise.
func (s *vars) align(a, b Var, f form, node string) bool {
	pa, pb := s.parts(a, f), s.parts(b, f)
	i, j := 0, 0
	var pairs [][2]Var
	for i < len(pa) && j < len(pb) {
		na, nb := s.at(pa[i]).size, s.at(pb[j]).size
		switch {
		case na == nb:
			pairs = append(pairs, [2]Var{pa[i], pb[j]})
			i, j = i+1, j+1
			continue
		case na > nb:
			rest, ok := s.apart(pa[i], nb, f, node)
			if !ok {
				return false
			}
			pa = replace(pa, i, rest)
		default:
			rest, ok := s.apart(pb[j], na, f, node)
			if !ok {
				return false
			}
			pb = replace(pb, j, rest)
		}
	}
	if i != len(pa) || j != len(pb) {
		return false
	}
	for _, p := range pairs {
		s.unify(p[0], p[1], node)
	}
	return true
}

// apart refines a leaf, or takes a factor out of a sum.
func (s *vars) apart(v Var, first int, f form, node string) ([]Var, bool) {
	if f == product && s.at(v).form == sum {
		return s.factor(v, first, node)
	}
	return s.split(v, first, f)
}

// split refines the leaf v into a first part of the given size and the rest.
func (s *vars) split(v Var, first int, f form) ([]Var, bool) {
	r := s.at(v)
	if r.form != leaf || first <= 0 || first >= r.size {
		return nil, false
	}
	rest := r.size - first
	if f == product {
		if r.size%first != 0 {
			return nil, false
		}
		rest = r.size / first
	}
	of := []Var{s.add(first, 0), s.add(rest, 0)}
	s.refine(v, f, of)
	return of, true
}

func replace(list []Var, i int, with []Var) []Var {
	out := append([]Var{}, list[:i]...)
	out = append(out, with...)
	return append(out, list[i+1:]...)
}

// cut returns one variable for each run of positions between cuts (ascending, exclusive of 0 and the size),
// refining v so that the runs are parts of it. It fails when v's structure does not allow that.
func (s *vars) cut(v Var, sizes []int) ([]Var, bool) {
	if len(sizes) == 1 {
		return []Var{s.find(v)}, true
	}
	r := s.at(v)
	if r.form == product {
		return s.cutOuter(v, sizes)
	}
	if r.form == leaf {
		of := make([]Var, len(sizes))
		for i, n := range sizes {
			of[i] = s.add(n, 0)
		}
		s.refine(v, sum, of)
		return of, true
	}
	return s.regroup(v, sizes)
}

// cutOuter cuts the outermost factor of a product where every run is a multiple of the other factors.
func (s *vars) cutOuter(v Var, sizes []int) ([]Var, bool) {
	fs := s.parts(v, product)
	inner := s.at(v).size / s.at(fs[0]).size
	outer := make([]int, len(sizes))
	for i, n := range sizes {
		if n%inner != 0 {
			return s.regroup(v, sizes)
		}
		outer[i] = n / inner
	}
	cuts, ok := s.cut(fs[0], outer)
	if !ok {
		return nil, false
	}
	out := make([]Var, len(cuts))
	for i, c := range cuts {
		out[i] = s.productOf(append([]Var{c}, fs[1:]...))
	}
	return out, true
}

// regroup joins the terms of a sum into runs of the given sizes, splitting terms where a run ends inside.
func (s *vars) regroup(v Var, sizes []int) ([]Var, bool) {
	terms := s.parts(v, sum)
	out := make([]Var, 0, len(sizes))
	i := 0
	for _, n := range sizes {
		var run []Var
		for n > 0 && i < len(terms) {
			if s.at(terms[i]).form == sum { // a term before it has a part in common, which was split
				terms = replace(terms, i, s.parts(terms[i], sum))
			}
			if t := s.at(terms[i]).size; t > n {
				rest, ok := s.splitAt(terms[i], n)
				if !ok {
					return nil, false
				}
				terms = replace(terms, i, s.flat(rest))
			}
			n -= s.at(terms[i]).size
			run = append(run, terms[i])
			i++
		}
		if n != 0 {
			return nil, false
		}
		out = append(out, s.sumOf(run))
	}
	return out, true
}

// productOf returns a variable that is the product of fs; factors of size 1 are dropped.
func (s *vars) productOf(fs []Var) Var {
	keep, size := make([]Var, 0, len(fs)), 1
	for _, f := range fs {
		if n := s.at(f).size; n != 1 {
			keep, size = append(keep, f), size*n
		}
	}
	return s.composed(product, keep, size)
}

// sumOf returns a variable that is the concatenation of ts.
func (s *vars) sumOf(ts []Var) Var {
	size := 0
	for _, t := range ts {
		size += s.at(t).size
	}
	return s.composed(sum, ts, size)
}

func (s *vars) composed(f form, of []Var, size int) Var {
	if len(of) == 1 {
		return s.find(of[0])
	}
	v := s.add(size, 0)
	if len(of) == 0 {
		return v
	}
	r := &s.list[v]
	r.form, r.of = f, of
	if f == sum {
		r.pieces = s.pieces(of)
	}
	for _, p := range of {
		s.list[v].roles |= s.at(p).roles
	}
	return v
}
