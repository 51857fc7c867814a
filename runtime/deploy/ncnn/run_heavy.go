package ncnn

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

func convWeights(l *Layer) []array { return biased(l.int(6, 0), l.int(0, 0), l.int(5, 0)) }

func linearWeights(l *Layer) []array { return biased(l.int(2, 0), l.int(0, 0), l.int(1, 0)) }

func biased(weights, out, bias int) []array {
	list := []array{{weights, true}}
	if bias != 0 {
		list = append(list, array{n: out})
	}
	return list
}

// window is the geometry of a convolution or pooling along one axis.
type window struct{ size, dilation, stride, before, after int }

// out is the number of positions over n elements.
func (w window) out(n int) int {
	extent := w.dilation*(w.size-1) + 1
	if n+w.before+w.after < extent {
		return 0
	}
	return (n+w.before+w.after-extent)/w.stride + 1
}

// maxWindow bounds the numbers of a window.
const maxWindow = 1 << 15

func (w window) ok() bool {
	for _, v := range []int{w.size, w.dilation, w.stride} {
		if v < 1 || v > maxWindow {
			return false
		}
	}
	return w.before >= 0 && w.before <= maxWindow && w.after >= 0 && w.after <= maxWindow
}

// same sets the padding of SAME_UPPER (-233) or SAME_LOWER (-234).
func (w *window) same(n int) {
	if w.before != -233 && w.before != -234 || w.stride < 1 {
		return
	}
	upper := w.before == -233
	total := max(0, w.dilation*(w.size-1)+1+(n-1)/w.stride*w.stride-n)
	w.before, w.after = total/2, total-total/2
	if !upper {
		w.before, w.after = w.after, w.before
	}
}

// slides reads the windows and groups of a convolution, transposed or not.
func slides(l *Layer) (h, w window, groups int) {
	kw, dw, sw, left := l.int(1, 0), l.int(2, 1), l.int(3, 1), l.int(4, 0)
	w = window{kw, dw, sw, left, l.int(15, left)}
	h = window{l.int(11, kw), l.int(12, dw), l.int(13, sw), l.int(14, left), 0}
	h.after = l.int(16, h.before)
	if !strings.HasSuffix(l.Type, "DepthWise") {
		return h, w, 1
	}
	return h, w, l.int(7, 1)
}

func runConv(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x, out := in[0], l.int(0, 0)
	if len(x.s) != 3 {
		return nil, fmt.Errorf("it cannot slide over the shape %v", x.s)
	}
	h, w, groups := slides(l)
	h.same(x.s[1])
	w.same(x.s[2])
	if groups < 1 || out < 1 || x.s[0]%groups != 0 || out%groups != 0 || !h.ok() || !w.ok() || out*(x.s[0]/groups)*h.size*w.size != len(l.Weights[0].Data) {
		return nil, fmt.Errorf("%d weights do not make %d from %d channels in %d groups with windows %v and %v", len(l.Weights[0].Data), out, x.s[0], groups, h, w)
	}
	y, err := r.alloc(out, h.out(x.s[1]), w.out(x.s[2]))
	if err == nil {
		err = r.spend(len(y.v), x.s[0]/groups, h.size, w.size)
	}
	if err != nil {
		return nil, err
	}
	for c := range out {
		for i := range y.s[1] {
			for j := range y.s[2] {
				y.v[(c*y.s[1]+i)*y.s[2]+j] = convolved(x, l.Weights, h, w, groups, out, c, i, j)
			}
		}
	}
	return []tensor{y}, activate(l, y.v)
}

// convolved is one element of a convolution.
func convolved(x tensor, weights []Weight, h, w window, groups, out, c, i, j int) float32 {
	each := x.s[0] / groups
	first := c / (out / groups) * each
	sum := 0.0
	if len(weights) > 1 {
		sum = float64(weights[1].Data[c])
	}
	for k := range each {
		for a := range h.size {
			row := i*h.stride - h.before + a*h.dilation
			if row < 0 || row >= x.s[1] {
				continue
			}
			for b := range w.size {
				if col := j*w.stride - w.before + b*w.dilation; col >= 0 && col < x.s[2] {
					sum += float64(x.v[((first+k)*x.s[1]+row)*x.s[2]+col]) * float64(weights[0].Data[((c*each+k)*h.size+a)*w.size+b])
				}
			}
		}
	}
	return float32(sum)
}

// activate applies the activation that is part of a layer.
func activate(l *Layer, v []float32) error {
	fused := map[int]string{1: "ReLU", 2: "ReLU", 3: "Clip", 4: "Sigmoid", 6: "HardSwish"}
	t := l.int(9, 0)
	if t == 0 {
		return nil
	}
	a := Layer{}
	for i, p := range l.floats(10) {
		a.Params = append(a.Params, float(i, p))
	}
	f := map[string]func(*Layer, float64) float64{"ReLU": relu, "Clip": clip, "Sigmoid": sigmoid, "HardSwish": hardSwish}[fused[t]]
	if f == nil {
		return fmt.Errorf("there is no activation %d", t)
	}
	for i, x := range v {
		v[i] = float32(f(&a, float64(x)))
	}
	return nil
}

func runLinear(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x, out := in[0], l.int(0, 0)
	if len(x.s) > 2 || out < 1 || len(l.Weights[0].Data) != out*x.s[len(x.s)-1] {
		return nil, fmt.Errorf("%d weights do not make %d features from the shape %v", len(l.Weights[0].Data), out, x.s)
	}
	s := append(append([]int(nil), x.s[:len(x.s)-1]...), out)
	y, err := r.alloc(s...)
	if err == nil {
		err = r.spend(len(x.v), out)
	}
	if err != nil {
		return nil, err
	}
	affine(y.v, x.v, l.Weights, x.s[len(x.s)-1])
	return []tensor{y}, activate(l, y.v)
}

