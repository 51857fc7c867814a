package onnxfile_test

import (
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// TestFoldSharedWeights: a tensor that others read too keeps its values, be it one parameter twice or two of one initializer. A weight that several
// products use stays one, so their normalisations stay.
func TestFoldSharedWeights(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 8, 8})
		p := func(name, from string, shape ...int) nn.Param { return nn.Param{Name: name, From: from, Shape: shape} }
		conv := func(name string) nn.Value {
			return b.Conv(x, nn.Conv{Name: name, Weight: p("w", "", 3, 3, 3, 3), Bias: p(name+".b", "", 3), Kernel: []int{3, 3}, Pads: []int{1, 1, 1, 1}})
		}
		norm := func(name, from string, y nn.Value) nn.Value {
			return b.BatchNorm(y, nn.BatchNorm{
				Name: name, Scale: p(name+".s", "", 3), Bias: p(name+".b", from, 3), Mean: p(name+".m", "", 3), Var: p(name+".v", "", 3), Epsilon: 1e-5,
			})
		}
		y := b.Add(norm("n1", "", conv("c1")), norm("n2", "", conv("c2")))
		z := b.Conv(y, nn.Conv{Name: "c3", Weight: p("w#2", "w", 3, 3, 3, 3), Kernel: []int{3, 3}, Pads: []int{1, 1, 1, 1}})
		z = b.Add(norm("n3", "c1.b", z), norm("n4", "n3.b", y)) // n4 stands alone
		b.Output("y", b.Add(z, conv("c4")))
	})
	if err != nil {
		t.Fatal(err)
	}
	w := weights(g)
	folded, fw, err := nn.FoldBatchNorm(g, w)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, n := range folded.Nodes {
		if n.Type == "BatchNormalization" {
			left++
		}
	}
	if left != 3 {
		t.Errorf("%d normalisations are left, want those of w and that which stands alone", left)
	}
	e := embedded.New(embedded.Options{})
	if a, b := run(t, e, g, w), run(t, e, folded, fw); !near(a, b) {
		t.Errorf("%v, folded %v", a[:6], b[:6])
	}
	m, err := onnxfile.Proto(folded, fw, onnxfile.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range m.GetGraph().GetInitializer() {
		names = append(names, i.GetName())
	}
	if slices.Sort(names); len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("two initializers have one name: %v", names)
	}
}

// TestFoldKeepsWhatIsRead: a convolution whose result is used without the normalisation too, or is an output, stays as it is.
func TestFoldKeepsWhatIsRead(t *testing.T) {
	for _, output := range []bool{true, false} {
		g, err := nn.Record(func(b nn.Builder) {
			x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 8, 8})
			p := func(name string, shape ...int) nn.Param { return nn.Param{Name: name, Shape: shape} }
			y := b.Conv(x, nn.Conv{Name: "c", Weight: p("w", 3, 3, 1, 1), Kernel: []int{1, 1}})
			z := b.BatchNorm(y, nn.BatchNorm{Name: "n", Scale: p("s", 3), Bias: p("b", 3), Mean: p("m", 3), Var: p("v", 3), Epsilon: 1e-5})
			if output {
				b.Output("z", z)
				b.Output("y", y)
				return
			}
			b.Output("z", b.Add(z, y))
		})
		if err != nil {
			t.Fatal(err)
		}
		w := weights(g)
		folded, fw, err := nn.FoldBatchNorm(g, w)
		if err != nil {
			t.Fatal(err)
		}
		e := embedded.New(embedded.Options{})
		if a, b := run(t, e, g, w), run(t, e, folded, fw); len(folded.Nodes) != len(g.Nodes) || !near(a, b) {
			t.Errorf("output %v: %d nodes of %d", output, len(folded.Nodes), len(g.Nodes))
		}
	}
}

