package nn

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// randomPick draws a pick of an axis, nested up to the given depth.
func randomPick(rng *rand.Rand, depth int) Pick {
	if depth == 0 || rng.IntN(2) == 0 {
		size := 1 + rng.IntN(5)
		keep := 1 + rng.IntN(size)
		return Pick{Size: size, Keep: keep, From: rng.IntN(size - keep + 1)}
	}
	var of []Pick
	for range 1 + rng.IntN(3) {
		of = append(of, randomPick(rng, depth-1))
	}
	if rng.IntN(2) == 0 {
		return Sum(of...)
	}
	return Product(of...)
}

// kept tells by its definition whether a pick keeps a position.
func kept(p Pick, i int) bool {
	if len(p.Of) == 0 {
		return i >= p.From && i < p.From+p.Keep
	}
	if p.Sum {
		for _, t := range p.Of {
			if i < t.Full() {
				return kept(t, i)
			}
			i -= t.Full()
		}
		return false
	}
	for k := len(p.Of) - 1; k >= 0; k-- {
		if !kept(p.Of[k], i%p.Of[k].Full()) {
			return false
		}
		i /= p.Of[k].Full()
	}
	return true
}

func TestPickIndices(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		p := randomPick(rng, 3)
		var want []int
		for i := range p.Full() {
			if kept(p, i) {
				want = append(want, i)
			}
		}
		if got := p.Indices(); !slices.Equal(got, want) || len(got) != p.Len() {
			t.Fatalf("%+v: %v, want %v (length %d)", p, got, want, p.Len())
		}
	}
}

// TestFetch compares with copying element by element.
func TestFetch(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		p := Param{Name: "w"}
		var indices [][]int
		for range rng.IntN(4) {
			k := randomPick(rng, 2)
			p.Shape, p.Picks, indices = append(p.Shape, k.Full()), append(p.Picks, k), append(indices, k.Indices())
		}
		data := make([]float32, p.Shape.Count())
		for i := range data {
			data[i] = float32(i)
		}
		var want []float32
		var walk func(axis, at int)
		walk = func(axis, at int) {
			if axis == len(p.Shape) {
				want = append(want, data[at])
				return
			}
			for _, i := range indices[axis] {
				walk(axis+1, at*p.Shape[axis]+i)
			}
		}
		walk(0, 0)
		got, err := Fetch(MapWeights{"w": FromFloat32s(p.Shape, data)}, p)
		if err != nil || !slices.Equal(got.Float32s(), want) || !slices.Equal(got.Shape, p.Picked()) {
			t.Fatalf("%+v: %v %v, want %v", p, err, got.Float32s(), want)
		}
	}
}

func TestFetchRefusesOtherModels(t *testing.T) {
	w := MapWeights{"w": FromFloat32s(Shape{2, 2}, make([]float32, 4))}
	for _, p := range []Param{{Name: "v", Shape: Shape{2, 2}}, {Name: "w", Shape: Shape{2, 3}}, {Name: "w", Shape: Shape{2, 2}, Picks: []Pick{Prefix(4, 1)}}} {
		if _, err := Fetch(w, p); err == nil {
			t.Errorf("%+v: no error", p)
		}
	}
}

func conv(name string, out, in, k int) Conv {
	return Conv{Name: name, Weight: Param{Name: name + ".w", Shape: Shape{out, in, k, k}}, Bias: Param{Name: name + ".b", Shape: Shape{out}}, Kernel: []int{k, k}, Pads: []int{k / 2, k / 2, k / 2, k / 2}}
}

// TestTapeRecords builds a small network and looks at what was recorded.
func TestTapeRecords(t *testing.T) {
	g, err := Record(func(b Builder) {
		x := b.Input("x", Float32, Shape{Batch, 3, 8, 8})
		y := b.Act(b.Conv(x, conv("c1", 16, 3, 5).Out(8).Crop(3)), Relu())
		y = b.Conv(y, conv("c2", 16, 16, 3).In(8))
		y = b.Pool(y, Pool{Kind: GlobalAverage})
		y = b.Linear(b.Flatten(y, 1), Linear{Name: "fc", Weight: Param{Name: "fc.w", Shape: Shape{10, 16}}, TransB: true})
		b.Output("y", y)
	})
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, n := range g.Nodes {
		types = append(types, n.Type)
	}
	if got := strings.Join(types, " "); got != "Conv Relu Conv GlobalAveragePool Flatten Gemm" {
		t.Errorf("nodes %s", got)
	}
	first := &g.Nodes[0]
	if s := g.Values[first.Out[0]].Shape; !slices.Equal(s, Shape{Batch, 8, 8, 8}) || !slices.Equal(first.Ints("kernel_shape"), []int64{3, 3}) || !slices.Equal(first.Ints("pads"), []int64{1, 1, 1, 1}) {
		t.Errorf("a cropped convolution makes %v, attributes %v", s, first.Attrs)
	}
	if out := g.Bind(4).Values[g.Outputs[0]]; out.Name != "y" || !slices.Equal(out.Shape, Shape{4, 10}) {
		t.Errorf("output %+v", out)
	}
	if s := g.Values[g.Outputs[0]].Shape; s[0] != Batch {
		t.Errorf("Bind changed the graph: %v", s)
	}
}

