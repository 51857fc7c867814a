package autodiff

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// part is what a network uses of a tensor as it is stored: runs of neighbouring elements.
type part struct {
	starts []int32 // of the runs, nil for the whole tensor
	run    int
}

// partOf returns what p keeps of a tensor of its shape, which is not interpolated.
func partOf(p *nn.Param) part {
	kept := p.Picked()
	if !p.Transposed && slices.Equal(kept, p.Shape) {
		return part{}
	}
	steps := strides(p.Shape, p.Transposed)
	s, a := part{run: 1}, len(kept)-1
	for ; a >= 0 && steps[a] == s.run && kept[a] == p.Shape[a]; a-- {
		s.run *= kept[a]
	}
	first := 0
	if a >= 0 && steps[a] == s.run {
		if list := p.Kept(a); list[len(list)-1]-list[0] == len(list)-1 {
			first = list[0] * s.run
			s.run *= len(list)
			a--
		}
	}
	s.starts = []int32{int32(first)}
	for b := range a + 1 {
		list := p.Kept(b)
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

// add adds the gradient with respect to the part to the gradient with respect to a tensor.
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
