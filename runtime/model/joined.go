package model

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
)

// joined has the fused operators of ONNX Runtime, computed as its documentation defines them. The compiler splits these operators in its own way, and is compared
// with this.
var joined = map[string]func(x *joining) error{
	"com.microsoft.FusedConv": (*joining).conv, "com.microsoft.FusedGemm": (*joining).gemm, "com.microsoft.FusedMatMul": (*joining).matMul,
	"com.microsoft.Gelu": elementwise(gelu), "com.microsoft.BiasGelu": elementwise(gelu), "com.microsoft.FastGelu": elementwise(fastGelu),
	"com.microsoft.QuickGelu":              (*joining).quickGelu,
	"com.microsoft.SkipLayerNormalization": (*joining).skipNorm, "com.microsoft.SkipSimplifiedLayerNormalization": (*joining).skipNorm,
	"SimplifiedLayerNormalization": (*joining).rootMeanSquare, "com.microsoft.EmbedLayerNormalization": (*joining).embed,
	"com.microsoft.Attention": (*joining).attention, "com.microsoft.MultiHeadAttention": (*joining).multiHead,
}

// joining is the state while one fused operator is computed.
type joining struct {
	*operation
	run     func(n nn.Node, in ...*value) (nn.Tensor, error) // a plain operator
	results []infer.Value
	out     []nn.Tensor
}

// join computes a fused operator.
func (x *machine) join(o *operation, results []infer.Value, f func(j *joining) error) ([]nn.Tensor, error) {
	for k, v := range o.in {
		if v != nil && v.Type != nn.Float32 && v.Type != nn.Int32 && v.Type != nn.Int64 {
			return nil, fmt.Errorf("operand %d has type %v; only float32 is supported", k, v.Type)
		}
	}
	j := &joining{operation: o, results: results, out: make([]nn.Tensor, len(results))}
	j.run = func(n nn.Node, in ...*value) (nn.Tensor, error) {
		out, _, err := x.operator(&operation{node: n, in: in}, 1)
		if err != nil {
			return nn.Tensor{}, err
		}
		return out[0], nil
	}
	if err := f(j); err != nil {
		return nil, err
	}
	for k := range j.out {
		if j.out[k].Type == 0 { // nobody reads it, or it is not computed here
			j.out = j.out[:k]
			break
		}
	}
	return j.out, nil
}

// yield sets result k to numbers.
func (j *joining) yield(k int, numbers []float32) {
	if k < len(j.out) {
		j.out[k] = nn.FromFloat32s(j.results[k].Shape, numbers)
	}
}

// operand is operand k, nil if it is left out.
func (j *joining) operand(k int) *value {
	if k < len(j.in) {
		return j.in[k]
	}
	return nil
}

// whole are the elements of operand k, which are whole numbers.
func (j *joining) whole(k int) []int {
	var out []int
	if v := j.operand(k); v != nil {
		for _, e := range v.Numbers() {
			out = append(out, int(e))
		}
	}
	return out
}

// plain is the node as another operator. It has the node's attributes, without those of the activation.
func (j *joining) plain(kind string) nn.Node {
	attrs := slices.DeleteFunc(slices.Clone(j.node.Attrs), func(a nn.Attr) bool {
		return slices.Contains([]string{"activation", "activation_params", "activation_alpha", "activation_beta", "activation_gamma"}, a.Name)
	})
	return nn.Node{Type: kind, Name: j.node.Name, Attrs: attrs}
}

// activationNumbers are the attributes of activations for which fused operators have a list of numbers.
var activationNumbers = map[string][]string{
	"LeakyRelu": {"alpha"}, "Clip": {"min", "max"}, "HardSigmoid": {"alpha", "beta"}, "Elu": {"alpha"}, "ThresholdedRelu": {"alpha"},
}

// activated applies the activation that the node names.
func (j *joining) activated(t nn.Tensor, number func(k int) float32) (nn.Tensor, error) {
	kind := j.node.Text("activation", "")
	if kind == "" {
		return t, nil
	}
	n := nn.Node{Type: kind, Name: j.node.Name}
	for k, name := range activationNumbers[kind] {
		n.Attrs = append(n.Attrs, nn.Attr{Name: name, Kind: nn.AttrFloat, Float: number(k)})
	}
	return j.run(n, &value{Tensor: t})
}

