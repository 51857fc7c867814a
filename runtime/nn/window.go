package nn

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Window is a smaller window of an elastic kernel: how its taps follow from those of the whole window.
//
// Without more, they are those in the middle. A tuned SuperNet may have a matrix for it, its kernel transform: every tap is a linear function
// of all taps of the whole window, the same for all channels. Once-for-all (Cai et al. 2020, section 3.3) transforms the middle of the next
// larger window; a chain of such steps is one of these matrices, too.
type Window struct {
	Name   string // of the tensor in the weights: the kernel's, and the window's extents, such as "conv.weight.kernel3x3"
	Shared string // the same of the initializer that stores the kernel; weights that have no Name may have it
	Taps   []int  // positions in the whole window that are kept without a transform, row by row
	All    int    // taps of the whole window
}

// Window returns the window that p keeps of a kernel [out, in, window...]; ok is false where it keeps whole ones.
func (p Param) Window() (w Window, ok bool) {
	cut := func(k Pick) bool { return k.Len() < k.Full() }
	if len(p.Grids) > 0 || len(p.Picks) < 3 || !slices.ContainsFunc(p.Picks[2:], cut) {
		return Window{}, false
	}
	w = Window{Taps: []int{0}, All: 1}
	var extents []string
	for axis, n := range p.Shape {
		if axis < 2 {
			continue
		}
		kept := p.Kept(axis)
		next := make([]int, 0, len(w.Taps)*len(kept))
		for _, base := range w.Taps {
			for _, i := range kept {
				next = append(next, base*n+i)
			}
		}
		w.Taps, w.All = next, w.All*n
		extents = append(extents, fmt.Sprint(len(kept)))
	}
	suffix := ".kernel" + strings.Join(extents, "x")
	w.Name, w.Shared = p.Name+suffix, p.Source()+suffix
	return w, true
}

// Middle is the transform that keeps the window's own taps: a matrix [len(Taps), All].
func (w Window) Middle() Tensor {
	m := make([]float32, len(w.Taps)*w.All)
	for i, at := range w.Taps {
		m[i*w.All+at] = 1
	}
	return FromFloat32s(Shape{len(w.Taps), w.All}, m)
}

// Transform returns the kernel transform that weights have for p's window; ok is false where they have none.
func Transform(from Weights, p Param) (m Tensor, ok bool, err error) {
	w, ok := p.Window()
	if !ok {
		return Tensor{}, false, nil
	}
	var none NoTensorError
	m, err = from.Tensor(w.Name)
	if errors.As(err, &none) && w.Shared != w.Name {
		m, err = from.Tensor(w.Shared)
	}
	if errors.As(err, &none) {
		return Tensor{}, false, nil
	}
	if err != nil {
		return Tensor{}, false, err
	}
	if want := (Shape{len(w.Taps), w.All}); m.Type != Float32 || !slices.Equal(m.Shape, want) {
		return m, false, fmt.Errorf("kernel transform %q has element type %d and shape %v, want 1 (float32) and %v", w.Name, m.Type, m.Shape, want)
	}
	return m, true, nil
}

// WholeWindow is p with the channels that it keeps and all taps of its window.
func (p Param) WholeWindow() Param {
	p.Picks = slices.Clone(p.Picks[:min(2, len(p.Picks))])
	return p
}

// windowed applies a kernel transform to the whole windows of t; extents are those of the smaller window.
func (t Tensor) windowed(m Tensor, extents Shape) Tensor {
	all, taps := m.Shape[1], m.Shape[0]
	s := slices.Concat(t.Shape[:2], extents)
	out := make([]float32, s.Count())
	Smaller(out, t.Float32s(), m.Float32s(), taps, all)
	return FromFloat32s(s, out)
}

// Smaller computes windows of so many taps from whole ones: every row of out is m times a row of windows.
func Smaller(out, windows, m []float32, taps, all int) {
	for r := range len(out) / taps {
		whole := windows[r*all : (r+1)*all]
		for i := range taps {
			sum := float32(0)
			for k, f := range m[i*all : (i+1)*all] {
				sum += f * whole[k]
			}
			out[r*taps+i] = sum
		}
	}
}
