package supernet

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// draw builds a random operator or group.
type draw struct {
	nn.Builder
	rng   *rand.Rand
	names int
}

func (d *draw) name() string {
	d.names++
	return fmt.Sprint("v", d.names)
}

func (d *draw) coin() bool { return d.rng.IntN(2) == 0 }

func (d *draw) in(s ...int) nn.Value {
	return d.Input(d.name(), nn.Float32, append(nn.Shape{nn.Batch}, s...))
}

func (d *draw) bias(n int) nn.Param {
	if d.coin() {
		return nn.Param{}
	}
	return param(d.name(), n)
}

// ints is a constant operand: written out where it is short.
func (d *draw) ints(n int) nn.Value {
	list := make([]int64, n)
	for i := range list {
		list[i] = int64(d.rng.IntN(3) - 1)
	}
	return d.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_ints", Kind: nn.AttrInts, Ints: list}}})[0]
}

// tail adds what runtimes fuse with a product of n channels: the result has shape s.
func (d *draw) tail(y nn.Value, n int, s ...int) nn.Value {
	if d.coin() {
		y = d.BatchNorm(y, norm(d.name(), n))
	}
	if d.coin() {
		if y2 := d.in(s...); d.coin() {
			y = d.Add(y, y2)
		} else {
			y = d.Add(y2, y)
		}
	}
	switch d.rng.IntN(4) {
	case 0:
		y = d.Act(y, nn.Relu())
	case 1:
		y = d.Act(y, nn.Clip(-1.5, 6))
	case 2:
		y = d.Act(y, nn.Act{Type: "LeakyRelu", Attrs: []nn.Attr{{Name: "alpha", Kind: nn.AttrFloat, Float: d.rng.Float32()}}})
	}
	return y
}

// drawn are the kinds of operators and groups.
var drawn = []func(d *draw) []nn.Value{
	func(d *draw) []nn.Value {
		in, out, groups := 4*(1+d.rng.IntN(3)), 4*(1+d.rng.IntN(3)), 1+d.rng.IntN(2)
		c := nn.Conv{Name: d.name(), Weight: param(d.name(), out, in/groups, 3, 3), Bias: d.bias(out), Kernel: []int{3, 3}, Groups: groups, Pads: []int{1, 1, 1, 1}}
		return []nn.Value{d.tail(d.Conv(d.in(in, 5, 5), c), out, out, 5, 5)}
	},
	func(d *draw) []nn.Value {
		l := nn.Linear{Name: d.name(), Weight: param(d.name(), 6, 8), Bias: d.bias(6), TransB: true, Alpha: 0.1 * float32(d.rng.IntN(3))}
		return []nn.Value{d.tail(d.Linear(d.in(8), l), 6, 6)}
	},
	func(d *draw) []nn.Value { // MatMul, with a bias at times
		return []nn.Value{d.tail(d.Linear(d.in(8), nn.Linear{Name: d.name(), Weight: param(d.name(), 8, 6), Bias: d.bias(6), BiasName: d.name()}), 6, 6)}
	},
	func(d *draw) []nn.Value {
		return []nn.Value{d.Linear(d.in(3, 8), nn.Linear{Name: d.name(), Weight: param(d.name(), 8, 6), Bias: d.bias(6), BiasName: d.name()})}
	},
	func(d *draw) []nn.Value { return []nn.Value{d.MatMul(d.in(2, 3, 4), d.in(2, 4, 5))} },
	func(d *draw) []nn.Value {
		x := d.in(3)
		return []nn.Value{d.Concat(1, x, d.in(4), x)}
	},
	func(d *draw) []nn.Value { return d.Split(d.in(9, 2), 1, 2, 3, 4) },
	func(d *draw) []nn.Value { x := d.in(3); return []nn.Value{d.Mul(x, x)} },
	func(d *draw) []nn.Value {
		return []nn.Value{d.Add(d.Param(param(d.name(), 3)), d.in(d.rng.IntN(4)+1, 3))}
	},
	func(d *draw) []nn.Value {
		n := 1 + d.rng.IntN(30) // up to 16 indices are text
		return []nn.Value{d.Op(nn.Op{Type: "Gather", Attrs: []nn.Attr{{Name: "axis", Kind: nn.AttrInt, Int: 1}}}.Yields(nn.Shape{nn.Batch, n, 2}), d.in(7, 2), d.ints(n))[0]}
	},
	func(d *draw) []nn.Value { // an operand that is left out
		return []nn.Value{d.Op(nn.Op{Type: "Resize"}.Yields(nn.Shape{nn.Batch, 2, 8, 8}), d.in(2, 4, 4), nn.None, nn.None, d.ints(4))[0]}
	},
	func(d *draw) []nn.Value { // results of other types
		op := nn.Op{Type: "TopK", Attrs: []nn.Attr{{Name: "largest", Kind: nn.AttrInt, Int: 0}}, Types: []nn.DType{nn.Float32, nn.Int64}}
		return d.Op(op.Yields(nn.Shape{nn.Batch, 2}, nn.Shape{nn.Batch, 2}), d.in(5), d.ints(1))
	},
	func(d *draw) []nn.Value {
		attrs := []nn.Attr{
			{Name: "mode", Kind: nn.AttrString, String: "a (b) | c, d=\"e\" ü"}, {Name: "names", Kind: nn.AttrStrings, Strings: []string{"x", ""}},
			{Name: "scales", Kind: nn.AttrFloats, Floats: []float32{1e-9, 3}}, {Name: "raw", Kind: nn.AttrTensor, Raw: []byte{0, 255}},
		}
		return d.Op(nn.Op{Type: "Fancy", Domain: "my.domain", Attrs: attrs[:d.rng.IntN(5)]}.Yields(nn.Shape{nn.Batch, 3}, nn.Shape{4}), d.in(3), d.in(2))
	},
	func(d *draw) []nn.Value {
		return []nn.Value{d.Reshape(d.Transpose(d.in(2, 3, 4), 0, 3, 1, 2), nn.Shape{nn.Batch, 24})}
	},
	func(d *draw) []nn.Value { return []nn.Value{d.Mean(d.in(2, 3, 4), d.coin(), 1, 3)} },
	func(d *draw) []nn.Value {
		p := nn.Pool{Name: d.name(), Kind: nn.PoolKind(d.rng.IntN(4)), Kernel: []int{3, 2}, Strides: []int{2, 1}, Pads: []int{1, 0, 1, 1}, CeilMode: d.coin(), AutoPad: "VALID"}
		return []nn.Value{d.Pool(d.in(3, 8, 8), p)}
	},
	func(d *draw) []nn.Value {
		s := d.in(3, 4)
		return []nn.Value{d.LayerNorm(s, nn.LayerNorm{Name: d.name(), Scale: param(d.name(), 4), Bias: d.bias(4), Axis: -1, Epsilon: 1e-6})}
	},
	func(d *draw) []nn.Value { return []nn.Value{d.BatchNorm(d.in(3, 4), norm(d.name(), 3))} },
}

