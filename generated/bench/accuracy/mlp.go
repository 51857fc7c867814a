package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// The accuracy predictor of once-for-all (Cai et al. 2020): candidates as one-hot vectors, three layers of 400, Adam.
const (
	hidden = 400
	epochs = 200
	batch  = 32
	rate   = 1e-3
	decay  = 1e-4
)

// mlp trains a network on counted SubNets, and predicts accuracies of others.
func (b *bench) mlp(learnt []space.Genes, counts []int, judged []space.Genes) ([]float64, error) {
	m, err := newMLP(b.width())
	if err != nil {
		return nil, err
	}
	base := 0.0
	for _, n := range counts {
		base += float64(n) / float64(b.o.train) / float64(len(counts))
	}
	rng := rand.New(rand.NewPCG(3, 0))
	for epoch := range epochs {
		m.rate = rate / 2 * (1 + math.Cos(math.Pi*float64(epoch)/epochs))
		order := rng.Perm(len(learnt))
		for from := 0; from < len(order); from += batch {
			var x, y []float32
			for _, k := range order[from:min(from+batch, len(order))] {
				x = append(x, b.oneHot(learnt[k])...)
				y = append(y, float32(float64(counts[k])/float64(b.o.train)-base))
			}
			if err := m.step(x, y); err != nil {
				return nil, err
			}
		}
	}
	var x []float32
	for _, g := range judged {
		x = append(x, b.oneHot(g)...)
	}
	return m.run(x, len(judged))
}

func (b *bench) width() int {
	n := 0
	for _, c := range b.net.Choices {
		n += len(c.Values)
	}
	return n
}

// oneHot is the input that stands for g. Choices of removed blocks are zero.
func (b *bench) oneHot(g space.Genes) []float32 {
	x := make([]float32, 0, b.width())
	for i, c := range b.net.Choices {
		row := make([]float32, len(c.Values))
		if space.Holds(c.Live, g) {
			row[g[i]] = 1
		}
		x = append(x, row...)
	}
	return x
}

// network is a multi-layer perceptron under Adam.
type network struct {
	graph  *nn.Graph
	engine engine.Trainer
	params engine.Params
	width  int
	steps  int
	rate   float64
	m, v   map[string][]float32
}

func newMLP(width int) (*network, error) {
	n := &network{engine: embedded.New(embedded.Options{}), params: engine.Params{}, width: width, m: map[string][]float32{}, v: map[string][]float32{}}
	rng := rand.New(rand.NewPCG(4, 0))
	tensor := func(name string, scale float64, shape ...int) nn.Param {
		s := nn.Shape(shape)
		t := &engine.Trainable{Shape: s, Value: make([]float32, s.Count()), Grad: make([]float32, s.Count())}
		for k := range t.Value {
			t.Value[k] = float32(scale * rng.NormFloat64())
		}
		n.params[name], n.m[name], n.v[name] = t, make([]float32, s.Count()), make([]float32, s.Count())
		return nn.Param{Name: name, Shape: s}
	}
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, width})
		in := width
		for k := range 3 {
			x = b.Linear(x, nn.Linear{Weight: tensor(fmt.Sprint("w", k), math.Sqrt(2/float64(in)), in, hidden), Bias: tensor(fmt.Sprint("b", k), 0, hidden)})
			x = b.Act(x, nn.Relu())
			in = hidden
		}
		b.Output("y", b.Linear(x, nn.Linear{Weight: tensor("w", 0.01, in, 1)}))
	})
	n.graph = g
	return n, err
}

// step moves the parameters along the gradient of the root mean squared error.
func (n *network) step(x, y []float32) error {
	t, err := n.engine.Train(n.graph, n.params)
	if err != nil {
		return err
	}
	out, err := t.Forward(nn.FromFloat32s(nn.Shape{len(y), n.width}, x))
	if err != nil {
		return err
	}
	diff, sum := make([]float32, len(y)), 1e-12
	for k, v := range out[0].Float32s() {
		diff[k] = v - y[k]
		sum += float64(diff[k]) * float64(diff[k])
	}
	for k := range diff {
		diff[k] /= float32(math.Sqrt(sum * float64(len(y))))
	}
	if err := t.Backward(nn.FromFloat32s(nn.Shape{len(y), 1}, diff)); err != nil {
		return err
	}
	n.steps++
	for name, p := range n.params {
		n.adam(p, n.m[name], n.v[name])
	}
	return t.Close()
}

func (n *network) adam(p *engine.Trainable, m, v []float32) {
	const b1, b2 = 0.9, 0.999
	c1, c2 := 1-math.Pow(b1, float64(n.steps)), 1-math.Pow(b2, float64(n.steps))
	for k, g := range p.Grad {
		g += decay * p.Value[k]
		m[k], v[k] = b1*m[k]+(1-b1)*g, b2*v[k]+(1-b2)*g*g
		p.Value[k] -= float32(n.rate * float64(m[k]) / c1 / (math.Sqrt(float64(v[k])/c2) + 1e-8))
		p.Grad[k] = 0
	}
}

func (n *network) run(x []float32, count int) ([]float64, error) {
	t, err := n.engine.Train(n.graph, n.params)
	if err != nil {
		return nil, err
	}
	out, err := t.Forward(nn.FromFloat32s(nn.Shape{count, n.width}, x))
	if err != nil {
		return nil, err
	}
	y := make([]float64, count)
	for k, v := range out[0].Float32s() {
		y[k] = float64(v)
	}
	return y, t.Close()
}