// TestFoldProducts: normalisations of the last axis of a product of matrices fold, through reshapes too, and others do not.
func TestFoldProducts(t *testing.T) {
	p := func(name string, shape ...int) nn.Param { return nn.Param{Name: name, Shape: shape} }
	norm := func(n int) nn.BatchNorm {
		return nn.BatchNorm{Name: "n", Scale: p("s", n), Bias: p("sb", n), Mean: p("m", n), Var: p("v", n), Epsilon: 1e-5}
	}
	tokens := func(b nn.Builder) nn.Value {
		return b.Reshape(b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 8, 8}), nn.Shape{nn.Batch, 48, 4})
	}
	vector := func(b nn.Builder) nn.Value { return b.Flatten(tokens(b), 1) }
	rows := func(b nn.Builder, y nn.Value, n int) nn.Value { return b.Reshape(y, nn.Shape{48 * nn.Batch, n}) }
	for name, c := range map[string]struct {
		build func(b nn.Builder) nn.Value
		left  int
	}{
		"MatMul": {func(b nn.Builder) nn.Value {
			return b.BatchNorm(b.Linear(vector(b), nn.Linear{Name: "l", Weight: p("w", 192, 5)}), norm(5))
		}, 0},
		"MatMul and bias": {func(b nn.Builder) nn.Value {
			return b.BatchNorm(b.Linear(vector(b), nn.Linear{Name: "l", Weight: p("w", 192, 5), Bias: p("b", 5), BiasName: "a"}), norm(5))
		}, 0},
		"Gemm": {func(b nn.Builder) nn.Value {
			return b.BatchNorm(b.Linear(vector(b), nn.Linear{Name: "l", Weight: p("w", 192, 5), Bias: p("b", 1)}), norm(5))
		}, 0},
		"transposed Gemm": {func(b nn.Builder) nn.Value {
			return b.BatchNorm(b.Linear(vector(b), nn.Linear{Name: "l", Weight: p("w", 5, 192), TransB: true}), norm(5))
		}, 0},
		"tokens": {func(b nn.Builder) nn.Value {
			y := rows(b, b.Linear(tokens(b), nn.Linear{Name: "l", Weight: p("w", 4, 5)}), 5)
			return b.Reshape(b.BatchNorm(y, norm(5)), nn.Shape{nn.Batch, 48, 5})
		}, 0},
		"tokens and bias": {func(b nn.Builder) nn.Value {
			y := rows(b, b.Linear(tokens(b), nn.Linear{Name: "l", Weight: p("w", 4, 5), Bias: p("b", 5), BiasName: "a"}), 5)
			return b.Reshape(b.BatchNorm(y, norm(5)), nn.Shape{nn.Batch, 48, 5})
		}, 0},
		"scaled Gemm": {func(b nn.Builder) nn.Value {
			return b.BatchNorm(b.Linear(vector(b), nn.Linear{Name: "l", Weight: p("w", 5, 192), TransB: true, Alpha: 0.5}), norm(5))
		}, 1},
		"other axis": {func(b nn.Builder) nn.Value {
			return b.BatchNorm(b.Linear(tokens(b), nn.Linear{Name: "l", Weight: p("w", 4, 48)}), norm(48))
		}, 1},
		"reshape of channels": {func(b nn.Builder) nn.Value {
			y := b.Linear(tokens(b), nn.Linear{Name: "l", Weight: p("w", 4, 5)})
			return b.BatchNorm(b.Reshape(y, nn.Shape{nn.Batch, 240}), norm(240))
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := nn.Record(func(b nn.Builder) { b.Output("y", b.Act(c.build(b), nn.Relu())) })
			if err != nil {
				t.Fatal(err)
			}
			w := weights(g)
			folded, fw, err := nn.FoldBatchNorm(g, w)
			if err != nil {
				t.Fatal(err)
			}
			left := 0
			for _, n := range folded.Nodes {
				if n.Type == "BatchNormalization" {
					left++
				}
			}
			e := embedded.New(embedded.Options{})
			if a, b := run(t, e, g, w), run(t, e, folded, fw); left != c.left || !near(a, b) {
				t.Errorf("%d normalisations are left, want %d; %v, folded %v", left, c.left, a, b)
			}
			m, err := onnxfile.Proto(folded, fw, onnxfile.WriteOptions{})
			if err != nil || len(m.GetGraph().GetNode()) != len(folded.Nodes) {
				t.Errorf("written: %v", err)
			}
		})
	}
}

// TestFoldAhead: a normalisation before a Gemm goes into it, with and without a bias, unless others read it, too.
func TestFoldAhead(t *testing.T) {
	for name, c := range map[string]struct {
		bias, shared bool
		left         int
	}{"bias": {true, false, 0}, "no bias": {false, false, 0}, "others read it": {true, true, 1}} {
		g, err := nn.Record(func(b nn.Builder) {
			p := func(name string, shape ...int) nn.Param { return nn.Param{Name: name, Shape: shape} }
			x := b.Mean(b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 8, 8}), false, 2, 3)
			x = b.BatchNorm(x, nn.BatchNorm{Name: "n", Scale: p("s", 3), Bias: p("b", 3), Mean: p("m", 3), Var: p("v", 3), Epsilon: 1e-5})
			l := nn.Linear{Name: "l", Weight: p("w", 4, 3), TransB: true}
			if c.bias {
				l.Bias = p("lb", 4)
			}
			b.Output("y", b.Linear(x, l))
			if c.shared {
				b.Output("z", x)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		w := weights(g)
		folded, fw, err := nn.FoldBatchNorm(g, w)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(g.Nodes) - len(folded.Nodes); n != 1-c.left {
			t.Errorf("%s: %d nodes are gone, want %d", name, n, 1-c.left)
		}
		e := embedded.New(embedded.Options{})
		if a, b := run(t, e, g, w), run(t, e, folded, fw); !near(a, b) {
			t.Errorf("%s: %v, folded %v", name, a, b)
		}
	}
}