// conv is a convolution, to which a map may be added before an activation.
func (j *joining) conv() error {
	in := slices.Clone(j.in[:min(3, len(j.in))])
	y, err := j.run(j.plain("Conv"), in...)
	if err != nil {
		return err
	}
	if z := j.operand(3); z != nil {
		sum := y.Float32s()
		for i, v := range z.Float32s() {
			sum[i] += v
		}
		y = nn.FromFloat32s(y.Shape, sum)
	}
	params, _ := j.node.Attr("activation_params")
	y, err = j.activated(y, func(k int) float32 {
		if k < len(params.Floats) {
			return params.Floats[k]
		}
		return float32(math.NaN())
	})
	j.out[0] = y
	return err
}

// gemm is a product of matrices, before an activation.
func (j *joining) gemm() error {
	a, as := j.floats(0)
	b, bs := j.floats(1)
	s := j.results[0].Shape
	stepA, stepB := [2]int{as[1], 1}, [2]int{bs[1], 1}
	inner := as[1]
	if j.node.Int("transA", 0) != 0 {
		stepA, inner = [2]int{1, as[1]}, as[0]
	}
	if j.node.Int("transB", 0) != 0 {
		stepB = [2]int{1, bs[1]}
	}
	c, cs := j.floats(2)
	alpha, beta := float64(j.node.Float("alpha", 1)), float64(j.node.Float("beta", 1))
	out := make([]float32, s.Count())
	for i := range out {
		row, column, sum := i/s[1], i%s[1], 0.0
		for k := range inner {
			sum += float64(a[row*stepA[0]+k*stepA[1]]) * float64(b[k*stepB[0]+column*stepB[1]])
		}
		sum *= alpha
		if c != nil {
			at := 0
			for axis, e := range cs {
				at = at*e + min([]int{row, column}[2-len(cs)+axis], e-1)
			}
			sum += beta * float64(c[at])
		}
		out[i] = float32(sum)
	}
	y, err := j.activated(nn.FromFloat32s(s, out), func(k int) float32 {
		return j.node.Float([]string{"activation_alpha", "activation_beta"}[min(k, 1)], 0)
	})
	j.out[0] = y
	return err
}

// matMul is a product of matrices, which may be transposed, times a factor.
func (j *joining) matMul() error {
	if j.node.Int("transBatchA", 0) != 0 || j.node.Int("transBatchB", 0) != 0 {
		return errors.New("matrices with transposed batches are not supported")
	}
	var in [2]*value
	for k, name := range []string{"transA", "transB"} {
		in[k] = j.in[k]
		if v, s := j.floats(k); j.node.Int(name, 0) != 0 && len(s) > 1 {
			turned, rows, columns := make([]float32, len(v)), s[len(s)-2], s[len(s)-1]
			for i, e := range v {
				m, r, c := i/(rows*columns), i/columns%rows, i%columns
				turned[m*rows*columns+c*rows+r] = e
			}
			to := slices.Clone(s)
			to[len(s)-2], to[len(s)-1] = columns, rows
			in[k] = &value{Tensor: nn.FromFloat32s(to, turned), fixed: j.in[k].fixed}
		}
	}
	y, err := j.run(nn.Node{Type: "MatMul", Name: j.node.Name}, in[:]...)
	if err != nil {
		return err
	}
	numbers := y.Float32s()
	for i := range numbers {
		numbers[i] *= j.node.Float("alpha", 1)
	}
	j.out[0] = nn.FromFloat32s(y.Shape, numbers)
	return nil
}

func gelu(v float64) float64 { return v * 0.5 * (1 + math.Erf(v/math.Sqrt2)) }

func fastGelu(v float64) float64 {
	return 0.5 * v * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v)))
}

// elementwise is a function of the first operand, perhaps plus a bias along the last axis.
func elementwise(f func(v float64) float64) func(j *joining) error {
	return func(j *joining) error {
		x, _ := j.floats(0)
		bias, _ := j.floats(1)
		out := make([]float32, len(x))
		for i, v := range x {
			if bias != nil {
				v += bias[i%len(bias)]
			}
			out[i] = float32(f(float64(v)))
		}
		j.yield(0, out)
		return nil
	}
}

func (j *joining) quickGelu() error {
	alpha := float64(j.node.Float("alpha", 1.702))
	return elementwise(func(v float64) float64 { return v / (1 + math.Exp(-alpha*v)) })(j)
}