// TestRandomOperators: the network of a described operator is described in the same way.
func TestRandomOperators(t *testing.T) {
	for k, build := range drawn {
		for i := range 40 {
			o := describe(t, func(b nn.Builder) {
				d := &draw{Builder: b, rng: rand.New(rand.NewPCG(uint64(k), uint64(i)))}
				for j, y := range build(d) {
					b.Output(fmt.Sprint("out", j), y)
				}
			})
			g, err := o.Graph()
			if err != nil {
				t.Errorf("kind %d: %s: %v", k, o.Key(), err)
				continue
			}
			all := make([]int, len(g.Nodes))
			for n := range all {
				all[n] = n
			}
			again, err := OpOf(g, all)
			if err != nil || again != o {
				t.Errorf("kind %d: %s\nbecame %s, %v", k, o.Key(), again.Key(), err)
			}
		}
	}
}

// TestFoldedProducts: a normalisation after a product of matrices is its bias, however the bias is written.
func TestFoldedProducts(t *testing.T) {
	linear := func(bias, kept bool) Op {
		return describe(t, func(b nn.Builder) {
			l := nn.Linear{Name: "l", Weight: param("w", 8, 6), BiasName: "add"}
			if bias {
				l.Bias = param("b", 6)
			}
			y := b.Linear(b.Input("x", nn.Float32, nn.Shape{nn.Batch, 8}), l)
			if kept {
				y = b.BatchNorm(y, norm("n", 6))
			}
			b.Output("y", y)
		})
	}
	want := linear(true, false)
	if want.Key() != "MatMul (i0 p0) | Add (%0 p1) (1x8; 8x6 6) -> 1x6" {
		t.Error(want.Key())
	}
	for _, got := range []Op{linear(false, true), linear(true, true)} {
		if got != want {
			t.Errorf("%s, want %s", got.Key(), want.Key())
		}
	}
	tokens := describe(t, func(b nn.Builder) { // axis 1 is not the product's last
		y := b.Linear(b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 8}), nn.Linear{Name: "l", Weight: param("w", 8, 6)})
		b.Output("y", b.BatchNorm(y, norm("n", 3)))
	})
	if tokens.Kind() != "MatMul+BatchNormalization" {
		t.Error(tokens.Key())
	}
}

// TestBadTexts: each of them is an error, never a panic.
func TestBadTexts(t *testing.T) {
	for _, o := range []Op{
		{},
		{Steps: "Relu", In: "1x4"},
		{Steps: "Relu", In: "1xa", Out: "1x4"},
		{Steps: "Relu", In: "0", Out: "1"},
		{Steps: "Relu", In: "q7:3", Out: "3"},
		{Steps: "Relu (i1)", In: "3", Out: "3"},
		{Steps: "Relu (%0)", In: "3", Out: "3"},
		{Steps: "Relu | Relu (%-1.0)", In: "3", Out: "3"},
		{Steps: "Relu | Relu (%0.-1)", In: "3", Out: "3"},
		{Steps: "Relu | Relu (%0.99999999)", In: "3", Out: "3"},
		{Steps: "Relu |  | Relu (%0)", In: "3", Out: "3"},
		{Steps: "Pow (i0 2[1.0])", In: "3", Out: "3"},
		{Steps: "Pow (i0 ]])", In: "3", Out: "3"},
		{Steps: "Clip max", In: "3", Out: "3"},
		{Steps: "Clip max=x4:zz", In: "3", Out: "3"},
		{Steps: "Clip max=1.0.0", In: "3", Out: "3"},
		{Steps: `Clip max="`, In: "3", Out: "3"},
		{Steps: "Conv (i0 p0) | Conv (%0 p0)", In: "1x3x4x4", Params: "3x3x1x1", Out: "1x3x4x4"},
	} {
		if g, err := o.Graph(); err == nil {
			t.Errorf("%q: %d nodes and no error", o.Steps, len(g.Nodes))
		}
	}
}
