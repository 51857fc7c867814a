package conform

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// einsum is an operator by its equation.
func (z *zoo) einsum(equation string, s nn.Shape, in ...nn.Value) nn.Value {
	return z.op("Einsum", s, []nn.Attr{stringAttr("equation", equation)}, in...)
}

// einsumArchitectures write their products as equations.
var einsumArchitectures = map[string]func(z *zoo){
	"attention by Einsum": func(z *zoo) {
		const width, heads, tokens = 32, 4, 16
		x := z.tokens(width)
		for range 3 {
			y := z.norm(x, width)
			split := func() nn.Value {
				return z.Transpose(z.Reshape(z.linear(y, width, width), nn.Shape{nn.Batch, tokens, heads, width / heads}), 0, 2, 1, 3)
			}
			q, k, v := split(), split(), split()
			scores := z.einsum("b h i d, b h j d -> b h i j", nn.Shape{nn.Batch, heads, tokens, tokens}, q, k)
			y = z.einsum("b h i j, b h j d -> b h i d", nn.Shape{nn.Batch, heads, tokens, width / heads}, z.Softmax(scores, -1), v)
			x = z.Add(x, z.linear(z.Reshape(z.Transpose(y, 0, 2, 1, 3), nn.Shape{nn.Batch, tokens, width}), width, width))
			x = z.feedForward(x, width)
		}
		z.Output("logits", z.linear(z.Mean(x, false, 1), width, 10))
	},
	"attention with weights of heads": func(z *zoo) { // as of Keras
		const width, heads, each, tokens = 32, 4, 8, 16
		x := z.tokens(width)
		for range 3 {
			y := z.norm(x, width)
			project := func() nn.Value {
				w := z.Param(param(z.name("projection"), width, heads, each))
				return z.Add(z.einsum("abc,cde->abde", nn.Shape{nn.Batch, tokens, heads, each}, y, w), z.Param(param(z.name("bias"), heads, each)))
			}
			q, k, v := project(), project(), project()
			scores := z.einsum("aecd,abcd->acbe", nn.Shape{nn.Batch, heads, tokens, tokens}, k, q)
			y = z.einsum("acbe,aecd->abcd", nn.Shape{nn.Batch, tokens, heads, each}, z.Softmax(scores, -1), v)
			x = z.Add(x, z.einsum("abcd,cde->abe", nn.Shape{nn.Batch, tokens, width}, y, z.Param(param(z.name("output"), heads, each, width))))
			x = z.feedForward(x, width)
		}
		z.Output("logits", z.linear(z.Mean(x, false, 1), width, 10))
	},
	"relative positions by Einsum": func(z *zoo) {
		const width, side, tokens = 32, 4, 16
		x := z.tokens(width)
		for range 2 {
			y := z.norm(x, width)
			q, k, v := z.linear(y, width, width), z.linear(y, width, width), z.linear(y, width, width)
			grid := z.Reshape(q, nn.Shape{nn.Batch, side, side, width})
			s := nn.Shape{nn.Batch, side, side, side}
			rows := z.einsum("bhwc,hkc->bhwk", s, grid, z.Param(param(z.name("rows"), side, side, width)))
			columns := z.einsum("bhwc,wkc->bhwk", s, grid, z.Param(param(z.name("columns"), side, side, width)))
			both := z.einsum("bhwk,bhwl->bhwkl", nn.Shape{nn.Batch, side, side, side, side}, rows, columns)
			scores := z.Add(z.einsum("bic,bjc", nn.Shape{nn.Batch, tokens, tokens}, q, k), z.Reshape(both, nn.Shape{nn.Batch, tokens, tokens}))
			x = z.Add(x, z.linear(z.einsum("...ij,...jc->...ic", nn.Shape{nn.Batch, tokens, width}, z.Softmax(scores, -1), v), width, width))
			x = z.feedForward(x, width)
		}
		z.Output("logits", z.linear(z.Mean(x, false, 1), width, 10))
	},
	"graph convolution": func(z *zoo) {
		x := z.image(16)
		width := 3
		for range 3 {
			y := z.Reshape(z.conv(x, width, 3*16, 1, 1, 1), nn.Shape{nn.Batch, 3, 16, 16, 16})
			x = z.Act(z.bn(z.einsum("nkctv,kvw->nctw", nn.Shape{nn.Batch, 16, 16, 16}, y, z.Param(param(z.name("edges"), 3, 16, 16))), 16), nn.Relu())
			width = 16
		}
		z.head(x, 16)
	},
}

