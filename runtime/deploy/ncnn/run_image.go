package ncnn

import (
	"errors"
	"fmt"
	"math"
)

// tap is a position along an axis and its weight.
type tap struct {
	at     int
	weight float64
}

// interpTaps lists what Interp makes each position along an axis of: kind 1 is nearest, 2 linear. There is none of other kinds, nor a linear one of
// a single pixel, before which NCNN reads.
func interpTaps(kind, from, to, align int) [][]tap {
	if kind != 1 && (kind != 2 || from < 2 || align != 0 && to < 2) {
		return nil
	}
	scale := float64(from) / float64(to)
	if kind == 2 && align != 0 {
		scale = float64(from-1) / float64(to-1)
	}
	out := make([][]tap, to)
	for i := range out {
		if kind == 1 {
			out[i] = []tap{{min(int(float32(i)*(float32(from)/float32(to))), from-1), 1}}
			continue
		}
		x := (float64(i)+0.5)*scale - 0.5
		if align != 0 {
			x = float64(i) * scale
		}
		x = float64(float32(x))
		at := math.Floor(x)
		switch x -= at; {
		case at < 0:
			at, x = 0, 0
		case int(at) >= from-1:
			at, x = float64(from-2), 1
		}
		out[i] = []tap{{int(at), 1 - x}, {int(at) + 1, x}}
	}
	return out
}

func runInterp(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x, kind, align := in[0], l.int(0, 0), l.int(6, 0)
	if len(x.s) != 3 || l.int(3, 0) < 1 || l.int(4, 0) < 1 {
		return nil, fmt.Errorf("only images are read, to sizes that are given; this is %v to %d by %d", x.s, l.int(3, 0), l.int(4, 0))
	}
	y, err := r.alloc(x.s[0], l.int(3, 0), l.int(4, 0))
	if err != nil {
		return nil, err
	}
	rows, columns := interpTaps(kind, x.s[1], y.s[1], align), interpTaps(kind, x.s[2], y.s[2], align)
	switch {
	case x.s[1] == y.s[1] && x.s[2] == y.s[2]:
		return []tensor{x}, nil
	case rows == nil || columns == nil:
		return nil, fmt.Errorf("type %d of %v is not read", kind, x.s)
	}
	for i := range y.v {
		sum := 0.0
		for _, a := range rows[i/y.s[2]%y.s[1]] {
			for _, b := range columns[i%y.s[2]] {
				sum += a.weight * b.weight * float64(x.v[(i/(y.s[1]*y.s[2])*x.s[1]+a.at)*x.s[2]+b.at])
			}
		}
		y.v[i] = float32(sum)
	}
	return []tensor{y}, nil
}

func runPadding(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x := in[0]
	if len(x.s) > 3 || l.int(6, 0) != 0 {
		return nil, fmt.Errorf("it cannot pad %v, or has a number for each channel", x.s)
	}
	before, s := make([]int, len(x.s)), make([]int, len(x.s))
	for k, ids := range [][2]int{{7, 8}, {0, 1}, {2, 3}}[3-len(x.s):] {
		a, b := l.int(ids[0], 0), l.int(ids[1], 0)
		if a < 0 || b < 0 || a > maxWindow || b > maxWindow || l.int(4, 0) == 2 && max(a, b) >= x.s[k] {
			return nil, fmt.Errorf("%d and %d cannot pad %d positions", a, b, x.s[k])
		}
		before[k], s[k] = a, a+x.s[k]+b
	}
	y, err := r.alloc(s...)
	if err != nil {
		return nil, err
	}
	index := make([]int, len(s))
	for i := range y.v {
		from, inside := padded(index, before, x.s, l.int(4, 0))
		if y.v[i] = l.float(5, 0); inside {
			y.v[i] = x.v[from]
		}
		advance(index, s)
	}
	return []tensor{y}, nil
}

// padded is the element of a tensor of shape s that stands at an index of what it is padded to, by type 0 (constant), 1 (edge) or 2 (reflect).
func padded(index, before, s []int, kind int) (at int, inside bool) {
	for k, n := range s {
		i := index[k] - before[k]
		switch {
		case i >= 0 && i < n:
		case kind == 1:
			i = min(max(i, 0), n-1)
		case kind == 2 && i < 0:
			i = -i
		case kind == 2:
			i = 2*(n-1) - i
		default:
			return 0, false
		}
		at = at*n + i
	}
	return at, true
}