// TestTapeErrors: what cannot be is an error that names the node, and never a panic, whatever follows.
func TestTapeErrors(t *testing.T) {
	image := func(b Builder) Value { return b.Input("x", Float32, Shape{Batch, 3, 8, 8}) }
	for want, build := range map[string]func(b Builder) Value{
		"c1": func(b Builder) Value { return b.Conv(image(b), conv("c1", 8, 4, 3)) },
		"fc": func(b Builder) Value {
			return b.Linear(image(b), Linear{Name: "fc", Weight: Param{Name: "w", Shape: Shape{3, 4}}})
		},
		"Add":       func(b Builder) Value { return b.Add(image(b), b.Input("z", Float32, Shape{2, 5})) },
		"MatMul":    func(b Builder) Value { return b.MatMul(image(b), b.Input("z", Float32, Shape{5, 5})) },
		"Reshape":   func(b Builder) Value { return b.Reshape(image(b), Shape{Batch, 5}) },
		"Transpose": func(b Builder) Value { return b.Transpose(image(b), 0, 1) },
		"Concat":    func(b Builder) Value { return b.Concat(1) },
		"Split":     func(b Builder) Value { return b.Split(image(b), 1, 1, 1)[0] },
		"missing":   func(b Builder) Value { return b.Act(99, Relu()) },
		"positions": func(b Builder) Value { return b.Conv(image(b), conv("c2", 8, 3, 3).Out(9)) },
		"two ways": func(b Builder) Value {
			image(b)
			c := conv("c3", 8, 3, 3)
			return b.Add(b.Param(c.Weight), b.Param(c.Weight.Cut(0, 4)))
		},
		"bn": func(b Builder) Value {
			p := Param{Name: "s", Shape: Shape{4}}
			return b.BatchNorm(image(b), BatchNorm{Name: "bn", Scale: p, Bias: p, Mean: p, Var: p})
		},
		"window":        func(b Builder) Value { return b.Pool(image(b), Pool{Name: "p", Kernel: []int{2}}) },
		"would have":    func(b Builder) Value { return b.Pool(image(b), Pool{Name: "p", Kernel: []int{9, 9}}) },
		"has no output": nil,
	} {
		_, err := Record(func(b Builder) {
			if build != nil {
				b.Output("y", b.Act(build(b), Relu()))
			}
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestOverlay prefers what lies on top.
func TestOverlay(t *testing.T) {
	base := MapWeights{"a": FromInt64s(Shape{1}, []int64{1}), "b": FromInt64s(Shape{1}, []int64{2})}
	w := Overlay(base, map[string]Tensor{"b": FromInt64s(Shape{1}, []int64{3})})
	for name, want := range map[string]int64{"a": 1, "b": 3} {
		if v, err := w.Tensor(name); err != nil || v.Int64s()[0] != want {
			t.Errorf("%s: %v %v", name, v.Int64s(), err)
		}
	}
	if _, err := w.Tensor("c"); err == nil {
		t.Error("no error for a tensor that is not there")
	}
}

// TestKernelTransform: a window by a transform is the transform of each channel's whole window; by that of the middle it is the middle, and a
// transform of another shape is refused.
func TestKernelTransform(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	of := func(s Shape) Tensor {
		v := make([]float32, s.Count())
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return FromFloat32s(s, v)
	}
	conv := Conv{Weight: Param{Name: "w", Shape: Shape{6, 4, 7, 5}}, Kernel: []int{7, 5}}
	p := conv.OutPick(Pick{Size: 6, Keep: 3, From: 2}).In(2).Crop(3).Weight
	win, ok := p.Window()
	if _, whole := conv.Out(3).Weight.Window(); !ok || whole || win.Name != "w.kernel3x3" || len(win.Taps) != 9 || win.All != 35 {
		t.Fatalf("%+v, %t", win, ok)
	}
	w := MapWeights{"w": of(p.Shape)}
	middle, err := Fetch(w, p)
	if err != nil {
		t.Fatal(err)
	}
	w[win.Name] = win.Middle()
	if same, err := Fetch(w, p); err != nil || !slices.Equal(same.Raw, middle.Raw) || !slices.Equal(same.Shape, middle.Shape) {
		t.Errorf("by the transform of the middle: %v, %v", same.Shape, err)
	}
	w[win.Name] = of(Shape{9, 35})
	got, err := Fetch(w, p)
	if err != nil {
		t.Fatal(err)
	}
	full, m := w["w"].Float32s(), w[win.Name].Float32s()
	for i, v := range got.Float32s() {
		out, in, tap := 2+i/18, i/9%2, i%9
		want := float32(0)
		for k := range 35 {
			want += m[tap*35+k] * full[(out*4+in)*35+k]
		}
		if d := v - want; d > 1e-5 || d < -1e-5 {
			t.Fatalf("tap %d of channels %d, %d is %g, want %g", tap, out, in, v, want)
		}
	}
	w[win.Name] = of(Shape{9, 25})
	if _, err := Fetch(w, p); err == nil || !strings.Contains(err.Error(), "w.kernel3x3") {
		t.Errorf("a transform of another shape: %v", err)
	}
}
