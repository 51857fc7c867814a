package ncnn

import (
	"fmt"
	"math"
)

// elementwise makes a layer of a function of one element.
func elementwise(f func(l *Layer, x float64) float64) func(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	return func(r *runner, l *Layer, in []tensor) ([]tensor, error) {
		y, err := r.alloc(in[0].s...)
		if err != nil {
			return nil, err
		}
		for i, x := range in[0].v {
			y.v[i] = float32(f(l, float64(x)))
		}
		return []tensor{y}, nil
	}
}

func relu(l *Layer, x float64) float64 {
	if x < 0 {
		return x * float64(l.float(0, 0))
	}
	return x
}

func clip(l *Layer, x float64) float64 {
	return min(max(x, float64(l.float(0, -math.MaxFloat32))), float64(l.float(1, math.MaxFloat32)))
}

func sigmoid(_ *Layer, x float64) float64 { return 1 / (1 + math.Exp(-x)) }
func swish(_ *Layer, x float64) float64   { return x / (1 + math.Exp(-x)) }
func tanh(_ *Layer, x float64) float64    { return math.Tanh(x) }

func hardSigmoid(l *Layer, x float64) float64 {
	return min(1, max(0, float64(l.float(0, 0.2))*x+float64(l.float(1, 0.5))))
}

func hardSwish(l *Layer, x float64) float64 { return x * hardSigmoid(l, x) }

