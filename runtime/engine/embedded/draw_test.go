package embedded_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
)

// draw builds one random network around an operator.
type draw struct {
	b     nn.Builder
	rng   *rand.Rand
	batch int // of inputs: nn.Batch, or a fixed one
	names int
	mixes bool // images of a batch depend on each other
	opset int  // that the operators need, 0 for the oldest
}

// record draws the network of a case.
func record(build func(d *draw) []nn.Value, rng *rand.Rand) (*nn.Graph, *draw, error) {
	d := &draw{rng: rng, batch: nn.Batch}
	if rng.IntN(8) == 0 {
		d.batch = 2
	}
	g, err := nn.Record(func(b nn.Builder) {
		d.b = b
		for i, y := range build(d) {
			b.Output(fmt.Sprintf("y%d", i), y)
		}
	})
	if err == nil {
		g.Opset = d.opset
	}
	return g, d, err
}

func (d *draw) name(prefix string) string {
	d.names++
	return fmt.Sprintf("%s%d", prefix, d.names)
}

func (d *draw) coin() bool { return d.rng.IntN(2) == 0 }

// one draws from a list.
func one[T any](d *draw, list ...T) T { return list[d.rng.IntN(len(list))] }

// size draws an extent: mostly small, sometimes longer than a vector register.
func (d *draw) size() int {
	if d.rng.IntN(4) == 0 {
		return 8 + d.rng.IntN(40)
	}
	return 1 + d.rng.IntN(7)
}

// shape draws extents beside the batch's, of a rank between low and high.
func (d *draw) shape(low, high int) nn.Shape {
	s := nn.Shape{d.batch}
	for rank := low + d.rng.IntN(high-low+1); len(s) < rank; {
		s = append(s, d.size())
	}
	return s
}

// image draws the shape of an image of one or two spatial axes.
func (d *draw) image() nn.Shape { return d.shape(3, 4) }

func (d *draw) input(s nn.Shape) nn.Value { return d.disguised("x", s) }

// positive is an input of positive elements.
func (d *draw) positive(s nn.Shape) nn.Value { return d.disguised("positive", s) }

// disguised makes an input that may lie in memory in another order than its axes tell: channels last, or permuted.
func (d *draw) disguised(prefix string, s nn.Shape) nn.Value {
	name := d.name(prefix)
	d.mixes = d.mixes || len(s) == 0 || s[0] != d.batch
	switch kind := d.rng.IntN(3); {
	case kind == 0 && len(s) > 2 && len(s) < 5:
		ones := slices.Repeat([]int{1}, len(s)-2)
		return d.b.Pool(d.b.Input(name, nn.Float32, s), nn.Pool{Name: d.name("last"), Kind: nn.Average, Kernel: ones})
	case kind == 1 && len(s) > 2:
		perm := []int{0}
		for _, a := range d.rng.Perm(len(s) - 1) {
			perm = append(perm, 1+a)
		}
		from, back := slices.Clone(s), make([]int, len(s))
		for i, a := range perm {
			from[i], back[a] = s[a], i
		}
		return d.b.Transpose(d.b.Input(name, nn.Float32, from), back...)
	}
	return d.b.Input(name, nn.Float32, s)
}

func (d *draw) tensor(s ...int) nn.Param { return nn.Param{Name: d.name("w"), Shape: s} }

// bias is a tensor that may be absent.
func (d *draw) bias(n int) nn.Param {
	if d.coin() {
		return nn.Param{}
	}
	return d.tensor(n)
}

// op adds an operator without a method of its own.
func (d *draw) op(typ string, attrs []nn.Attr, to nn.Shape, xs ...nn.Value) nn.Value {
	return d.b.Op(nn.Op{Type: typ, Attrs: attrs}.Yields(to), xs...)[0]
}

// integers is a constant operand.
func (d *draw) integers(list ...int64) nn.Value {
	return d.b.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{ints("value_ints", list...)}})[0]
}

// axis draws an axis, mostly not the batch's.
func (d *draw) axis(s nn.Shape) int {
	if len(s) == 1 || d.rng.IntN(8) == 0 {
		d.mixes = true
		return 0
	}
	return 1 + d.rng.IntN(len(s)-1)
}

// signed writes an axis from the front or from the end.
func (d *draw) signed(axis, rank int) int {
	if d.coin() {
		return axis - rank
	}
	return axis
}

func ints(name string, list ...int64) nn.Attr {
	return nn.Attr{Name: name, Kind: nn.AttrInts, Ints: list}
}

func integer(name string, v int) nn.Attr {
	return nn.Attr{Name: name, Kind: nn.AttrInt, Int: int64(v)}
}

func float(name string, v float32) nn.Attr {
	return nn.Attr{Name: name, Kind: nn.AttrFloat, Float: v}
}

// tail adds what engines like to fuse with the operator before it: make adds that once more, for a residual sum.
func (d *draw) tail(channels int, make func() nn.Value) nn.Value {
	y := make()
	if channels > 0 && d.rng.IntN(3) == 0 {
		y = d.b.BatchNorm(y, d.norm(channels))
	}
	if d.rng.IntN(4) == 0 {
		y = d.b.Add(make(), y)
	}
	switch d.rng.IntN(4) {
	case 0:
		y = d.b.Act(y, nn.Relu())
	case 1:
		y = d.b.Act(y, nn.Clip(-0.5, 0.75))
	}
	return y
}

func (d *draw) norm(n int) nn.BatchNorm {
	variance := d.tensor(n)
	variance.Name = d.name("positive")
	return nn.BatchNorm{
		Name: d.name("norm"), Scale: d.tensor(n), Bias: d.tensor(n), Mean: d.tensor(n), Var: variance, Epsilon: one(d, float32(1e-5), 1e-3),
	}
}

// contents fills inputs and parameters: normal numbers, or positive ones where the name says so.
func contents(rng *rand.Rand, name string, s nn.Shape) nn.Tensor {
	v := make([]float32, s.Count())
	for i := range v {
		if v[i] = float32(rng.NormFloat64()); strings.HasPrefix(name, "positive") {
			v[i] = 0.5 + rng.Float32()
		}
	}
	return nn.FromFloat32s(s, v)
}

func parameters(rng *rand.Rand, g *nn.Graph) nn.MapWeights {
	w := nn.MapWeights{}
	for _, i := range g.Values {
		if i.Param != nil {
			w[i.Param.Source()] = contents(rng, i.Name, i.Param.Shape)
		}
	}
	return w
}

func inputs(rng *rand.Rand, g *nn.Graph, batch int) []nn.Tensor {
	var in []nn.Tensor
	for _, v := range g.Inputs {
		in = append(in, contents(rng, g.Values[v].Name, slices.Clone(g.Values[v].Shape.Bind(batch))))
	}
	return in
}
