//go:build !riscv64

package gorgonia_test

import (
	"slices"
	"testing"

	g "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
)

// lenet is what Gorgonia can differentiate by itself: convolutions, Relu, pooling and a product.
func lenet(b nn.Builder) {
	x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 32, 32})
	x = b.Act(b.Conv(x, nn.Conv{Name: "a", Weight: param("a", 8, 3, 3, 3), Kernel: []int{3, 3}, Pads: []int{1, 1, 1, 1}}), nn.Relu())
	x = b.Pool(x, nn.Pool{Kind: nn.Max, Kernel: []int{2, 2}, Strides: []int{2, 2}})
	x = b.Act(b.Conv(x, nn.Conv{Name: "b", Weight: param("b", 16, 8, 3, 3), Kernel: []int{3, 3}, Pads: []int{1, 1, 1, 1}}), nn.Relu())
	x = b.Flatten(b.Pool(x, nn.Pool{Kind: nn.Max, Kernel: []int{2, 2}, Strides: []int{2, 2}}), 1)
	b.Output("y", b.Linear(x, nn.Linear{Name: "c", Weight: param("c", 1024, 10)}))
}

// expression is lenet in Gorgonia; its cost is the sum of the outputs times weights.
type expression struct {
	vm            g.VM
	x, out, scale *g.Node
	params        map[string]*g.Node
	grads         map[string]*g.Node
}

func newExpression(t testing.TB, batch int, w nn.MapWeights) *expression {
	t.Helper()
	graph := g.NewGraph()
	node := func(name string, s ...int) *g.Node {
		return g.NewTensor(graph, tensor.Float32, len(s), g.WithShape(s...), g.WithName(name))
	}
	e := &expression{x: node("x", batch, 3, 32, 32), scale: node("scale", batch, 10), params: map[string]*g.Node{}, grads: map[string]*g.Node{}}
	for name, v := range w {
		e.params[name] = node(name, v.Shape...)
		if err := g.Let(e.params[name], tensor.New(tensor.WithShape(v.Shape...), tensor.WithBacking(v.Float32s()))); err != nil {
			t.Fatal(err)
		}
	}
	block := func(x, w *g.Node) *g.Node {
		y := g.Must(g.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))
		return g.Must(g.MaxPool2D(g.Must(g.Rectify(y)), tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
	}
	y := g.Must(g.Reshape(block(block(e.x, e.params["a"]), e.params["b"]), tensor.Shape{batch, 1024}))
	e.out = g.Must(g.Mul(y, e.params["c"]))
	cost := g.Must(g.Sum(g.Must(g.HadamardProd(e.out, e.scale))))
	names := []string{"a", "b", "c"}
	grads, err := g.Grad(cost, e.params["a"], e.params["b"], e.params["c"])
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		e.grads[name] = grads[i]
	}
	e.vm = g.NewTapeMachine(graph)
	return e
}

// run computes gradients with respect to the parameters.
func (e *expression) run(t testing.TB, x, scale nn.Tensor) {
	t.Helper()
	for n, v := range map[*g.Node]nn.Tensor{e.x: x, e.scale: scale} {
		if err := g.Let(n, tensor.New(tensor.WithShape(v.Shape...), tensor.WithBacking(slices.Clone(v.Float32s())))); err != nil {
			t.Fatal(err)
		}
	}
	e.vm.Reset()
	if err := e.vm.RunAll(); err != nil {
		t.Fatal(err)
	}
}

// outputs are weights of lenet's outputs.
func outputs(batch int) nn.Tensor {
	return nn.FromFloat32s(nn.Shape{batch, 10}, picture(batch).Float32s()[:batch*10])
}

// trained runs our own training of lenet once.
func trained(t testing.TB, training engine.Training, x, scale nn.Tensor) {
	t.Helper()
	if _, err := training.Forward(x); err != nil {
		t.Fatal(err)
	}
	if err := training.Backward(scale); err != nil {
		t.Fatal(err)
	}
}

func trainer(t testing.TB) (engine.Training, engine.Params, nn.MapWeights) {
	t.Helper()
	graph, w := made(t, lenet)
	params := engine.Params{}
	for name, v := range w {
		params[name] = &engine.Trainable{Shape: v.Shape, Value: v.Float32s(), Grad: make([]float32, v.Shape.Count())}
	}
	training, err := embedded.New(embedded.Options{Threads: 1}).Train(graph, params)
	if err != nil {
		t.Fatal(err)
	}
	return training, params, w
}

// TestDerivativesAgree compares our derivatives of a whole network with those of Gorgonia's own operators and differentiation.
func TestDerivativesAgree(t *testing.T) {
	const batch = 4
	training, params, w := trainer(t)
	trained(t, training, picture(batch), outputs(batch))
	e := newExpression(t, batch, w)
	e.run(t, picture(batch), outputs(batch))
	for name, node := range e.grads {
		want, ok := node.Value().Data().([]float32)
		if !ok {
			t.Fatalf("derivatives by %s are %T", name, node.Value().Data())
		}
		if d := distance(params[name].Grad, want); !(d < 1e-5) {
			t.Errorf("derivatives by %s are %g off", name, d)
		}
	}
}

// BenchmarkTraining is forward and backward of lenet, 16 images on one thread.
func BenchmarkTraining(b *testing.B) {
	const batch = 16
	training, _, w := trainer(b)
	x, scale := picture(batch), outputs(batch)
	b.Run("embedded", func(b *testing.B) {
		for b.Loop() {
			trained(b, training, x, scale)
		}
	})
	b.Run("gorgonia", func(b *testing.B) {
		e := newExpression(b, batch, w)
		for b.Loop() {
			e.run(b, x, scale)
		}
	})
}