func gelu(l *Layer, x float64) float64 {
	if l.int(0, 0) != 0 {
		return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	return 0.5 * x * math.Erfc(-x/math.Sqrt2)
}

// unaries has the functions of UnaryOp by number.
var unaries = map[int]func(float64) float64{
	0: math.Abs, 1: func(x float64) float64 { return -x }, 2: math.Floor, 3: math.Ceil, 4: func(x float64) float64 { return x * x },
	5: math.Sqrt, 6: func(x float64) float64 { return 1 / math.Sqrt(x) }, 7: math.Exp, 8: math.Log, 9: math.Sin, 10: math.Cos,
	15: func(x float64) float64 { return 1 / x },
}

func unary(l *Layer, x float64) float64 {
	if f := unaries[l.int(0, 0)]; f != nil {
		return f(x)
	}
	return math.NaN()
}

// binaries has the functions of BinaryOp by number.
var binaries = map[int]func(a, b float64) float64{
	0: func(a, b float64) float64 { return a + b }, 1: func(a, b float64) float64 { return a - b },
	2: func(a, b float64) float64 { return a * b }, 3: func(a, b float64) float64 { return a / b },
	4: math.Max, 5: math.Min, 6: math.Pow,
	7: func(a, b float64) float64 { return b - a }, 8: func(a, b float64) float64 { return b / a },
	9: func(a, b float64) float64 { return math.Pow(b, a) },
}

// runBinary spreads operands as NCNN does: one of fewer axes lies along the first axes of the other.
func runBinary(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	f := binaries[l.int(0, 0)]
	if f == nil {
		return nil, fmt.Errorf("there is no function %d", l.int(0, 0))
	}
	a, b := in[0], tensor{[]int{1}, []float32{l.float(2, 0)}}
	switch {
	case l.int(1, 0) != 0 && len(in) == 1:
	case l.int(1, 0) == 0 && len(in) == 2:
		b = in[1]
	default:
		return nil, fmt.Errorf("it cannot have %d operands", len(in))
	}
	s := make([]int, max(len(a.s), len(b.s)))
	for i := range s {
		x, y := at(a.s, i), at(b.s, i)
		if x != y && x != 1 && y != 1 {
			return nil, fmt.Errorf("the shapes %v and %v do not fit each other", a.s, b.s)
		}
		s[i] = max(x, y)
	}
	y, err := r.alloc(s...)
	if err != nil {
		return nil, err
	}
	index := make([]int, len(s))
	for i := range y.v {
		y.v[i] = float32(f(float64(a.v[spread(a.s, index)]), float64(b.v[spread(b.s, index)])))
		advance(index, s)
	}
	return []tensor{y}, nil
}

// at is the extent of an axis, 1 beyond the last.
func at(s []int, axis int) int {
	if axis < len(s) {
		return s[axis]
	}
	return 1
}

// spread is the position in a tensor of shape s of an index into a larger shape.
func spread(s, index []int) int {
	p := 0
	for axis, n := range s {
		p *= n
		if n > 1 {
			p += index[axis]
		}
	}
	return p
}

// advance steps to the next index of a shape.
func advance(index, s []int) {
	for axis := len(s) - 1; axis >= 0; axis-- {
		if index[axis]++; index[axis] < s[axis] {
			return
		}
		index[axis] = 0
	}
}

func normWeights(l *Layer) []array {
	n := l.int(0, 0)
	return []array{{n: n}, {n: n}, {n: n}, {n: n}}
}

func runBatchNorm(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x := in[0]
	y, err := r.alloc(x.s...)
	if err != nil || len(l.Weights[0].Data) != x.s[0] {
		return nil, fmt.Errorf("parameters of %d channels do not fit the shape %v", len(l.Weights[0].Data), x.s)
	}
	inner := len(x.v) / x.s[0]
	for i, v := range x.v {
		c := i / inner
		w := func(k int) float64 { return float64(l.Weights[k].Data[c]) }
		y.v[i] = float32((float64(v)-w(1))/math.Sqrt(w(2)+float64(l.float(1, 0)))*w(0) + w(3))
	}
	return []tensor{y}, nil
}

// layerWeights are a scale and a bias, of a LayerNorm or an InstanceNorm.
func layerWeights(l *Layer) []array {
	if l.int(2, 1) == 0 {
		return nil
	}
	return []array{{n: l.int(0, 0)}, {n: l.int(0, 0)}}
}

func runLayerNorm(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x, n := in[0], l.int(0, 0)
	y, err := r.alloc(x.s...)
	if err != nil || n != x.s[len(x.s)-1] {
		return nil, fmt.Errorf("a normalisation of %d elements does not fit the shape %v", n, x.s)
	}
	for from := 0; from < len(x.v); from += n {
		row := x.v[from : from+n]
		mean, s := moments(row, l.float(1, 1e-3))
		for i, v := range row {
			y.v[from+i] = float32((float64(v) - mean) * s)
			if len(l.Weights) > 0 {
				y.v[from+i] = float32((float64(v)-mean)*s*float64(l.Weights[0].Data[i]) + float64(l.Weights[1].Data[i]))
			}
		}
	}
	return []tensor{y}, nil
}

// moments returns the mean of elements and the reciprocal of their standard deviation, of which epsilon is a part.
func moments(v []float32, epsilon float32) (mean, scale float64) {
	square, n := 0.0, float64(len(v))
	for _, x := range v {
		mean += float64(x) / n
	}
	for _, x := range v {
		square += (float64(x) - mean) * (float64(x) - mean) / n
	}
	return mean, 1 / math.Sqrt(square+float64(epsilon))
}

func runSoftmax(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x, axis := in[0], l.int(0, 0)
	if axis < 0 {
		axis += len(x.s)
	}
	y, err := r.alloc(x.s...)
	if err != nil || axis < 0 || axis >= len(x.s) || axis > 0 && l.int(1, 0) == 0 {
		return nil, fmt.Errorf("the shape %v has no axis %d, or parameter 1 is missing", x.s, axis)
	}
	copy(y.v, x.v)
	softmax(y.v, count(x.s[axis+1:]), x.s[axis])
	return []tensor{y}, nil
}

// softmax normalises runs of n elements, each inner after the one before.
func softmax(v []float32, inner, n int) {
	for i := range len(v) / n {
		from := i/inner*inner*n + i%inner
		top, sum := math.Inf(-1), 0.0
		for k := range n {
			top = max(top, float64(v[from+k*inner]))
		}
		for k := range n {
			sum += math.Exp(float64(v[from+k*inner]) - top)
		}
		for k := range n {
			v[from+k*inner] = float32(math.Exp(float64(v[from+k*inner])-top) / sum)
		}
	}
}