func runPixelShuffle(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x, f := in[0], l.int(0, 1)
	if len(x.s) != 3 || f < 1 || f > maxWindow || x.s[0]%(f*f) != 0 {
		return nil, fmt.Errorf("%v has no blocks of %d by %d", x.s, f, f)
	}
	c := x.s[0] / (f * f)
	y, err := r.alloc(c, x.s[1]*f, x.s[2]*f)
	if err != nil {
		return nil, err
	}
	index := make([]int, 3)
	for i := range y.v {
		inner, from := index[1]%f*f+index[2]%f, 0
		if from = index[0]*f*f + inner; l.int(1, 0) != 0 {
			from = inner*c + index[0]
		}
		y.v[i] = x.v[(from*x.s[1]+index[1]/f)*x.s[2]+index[2]/f]
		advance(index, y.s)
	}
	return []tensor{y}, nil
}

func runDeconv(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x, out := in[0], l.int(0, 0)
	h, w, groups := slides(l)
	right := l.int(18, 0)
	below := l.int(19, right)
	switch {
	case len(x.s) != 3 || l.int(20, 0) != 0 || !h.ok() || !w.ok() || right < 0 || below < 0 || right > maxWindow || below > maxWindow:
		return nil, fmt.Errorf("windows %v and %v cannot spread %v", h, w, x.s)
	case groups < 1 || out < 1 || x.s[0]%groups != 0 || out%groups != 0 || out*(x.s[0]/groups)*h.size*w.size != len(l.Weights[0].Data):
		return nil, fmt.Errorf("%d weights do not make %d from %d channels in %d groups", len(l.Weights[0].Data), out, x.s[0], groups)
	}
	y, err := r.alloc(out, h.spread(x.s[1], below), w.spread(x.s[2], right))
	if err == nil {
		err = r.spend(len(x.v), out/groups, h.size, w.size)
	}
	if err != nil {
		return nil, err
	}
	return []tensor{y}, deconvolve(l, x, y, h, w, groups)
}

// spread is how many positions n elements reach.
func (w window) spread(n, extra int) int {
	return (n-1)*w.stride + w.dilation*(w.size-1) + 1 + extra - w.before - w.after
}

// deconvolve adds every pixel of x, times the windows, to y.
func deconvolve(l *Layer, x, y tensor, h, w window, groups int) error {
	in, out := x.s[0]/groups, y.s[0]/groups
	sums := make([]float64, len(y.v))
	if len(l.Weights) > 1 {
		for i := range sums {
			sums[i] = float64(l.Weights[1].Data[i/(y.s[1]*y.s[2])])
		}
	}
	index := make([]int, 3)
	for _, v := range x.v {
		for o := range out {
			c := index[0]/in*out + o
			for a := range h.size {
				row := index[1]*h.stride + a*h.dilation - h.before
				for b := range w.size {
					col := index[2]*w.stride + b*w.dilation - w.before
					if row >= 0 && row < y.s[1] && col >= 0 && col < y.s[2] {
						sums[(c*y.s[1]+row)*y.s[2]+col] += float64(v) * float64(l.Weights[0].Data[((c*in+index[0]%in)*h.size+a)*w.size+b])
					}
				}
			}
		}
		advance(index, x.s)
	}
	for i, v := range sums {
		y.v[i] = float32(v)
	}
	return activate(l, y.v)
}

func runInstanceNorm(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x := in[0]
	y, err := r.alloc(x.s...)
	switch {
	case err != nil:
		return nil, err
	case len(x.s) != 3 || len(l.Weights) > 0 && len(l.Weights[0].Data) != x.s[0]:
		return nil, fmt.Errorf("its parameters do not fit the shape %v", x.s)
	}
	size := x.s[1] * x.s[2]
	for c := range x.s[0] {
		from := x.v[c*size : (c+1)*size]
		mean, scale := moments(from, l.float(1, 1e-3))
		bias := 0.0
		if len(l.Weights) > 0 {
			scale, bias = scale*float64(l.Weights[0].Data[c]), float64(l.Weights[1].Data[c])
		}
		for i, v := range from {
			y.v[c*size+i] = float32((float64(v)-mean)*scale + bias)
		}
	}
	return []tensor{y}, nil
}

func slopeWeights(l *Layer) []array { return []array{{n: l.int(0, 0)}} }

func runPReLU(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x, slopes := in[0], l.Weights[0].Data
	if len(slopes) != 1 && len(slopes) != x.s[0] || len(slopes) == 0 {
		return nil, errors.New("it has neither one slope nor one for each channel")
	}
	y, err := r.alloc(x.s...)
	if err != nil {
		return nil, err
	}
	inner := len(x.v) / len(slopes)
	for i, v := range x.v {
		if y.v[i] = v; v < 0 {
			y.v[i] *= slopes[i/inner]
		}
	}
	return []tensor{y}, nil
}
