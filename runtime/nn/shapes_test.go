package nn

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestSlide counts the positions of a window one by one.
func TestSlide(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 5000 {
		k, stride, dilation := 1+rng.IntN(4), 1+rng.IntN(4), 1+rng.IntN(2)
		n, begin, end := 1+rng.IntN(12), rng.IntN(k), rng.IntN(k)
		w := window{
			kernel: []int{k}, strides: []int{stride}, pads: []int{begin, end}, dilations: []int{dilation},
			autoPad: []string{"", "VALID", "SAME_UPPER", "SAME_LOWER"}[rng.IntN(4)], ceil: rng.IntN(2) == 0,
		}
		want, reach := 0, (k-1)*dilation+1
		switch w.autoPad {
		case "VALID":
			begin, end = 0, 0
			fallthrough
		case "":
			for at := 0; at+reach <= n+begin+end; at += stride {
				want++
			}
			// With ceil_mode one more window may reach over the end, if it starts before the padding there.
			if at := want * stride; w.ceil && want > 0 && at-stride+reach < n+begin+end && at < n+begin {
				want++
			}
		default: // as many as with a window of one
			for at := 0; at < n; at += stride {
				want++
			}
		}
		if got := w.slide(Shape{n}); got[0] != want {
			t.Fatalf("%+v over %d: %d positions, want %d", w, n, got[0], want)
		}
	}
}

