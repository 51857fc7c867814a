package kernel

import "slices"

// Softmax normalises the middle axis of [outer, n, inner].
func (u *ISA) Softmax(t *Team, z, x []float32, outer, n, inner int) {
	t.Split(outer, 8*len(z), func(lo, hi int) {
		if inner == 1 {
			u.softmaxRows(z[lo*n:hi*n], x[lo*n:hi*n], n)
			return
		}
		for o := lo; o < hi; o++ {
			for i := range inner {
				softmaxLine(z[o*n*inner+i:], x[o*n*inner+i:], n, inner)
			}
		}
	})
}

// softmaxRows normalises rows of n elements, some at a time, so many that they are whole vectors. Where an exponential would be 0 it is the least number.
func (u *ISA) softmaxRows(z, x []float32, n int) {
	if n == 0 {
		return
	}
	exp := u.exp.fixed()
	step := max(1, 4096/(n*u.width)) * n * u.width
	for from := 0; from < len(x); from += step {
		x, z := x[from:min(from+step, len(x))], z[from:min(from+step, len(x))]
		for r := 0; r < len(x); r += n {
			row, top := z[r:r+n], slices.Max(x[r:r+n])
			for i, v := range x[r : r+n] {
				row[i] = v - top
			}
		}
		exp.whole(u.width, z, z, 0, 0)
		for r := 0; r < len(x); r += n {
			var sum float32
			for _, e := range z[r : r+n] {
				sum += e
			}
			scaleRow(z[r:r+n], 1/sum)
		}
	}
}

func softmaxLine(z, x []float32, n, stride int) {
	top := x[0]
	for i := 1; i < n; i++ {
		top = max(top, x[i*stride])
	}
	var sum float32
	for i := range n {
		e := Exp(x[i*stride] - top)
		z[i*stride] = e
		sum += e
	}
	inv := 1 / sum
	for i := range n {
		z[i*stride] *= inv
	}
}

// Reducer sums or maximises over some axes.
type Reducer struct {
	isa        *ISA
	kept, gone []int // offsets of the results' first elements, and of the elements that each gathers
	row        int   // contiguous results
	scale      float32
	max        bool
}

// NewReducer prepares a reduction of a tensor of the given shape over axes: their sum times scale, or their maximum.
func (u *ISA) NewReducer(shape []int, gone []bool, scale float32, maximum bool) *Reducer {
	r := &Reducer{isa: u, kept: []int{0}, gone: []int{0}, row: 1, scale: scale, max: maximum}
	s := Dense(shape)
	last := len(shape)
	for last > 0 && !gone[last-1] {
		last--
		r.row *= shape[last]
	}
	for i := range last {
		to := &r.kept
		if gone[i] {
			to = &r.gone
		}
		var next []int
		for _, base := range *to {
			for j := range shape[i] {
				next = append(next, base+j*s.Strides[i])
			}
		}
		*to = next
	}
	return r
}

// Run reduces x into y.
func (r *Reducer) Run(t *Team, x, y []float32) {
	combine, scalar := r.isa.add, addGo
	if r.max {
		combine, scalar = r.isa.max, maxGo
	}
	t.Split(len(r.kept), len(x), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			out, from := y[i*r.row:(i+1)*r.row], x[r.kept[i]:]
			copy(out, from)
			for _, o := range r.gone[1:] {
				if r.row == 1 {
					out[0] = r.pair(out[0], from[o])
				} else {
					r.isa.vectorRow(combine, scalar, out, out, from[o:])
				}
			}
			if !r.max {
				scaleRow(out, r.scale)
			}
		}
	})
}

func (r *Reducer) pair(a, b float32) float32 {
	if r.max {
		return max(a, b)
	}
	return a + b
}