// affine multiplies rows of n elements with a matrix of as many columns and adds the bias, if there is one.
func affine(y, x []float32, weights []Weight, n int) {
	w := weights[0].Data
	out := len(w) / n
	for i := range y {
		row, col := i/out, i%out
		sum := 0.0
		if len(weights) > 1 {
			sum = float64(weights[1].Data[col])
		}
		for k := range n {
			sum += float64(x[row*n+k]) * float64(w[col*n+k])
		}
		y[i] = float32(sum)
	}
}

func runMatMul(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	a, b, turned := in[0], in[1], l.int(0, 0) != 0
	if len(a.s) != len(b.s) || len(a.s) != 2 && len(a.s) != 3 || len(a.s) == 3 && a.s[0] != b.s[0] {
		return nil, fmt.Errorf("the shapes %v and %v cannot be multiplied", a.s, b.s)
	}
	k, m := len(a.s), 1
	if k == 3 {
		m = a.s[0]
	}
	rows, inner, cols := a.s[k-2], a.s[k-1], b.s[k-1]
	if turned {
		cols = b.s[k-2]
	}
	if len(b.v) != m*inner*cols || turned && b.s[k-1] != inner || !turned && b.s[k-2] != inner {
		return nil, fmt.Errorf("the shapes %v and %v cannot be multiplied", a.s, b.s)
	}
	y, err := r.alloc(append(append([]int(nil), a.s[:k-1]...), cols)...)
	if err == nil {
		err = r.spend(len(y.v), inner)
	}
	if err != nil {
		return nil, err
	}
	for i := range y.v {
		g, row, col := i/(rows*cols), i/cols%rows, i%cols
		sum := 0.0
		for p := range inner {
			at := (g*inner+p)*cols + col
			if turned {
				at = (g*cols+col)*inner + p
			}
			sum += float64(a.v[(g*rows+row)*inner+p]) * float64(b.v[at])
		}
		y.v[i] = float32(sum)
	}
	return []tensor{y}, nil
}

func runSDPA(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	masked := l.int(5, 0) != 0
	if len(in) != 3 && !(masked && len(in) == 4) || masked != (len(in) == 4) {
		return nil, errors.New("it wants query, key, value, and a mask where it says so")
	}
	for _, t := range in {
		if len(t.s) != 3 {
			return nil, fmt.Errorf("an operand has the shape %v", t.s)
		}
	}
	scores, err := runMatMul(r, &Layer{Params: []Param{integer(0, 1)}}, in[:2])
	if err != nil {
		return nil, err
	}
	scale := l.float(6, 0)
	if scale == 0 {
		scale = float32(1 / math.Sqrt(float64(in[0].s[2])))
	}
	s := scores[0]
	if masked && len(in[3].v) != len(s.v) {
		return nil, fmt.Errorf("a mask of the shape %v does not fit the scores %v", in[3].s, s.s)
	}
	for i := range s.v {
		s.v[i] *= scale
		if masked {
			s.v[i] += in[3].v[i]
		}
	}
	softmax(s.v, 1, s.s[2])
	return runMatMul(r, &Layer{}, []tensor{s, in[2]})
}

// attentionWeights: query, key, value and output, each with its bias.
func attentionWeights(l *Layer) []array {
	n, inner := l.int(2, 0), l.int(0, 0)
	if inner < 1 || n < 1 || n%inner != 0 || n > maxExtent || inner > maxWindow {
		return []array{{n: -1}}
	}
	q, k, v := n/inner, l.int(3, inner), l.int(4, inner)
	if k < 1 || v < 1 || k > maxWindow || v > maxWindow {
		return []array{{n: -1}}
	}
	return []array{{n, true}, {n: inner}, {k * inner, true}, {n: inner}, {v * inner, true}, {n: inner}, {n, true}, {n: q}}
}

// runAttention is self-attention over one operand of tokens.
func runAttention(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x, inner, heads := in[0], l.int(0, 0), l.int(1, 1)
	if len(x.s) != 2 || heads < 1 || inner%heads != 0 {
		return nil, fmt.Errorf("%d heads of %d features together cannot attend to the shape %v", heads, inner, x.s)
	}
	tokens, width := x.s[0], x.s[1]
	if l.int(2, 0) != inner*width || l.int(3, inner) != width || l.int(4, inner) != width || l.int(5, 0)+l.int(7, 0)+l.int(18, 0) != 0 {
		return nil, fmt.Errorf("its weights do not fit the shape %v, or it has a mask or cache", x.s)
	}
	if err := r.spend(tokens, inner, 4*(width+tokens)); err != nil {
		return nil, err
	}
	dim := inner / heads
	var parts [3]tensor // [heads, tokens, dim]
	for k := range parts {
		flat := make([]float32, tokens*inner)
		affine(flat, x.v, l.Weights[2*k:2*k+2], width)
		parts[k] = turn(tensor{[]int{tokens, heads, dim}, flat}, []int{1, 0, 2})
	}
	scale := l.float(6, float32(1/math.Sqrt(float64(dim))))
	y, err := runSDPA(r, &Layer{Params: []Param{float(6, scale)}}, parts[:])
	if err != nil {
		return nil, err
	}
	out := zeros(tokens, width)
	affine(out.v, turn(y[0], []int{1, 0, 2}).v, l.Weights[6:8], inner)
	return []tensor{out}, nil
}