// tokens is an image of 16 by 16 as 16 patches.
func (z *zoo) tokens(width int) nn.Value {
	n := z.name("embed")
	x := z.Conv(z.image(16), nn.Conv{Name: n, Weight: param(n+".weight", width, 3, 4, 4), Bias: param(n+".bias", width), Kernel: []int{4, 4}, Strides: []int{4, 4}, Groups: 1})
	return z.Transpose(z.Reshape(x, nn.Shape{nn.Batch, width, 16}), 0, 2, 1)
}

// TestEinsum compares random equations with loops over all their letters.
func TestEinsum(t *testing.T) {
	const rounds = 300
	r := rand.New(rand.NewPCG(3, 4))
	for range rounds {
		e := randomEquation(r)
		in := make([]nn.Tensor, len(e.terms))
		for k, term := range e.terms {
			data := make([]float32, e.shape(term).Count())
			for i := range data {
				data[i] = r.Float32() - 0.5
			}
			in[k] = nn.FromFloat32s(e.shape(term), data)
		}
		want := e.loops(in)
		got, err := e.run(in)
		if err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		if d := distance(want.Float32s(), got.Float32s()); d > sameAsReference {
			t.Errorf("%s: %g from loops", e, d)
		}
	}
}

// equationCase is an Einsum and the extents of its letters.
type equationCase struct {
	terms []string
	out   string
	size  map[rune]int
}

func (e equationCase) String() string { return strings.Join(e.terms, ",") + "->" + e.out }

func (e equationCase) shape(term string) nn.Shape {
	s := nn.Shape{}
	for _, c := range term {
		s = append(s, e.size[c])
	}
	return s
}

// randomEquation has one to three operands of up to four axes of six letters.
func randomEquation(r *rand.Rand) equationCase {
	letters := []byte("abcdef")
	e := equationCase{size: map[rune]int{}}
	for _, c := range letters {
		e.size[rune(c)] = 1 + r.IntN(4)
	}
	pick := func(from []byte, least int) string {
		r.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
		return string(from[:min(len(from), least+r.IntN(4))])
	}
	used := map[byte]bool{}
	for range 1 + r.IntN(3) {
		term := pick(letters, 1)
		e.terms = append(e.terms, term)
		for k := range term {
			used[term[k]] = true
		}
	}
	var all []byte
	for _, c := range []byte("abcdef") {
		if used[c] {
			all = append(all, c)
		}
	}
	e.out = pick(all, 0)
	return e
}

// loops sums over every assignment of the letters.
func (e equationCase) loops(in []nn.Tensor) nn.Tensor {
	shape := e.shape(e.out)
	sums := make([]float64, shape.Count())
	at := map[rune]int{}
	offset := func(term string) (k int) {
		for _, c := range term {
			k = k*e.size[c] + at[c]
		}
		return k
	}
	var all []rune
	for _, c := range "abcdef" {
		if strings.ContainsRune(strings.Join(e.terms, ""), c) {
			all = append(all, c)
		}
	}
	var visit func(k int)
	visit = func(k int) {
		if k < len(all) {
			for at[all[k]] = 0; at[all[k]] < e.size[all[k]]; at[all[k]]++ {
				visit(k + 1)
			}
			return
		}
		product := 1.0
		for i, term := range e.terms {
			product *= float64(in[i].Float32s()[offset(term)])
		}
		sums[offset(e.out)] += product
	}
	visit(0)
	out := make([]float32, len(sums))
	for k, v := range sums {
		out[k] = float32(v)
	}
	return nn.FromFloat32s(shape, out)
}

// run is the same by way of a model file and the embedded engine.
func (e equationCase) run(in []nn.Tensor) (out nn.Tensor, err error) {
	g, err := nn.Record(func(b nn.Builder) {
		z := &zoo{Builder: b}
		var values []nn.Value
		for k, term := range e.terms {
			values = append(values, z.Input(fmt.Sprint("x", k), nn.Float32, e.shape(term)))
		}
		z.Output("y", z.einsum(e.String(), e.shape(e.out), values...))
	})
	if err != nil {
		return out, err
	}
	var file bytes.Buffer
	if err := onnxfile.Write(&file, g, nn.MapWeights{}, onnxfile.WriteOptions{Opset: 17}); err != nil {
		return out, err
	}
	all, err := runFile(file.Bytes(), in...)
	if err != nil {
		return out, err
	}
	return all[0], nil
}
