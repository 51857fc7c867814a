package tune

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/supernet"
)

// sortChannels puts the channels of every group in the order of their importance, so that smaller SubNets keep those that matter
// most. The function of the original stays as it is.
//
// The importance of a channel is the L1 norm of the weights that read it (once-for-all, Cai et al. 2020, elastic width); that of
// what no weight reads, such as the dimensions of queries and keys, the L1 norm of the weights that make it.
func (s *store) sortChannels() error {
	for k, g := range s.net.Groups {
		if err := s.check(g); err != nil {
			return fmt.Errorf("group %d of %d channels: %w", k, g.Size, err)
		}
		importance := s.importance(g)
		order := make([]int, g.Size)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(importance[b], importance[a]) })
		s.reorder(g, order)
	}
	return nil
}

// check verifies that the members of g lie within their tensors.
func (s *store) check(g supernet.Group) error {
	for _, m := range g.Of {
		p, ok := s.params[m.Param]
		if !ok || m.Axis >= len(p.Shape) {
			return fmt.Errorf("there is no tensor %q with an axis %d", m.Param, m.Axis)
		}
		extent, _ := s.along(m)
		inside := true
		m.Positions(g.Size-1, func(from, n int) { inside = inside && from >= 0 && from+n <= extent })
		if !inside {
			return fmt.Errorf("tensor %q of shape %v has no such positions along axis %d", m.Param, p.Shape, m.Axis)
		}
	}
	return nil
}

// along returns the extent of a member's axis and the elements of each of its positions.
func (s *store) along(m supernet.Member) (extent, inner int) {
	axis, shape := m.Axis, s.params[m.Param].Shape
	if s.turned[m.Param] {
		axis = 1 - axis
	}
	return shape[axis], shape[axis+1:].Count()
}

func (s *store) importance(g supernet.Group) []float64 {
	reads := slices.ContainsFunc(g.Of, func(m supernet.Member) bool { return m.Reads })
	out := make([]float64, g.Size)
	for _, m := range g.Of {
		p := s.params[m.Param]
		if m.Reads != reads || len(p.Shape) < 2 {
			continue
		}
		n, inner := s.along(m)
		for i := range out {
			m.Positions(i, func(from, count int) {
				for o := 0; o < len(p.Value); o += n * inner {
					for _, v := range p.Value[o+from*inner : o+(from+count)*inner] {
						out[i] += math.Abs(float64(v))
					}
				}
			})
		}
	}
	return out
}

// reorder puts position order[i] of the group at position i, in every member.
func (s *store) reorder(g supernet.Group, order []int) {
	for _, m := range g.Of {
		p := s.params[m.Param]
		n, inner := s.along(m)
		old := slices.Clone(p.Value)
		for i, at := range order {
			var from []int
			m.Positions(at, func(f, _ int) { from = append(from, f) })
			k := 0
			m.Positions(i, func(to, count int) {
				for o := 0; o < len(old); o += n * inner {
					copy(p.Value[o+to*inner:o+(to+count)*inner], old[o+from[k]*inner:])
				}
				k++
			})
		}
	}
}