// TestBind: only the open axes change, those that the batch shares with others too.
func TestBind(t *testing.T) {
	g, err := Record(func(b Builder) {
		x := b.Input("x", Float32, Shape{Batch, 3, 4})
		y := b.Reshape(x, Shape{3 * Batch, 4})
		b.Output("y", b.Reshape(b.Act(y, Relu()), Shape{Batch, 12}))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 5} {
		bound := g.Bind(n)
		if s := bound.Values[bound.Inputs[0]].Shape; !slices.Equal(s, Shape{n, 3, 4}) {
			t.Errorf("input %v", s)
		}
		if s := bound.Values[bound.Nodes[0].Out[0]].Shape; !slices.Equal(s, Shape{3 * n, 4}) || !slices.Equal(bound.Nodes[0].Ints("shape"), []int64{int64(3 * n), 4}) {
			t.Errorf("joined axes %v, attribute %v", s, bound.Nodes[0].Ints("shape"))
		}
		if s := bound.Values[bound.Outputs[0]].Shape; !slices.Equal(s, Shape{n, 12}) || s.Open() {
			t.Errorf("output %v", s)
		}
	}
	if s := g.Nodes[0].Ints("shape"); !slices.Equal(s, []int64{-3, 4}) {
		t.Errorf("Bind changed the graph: %v", s)
	}
}

// TestBroadcast compares with the rule: extents are equal, or one of them is 1 or missing.
func TestBroadcast(t *testing.T) {
	for _, c := range []struct{ a, b, want Shape }{
		{Shape{2, 3}, Shape{3}, Shape{2, 3}},
		{Shape{}, Shape{4}, Shape{4}},
		{Shape{2, 1, 5}, Shape{7, 1}, Shape{2, 7, 5}},
		{Shape{Batch, 3}, Shape{1, 3}, Shape{Batch, 3}},
		{Shape{Batch, 3}, Shape{Batch, 1}, Shape{Batch, 3}},
		{Shape{Batch, 3}, Shape{2, 3}, nil},
		{Shape{2, 3}, Shape{2}, nil},
	} {
		for range 2 {
			if got, ok := Broadcast(c.a, c.b); ok != (c.want != nil) || ok && !slices.Equal(got, c.want) {
				t.Errorf("%v and %v: %v %t, want %v", c.a, c.b, got, ok, c.want)
			}
			c.a, c.b = c.b, c.a
		}
	}
}

// TestTapeRefuses: what later would be wrong numbers or a failing engine is an error when it is recorded.
func TestTapeRefuses(t *testing.T) {
	tokens := func(b Builder) Value { return b.Input("x", Float32, Shape{Batch, 4, 6}) }
	scale := func(n ...int) Param { return Param{Name: "s", Shape: n} }
	for want, build := range map[string]func(b Builder) Value{
		"joined along axis 3":            func(b Builder) Value { return b.Concat(3, tokens(b)) },
		"joined along axis 1":            func(b Builder) Value { return b.Concat(1, tokens(b), b.Input("z", Float32, Shape{Batch, 4, 5})) },
		"cut into [5 -1]":                func(b Builder) Value { return b.Split(tokens(b), 1, 5, -1)[0] },
		"cut into [4 0]":                 func(b Builder) Value { return b.Split(tokens(b), 1, 4, 0)[0] },
		"axis 7":                         func(b Builder) Value { return b.Split(tokens(b), 7, 4)[0] },
		"has no axis -4":                 func(b Builder) Value { return b.Softmax(tokens(b), -4) },
		"has no axis 3":                  func(b Builder) Value { return b.Mean(tokens(b), true, 3) },
		"has no axis 4":                  func(b Builder) Value { return b.Flatten(tokens(b), 4) },
		"permute":                        func(b Builder) Value { return b.Transpose(tokens(b), 0, 1, 1) },
		"cannot normalise [-1 4 6] from": func(b Builder) Value { return b.LayerNorm(tokens(b), LayerNorm{Name: "ln", Scale: scale(4), Axis: -1}) },
		"from axis 5":                    func(b Builder) Value { return b.LayerNorm(tokens(b), LayerNorm{Name: "ln", Scale: scale(4), Axis: 5}) },
		"bias of shape [5] cannot be added to": func(b Builder) Value {
			return b.Linear(tokens(b), Linear{Name: "fc", Weight: Param{Name: "w", Shape: Shape{6, 3}}, Bias: Param{Name: "b", Shape: Shape{5}}, BiasName: "add"})
		},
		"bias of shape [2 3]": func(b Builder) Value {
			return b.Linear(b.Flatten(tokens(b), 1), Linear{Name: "fc", Weight: Param{Name: "w", Shape: Shape{24, 3}}, Bias: Param{Name: "b", Shape: Shape{2, 3}}})
		},
		"would have the shape": func(b Builder) Value {
			return b.Pool(tokens(b), Pool{Name: "p", Kernel: []int{7}, AutoPad: "VALID"})
		},
		"one tensor is cut in two ways": func(b Builder) Value { // of one length
			tokens(b)
			w := Param{Name: "w", Shape: Shape{8}}
			return b.Add(b.Param(w.Cut(0, 4)), b.Param(w.Pick(0, Pick{Size: 8, Keep: 4, From: 4})))
		},
		"shapes of 1": func(b Builder) Value {
			return b.Op(Op{Type: "TopK", Name: "top", Outputs: 2}.Yields(Shape{Batch, 4, 2}), tokens(b))[1]
		},
	} {
		_, err := Record(func(b Builder) { b.Output("y", b.Act(build(b), Relu())) })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestOneParamTwice: the same part of a tensor is one value, however it is written.
func TestOneParamTwice(t *testing.T) {
	g, err := Record(func(b Builder) {
		w := Param{Name: "w", Shape: Shape{3, 4}}
		x := b.Input("x", Float32, Shape{Batch, 3, 4})
		y := b.Add(b.Mul(x, b.Param(w)), b.Param(w.Pick(0, Prefix(3, 3)).Pick(1, Product(Prefix(2, 2), Prefix(2, 2)))))
		b.Output("y", y)
	})
	if err != nil {
		t.Fatal(err)
	}
	params := 0
	for _, v := range g.Values {
		if v.Param != nil {
			params++
		}
	}
	if params != 1 {
		t.Errorf("%d parameters, want 1", params)
	}
}

// TestMeanOfEverything: no axes are all axes, as in ONNX.
func TestMeanOfEverything(t *testing.T) {
	for _, keep := range []bool{true, false} {
		g, err := Record(func(b Builder) { b.Output("y", b.Mean(b.Input("x", Float32, Shape{Batch, 4, 6}), keep)) })
		if err != nil {
			t.Fatal(err)
		}
		want := Shape{}
		if keep {
			want = Shape{1, 1, 1}
		}
		if s := g.Values[g.Outputs[0]].Shape; !slices.Equal(s, want) || !slices.Equal(g.Nodes[0].Ints("axes"), []int64{0, 1, 2}) {
			t.Errorf("keep %t: %v over %v", keep, s, g.Nodes[0].Ints("axes"))
		}
	}
}

// TestOverlayOfSharedInitializer: what lies on top under a parameter's own name is for it alone.
func TestOverlayOfSharedInitializer(t *testing.T) {
	base := MapWeights{"m": FromFloat32s(Shape{1}, []float32{1})}
	p, q := Param{Name: "m", Shape: Shape{1}}, Param{Name: "m#2", From: "m", Shape: Shape{1}}
	for want, over := range map[float32]map[string]Tensor{
		1: {},
		2: {"m#2": FromFloat32s(Shape{1}, []float32{2})},
		3: {"m#2": FromFloat32s(Shape{1}, []float32{3}), "m": FromFloat32s(Shape{1}, []float32{9})},
	} {
		w := Overlay(Overlay(base, over), map[string]Tensor{"other": FromFloat32s(Shape{1}, []float32{7})})
		v, err := Fetch(w, q)
		if err != nil || v.Float32s()[0] != want {
			t.Errorf("%v, %v, want %g", v.Float32s(), err, want)
		}
		if v, err = Fetch(w, p); err != nil || v.Float32s()[0] != 1 && want < 3 {
			t.Errorf("the other parameter is %v, %v", v.Float32s(), err)
		}
	}
}
