package supernet_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/supernet"
)

func param(name string, shape ...int) nn.Param { return nn.Param{Name: name, Shape: shape} }

func norm(name string, n int) nn.BatchNorm {
	return nn.BatchNorm{Name: name, Scale: param(name+".s", n), Bias: param(name+".b", n), Mean: param(name+".m", n), Var: param(name+".v", n), Epsilon: 1e-5}
}

func of(t *testing.T, build func(b nn.Builder)) supernet.Counts {
	t.Helper()
	g, err := nn.Record(build)
	if err != nil {
		t.Fatal(err)
	}
	return supernet.Count(g)
}

func image(b nn.Builder) nn.Value { return b.Input("x", nn.Float32, nn.Shape{nn.Batch, 6, 10, 10}) }

// TestByHand compares with numbers that were worked out on paper.
func TestByHand(t *testing.T) {
	conv := nn.Conv{Name: "c", Weight: param("w", 8, 3, 3, 3), Kernel: []int{3, 3}, Strides: []int{2, 2}, Groups: 2}
	biased := conv
	biased.Bias = param("b", 8)
	const macs, weights = 8 * 4 * 4 * 3 * 9, 8 * 3 * 9 // 4x4 output pixels
	for name, c := range map[string]struct {
		build func(b nn.Builder)
		want  supernet.Counts
	}{
		"grouped":      {func(b nn.Builder) { b.Output("y", b.Conv(image(b), conv)) }, supernet.Counts{MACs: macs, Params: weights}},
		"with bias":    {func(b nn.Builder) { b.Output("y", b.Conv(image(b), biased)) }, supernet.Counts{MACs: macs, Params: weights + 8}},
		"norm is bias": {func(b nn.Builder) { b.Output("y", b.BatchNorm(b.Conv(image(b), conv), norm("n", 8))) }, supernet.Counts{MACs: macs, Params: weights + 8}},
		"bias and norm": {func(b nn.Builder) { b.Output("y", b.BatchNorm(b.Conv(image(b), biased), norm("n", 8))) },
			supernet.Counts{MACs: macs, Params: weights + 8}},
		"norm alone": {func(b nn.Builder) { b.Output("y", b.BatchNorm(image(b), norm("n", 6))) }, supernet.Counts{Params: 24}},
		"norm of one of two readers": {func(b nn.Builder) {
			y := b.Conv(image(b), conv)
			b.Output("y", b.Add(y, b.BatchNorm(y, norm("n", 8))))
		}, supernet.Counts{MACs: macs, Params: weights + 32}},
		"norm of an output": {func(b nn.Builder) {
			y := b.Conv(image(b), conv)
			b.Output("y", y)
			b.Output("z", b.BatchNorm(y, norm("n", 8)))
		}, supernet.Counts{MACs: macs, Params: weights + 32}},
		"table of 40 numbers, and one of 2": {func(b nn.Builder) {
			for k, list := range [][]float32{make([]float32, 40), {1, 2}} {
				y := b.Reshape(b.Floats(list...), nn.Shape{len(list), 1})
				b.Output(fmt.Sprint("y", k), y)
			}
		}, supernet.Counts{Params: 40}},
		"gemm": {func(b nn.Builder) {
			b.Output("y", b.Linear(b.Flatten(image(b), 1), nn.Linear{Name: "f", Weight: param("f", 5, 600), Bias: param("fb", 5), TransB: true}))
		}, supernet.Counts{MACs: 3000, Params: 3005}},
		"product, bias and norm": {func(b nn.Builder) {
			y := b.Linear(b.Flatten(image(b), 1), nn.Linear{Name: "f", Weight: param("f", 600, 5), Bias: param("fb", 5), BiasName: "add"})
			b.Output("y", b.BatchNorm(y, norm("n", 5)))
		}, supernet.Counts{MACs: 3000, Params: 3005}},
		"product and norm": {func(b nn.Builder) {
			b.Output("y", b.BatchNorm(b.Linear(b.Flatten(image(b), 1), nn.Linear{Name: "f", Weight: param("f", 600, 5)}), norm("n", 5)))
		}, supernet.Counts{MACs: 3000, Params: 3005}},
		"product and norm of another axis": {func(b nn.Builder) {
			x := b.Reshape(image(b), nn.Shape{nn.Batch, 6, 100})
			b.Output("y", b.BatchNorm(b.Linear(x, nn.Linear{Name: "f", Weight: param("f", 100, 7)}), norm("n", 6)))
		}, supernet.Counts{MACs: 4200, Params: 724}},
		"tokens": {func(b nn.Builder) {
			x := b.Reshape(image(b), nn.Shape{nn.Batch, 6, 100})
			y := b.Linear(x, nn.Linear{Name: "f", Weight: param("f", 100, 7)}) // 6 x 100 x 7
			b.Output("y", b.MatMul(b.Transpose(y, 0, 2, 1), y))                // 7 x 6 x 7
		}, supernet.Counts{MACs: 4200 + 294, Params: 700}},
		"cut": {func(b nn.Builder) {
			b.Output("y", b.Conv(image(b), nn.Conv{Name: "c", Weight: param("w", 8, 12, 1, 1), Kernel: []int{1, 1}}.Out(5).In(6)))
		}, supernet.Counts{MACs: 5 * 6 * 100, Params: 30}},
	} {
		if got := of(t, c.build); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestSumOfOperators: parameters are those of the operators that each normalisation joins to the product before it.
func TestSumOfOperators(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		var groups [][]int
		g, err := nn.Record(func(b nn.Builder) {
			x, channels, node := image(b), 6, 0
			add := func(y nn.Value, nodes int) nn.Value {
				group := []int{node}
				if nodes == 2 {
					group = append(group, node+1)
				}
				node += nodes
				groups = append(groups, group)
				return y
			}
			for k := range 1 + rng.IntN(6) {
				name := fmt.Sprint("n", k)
				c := nn.Conv{Name: name, Weight: param(name+".w", channels, channels, 1, 1), Kernel: []int{1, 1}}
				if rng.IntN(2) == 0 {
					c.Bias = param(name+".bias", channels)
				}
				switch rng.IntN(4) {
				case 0:
					x = add(b.Conv(x, c), 1)
				case 1:
					x = add(b.BatchNorm(b.Conv(x, c), norm(name, channels)), 2)
				case 2:
					x = add(b.Act(x, nn.Relu()), 1)
					x = add(b.BatchNorm(x, norm(name, channels)), 1)
				case 3:
					x = add(b.Mul(x, b.Param(param(name+".scale", channels, 1, 1))), 1)
				}
			}
			b.Output("y", add(b.Act(x, nn.Relu()), 1))
		})
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		bound := g.Bind(1)
		for _, group := range groups {
			o, err := supernet.OpOf(bound, group)
			if err != nil {
				t.Fatal(err)
			}
			sum += o.ParamCount()
		}
		if got := supernet.Count(g); got.Params != sum {
			t.Errorf("%d parameters, the operators have %d", got.Params, sum)
		}
	}
}