// normalised are rows along the last axis, minus their mean (unless the mean is kept), divided by their deviation, times gamma, plus beta.
func (j *joining) normalised(x []float32, width int, gamma, beta []float32, centred bool) []float32 {
	epsilon := float64(j.node.Float("epsilon", 1e-5))
	out := make([]float32, len(x))
	for from := 0; from < len(x); from += width {
		row := x[from : from+width]
		mean, square := 0.0, 0.0
		for _, v := range row {
			if centred {
				mean += float64(v) / float64(width)
			}
		}
		for _, v := range row {
			square += (float64(v) - mean) * (float64(v) - mean) / float64(width)
		}
		for i, v := range row {
			y := (float64(v) - mean) / math.Sqrt(square+epsilon) * float64(gamma[i])
			if beta != nil {
				y += float64(beta[i])
			}
			out[from+i] = float32(y)
		}
	}
	return out
}

// skipNorm adds two operands and normalises the sum, which may be its fourth result.
func (j *joining) skipNorm() error {
	x, s := j.floats(0)
	skip, _ := j.floats(1)
	gamma, _ := j.floats(2)
	centred, biasAt := j.node.Type == "SkipLayerNormalization", 3
	var beta []float32
	if centred {
		beta, _ = j.floats(3)
		biasAt = 4
	}
	bias, _ := j.floats(biasAt)
	if len(skip) == 0 || len(gamma) != s[len(s)-1] {
		return fmt.Errorf("its operand has the shape %v, its scale %d elements", s, len(gamma))
	}
	sum := make([]float32, len(x))
	for i, v := range x {
		sum[i] = v + skip[i%len(skip)]
		if bias != nil {
			sum[i] += bias[i%len(bias)]
		}
	}
	j.yield(0, j.normalised(sum, len(gamma), gamma, beta, centred))
	if len(j.out) > 3 {
		for k := 1; k < 3; k++ { // means and deviations, which only training reads
			j.out[k] = nn.FromFloat32s(nn.Shape{0}, nil)
		}
		j.yield(3, sum)
	}
	return nil
}

func (j *joining) rootMeanSquare() error {
	x, s := j.floats(0)
	gamma, _ := j.floats(1)
	if axis := j.node.Int("axis", -1); axis != -1 && axis != int64(len(s)-1) || len(gamma) != s[len(s)-1] {
		return fmt.Errorf("its operand has the shape %v, its scale %d elements", s, len(gamma))
	}
	j.yield(0, j.normalised(x, len(gamma), gamma, nil, false))
	return nil
}

// embed adds up rows of tables of words, positions and segments, and normalises the sum.
func (j *joining) embed() error {
	ids, segments, positions := j.whole(0), j.whole(1), j.whole(8)
	words, ws := j.floats(2)
	places, _ := j.floats(3)
	kinds, _ := j.floats(4)
	gamma, _ := j.floats(5)
	beta, _ := j.floats(6)
	s := j.results[0].Shape
	if len(s) != 3 || len(ids) != s[0]*s[1] {
		return errors.New("its tokens are not known")
	}
	width := ws[1]
	sum := make([]float32, s.Count())
	for t, id := range ids {
		at := t % s[1]
		if positions != nil {
			at = positions[t%len(positions)]
		}
		for k := range width {
			v := words[id*width+k] + places[at*width+k]
			if kinds != nil && segments != nil {
				v += kinds[segments[t]*width+k]
			}
			sum[t*width+k] = v
		}
	}
	j.yield(0, j.normalised(sum, width, gamma, beta, true))
	if len(j.out) > 1 {
		j.out[1] = tokenCounts(j.whole(7), s[0], s[1])
	}
	if len(j.out) > 2 {
		j.yield(2, sum)
	}
	return nil
}

// tokenCounts are the tokens of each text that a mask leaves: none where there is no mask.
func tokenCounts(mask []int, texts, tokens int) nn.Tensor {
	var raw []byte
	for t := range texts {
		n := 0
		for k := range tokens {
			if mask != nil {
				n += mask[t*tokens+k]
			}
		}
		raw = binary.LittleEndian.AppendUint32(raw, uint32(n))
	}
	return nn.Tensor{Type: nn.Int32, Shape: nn.Shape{texts}, Raw: raw}
}

// joinedOf returns the function that computes a fused operator, nil for any other operator.
func joinedOf(n *nn.Node) func(j *joining) error {
	return joined[operators.Qualified(n.Domain, n.Type)]
}
