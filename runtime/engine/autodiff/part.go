package autodiff

import "github.com/autotailor/autotailor/runtime/nn"

// part is what a network uses of a tensor as it is stored: runs of neighbouring elements.
type part struct {
	starts []int32 // of the runs, nil for the whole tensor
	run    int
}

// partOf returns what p keeps of a tensor of the given shape.
func partOf(p *nn.Param, stored nn.Shape) part {
	kept, whole := make([]int, len(stored)), !p.Transposed
	for a, n := range stored {
		if kept[a] = n; a < len(p.Picks) && p.Picks[a].Full() > 0 {
			kept[a] = p.Picks[a].Len()
		}
		whole = whole && kept[a] == n
	}
	if whole {
		return part{}
	}
	steps := strides(stored, p.Transposed)
	s, a := part{run: 1}, len(stored)-1
	for ; a >= 0 && steps[a] == s.run && kept[a] == stored[a]; a-- {
		s.run *= stored[a]
	}
	first := 0
	if a >= 0 && steps[a] == s.run {
		if list := positions(p, a, stored[a]); list[len(list)-1]-list[0] == len(list)-1 {
			first = list[0] * s.run
			s.run *= len(list)
			a--
		}
	}
	s.starts = []int32{int32(first)}
	for b := range a + 1 {
		list := positions(p, b, stored[b])
		next := make([]int32, 0, len(s.starts)*len(list))
		for _, base := range s.starts {
			for _, i := range list {
				next = append(next, base+int32(i*steps[b]))
			}
		}
		s.starts = next
	}
	return s
}

// strides are the distances of neighbours along the axes of a tensor, which may be stored with its axes in reverse order.
func strides(stored nn.Shape, reversed bool) []int {
	out := make([]int, len(stored))
	step := 1
	for i := range stored {
		a := len(stored) - 1 - i
		if reversed {
			a = i
		}
		out[a] = step
		step *= stored[a]
	}
	return out
}

// positions lists those that p keeps of an axis.
func positions(p *nn.Param, axis, n int) []int {
	if axis < len(p.Picks) && p.Picks[axis].Full() > 0 {
		return p.Picks[axis].Indices()
	}
	return plain(n)
}

// read takes the part from a tensor.
func (s part) read(to, from []float32) {
	if s.starts == nil {
		copy(to, from)
		return
	}
	if s.run == 1 {
		for i, k := range s.starts {
			to[i] = from[k]
		}
		return
	}
	for i, k := range s.starts {
		copy(to[i*s.run:(i+1)*s.run], from[k:])
	}
}

// add adds derivatives by the part to those by a tensor.
func (s part) add(to, grad []float32) {
	if s.starts == nil {
		addTo(to, grad)
		return
	}
	for i, k := range s.starts {
		addTo(to[k:int(k)+s.run], grad[i*s.run:(i+1)*s.run])
	}
}

func addTo(to, grad []float32) {
	for i, g := range grad {
		to[i] += g
	}
}
