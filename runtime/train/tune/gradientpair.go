package tune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// pair is one SubNet in both engines.
type pair struct {
	rng    *rand.Rand
	batch  int
	store  *store // with our gradients
	theirs engine.Params
	whole  *nn.Graph
	net    *nn.Graph // without what the other engine lacks
	lacks  map[int]string
	by     [2]engine.Trainer
}

func (c *GradientCheck) pair(g space.Genes, rng *rand.Rand) (*pair, error) {
	s, err := newStore(c.Net, c.Weights, c.Transforms)
	if err != nil {
		return nil, err
	}
	p := &pair{rng: rng, batch: c.Batch, store: s, theirs: engine.Params{}, by: [2]engine.Trainer{c.Engine, c.Against}}
	for name, t := range s.params {
		p.theirs[name] = &engine.Trainable{Shape: t.Shape, Value: t.Value, Grad: make([]float32, len(t.Grad))}
		if t.Grad == nil {
			p.theirs[name].Grad = nil
		}
	}
	if p.whole, err = c.Net.Record(g); err != nil {
		return nil, err
	}
	p.lacks = c.Against.Lacks(p.whole, p.theirs)
	p.net = cut(p.whole, p.lacks)
	return p, nil
}

// parameter is one number of a tensor.
type parameter struct {
	tensor  string
	element int
}

// draw draws parameters of the tensors that the SubNet uses, and notes those that cannot be compared.
func (p *pair) draw(n int, r *GradientReport) []parameter {
	for i := range p.whole.Nodes {
		if why := p.lacks[i]; why != "" {
			r.lacking(p.whole.Nodes[i].Type, why)
		}
	}
	left, all := map[string]bool{}, map[string]nn.Param{}
	used := map[string]bool{}
	p.store.uses(p.whole, used)
	p.store.uses(p.visible(), left)
	for _, v := range p.whole.Values {
		if v.Param != nil {
			all[v.Param.Name] = *v.Param
		}
	}
	var names []string
	for _, name := range p.store.trains {
		if used[name] {
			names = append(names, name)
		}
	}
	p.rng.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	var out []parameter
	for i := range n {
		name := names[i%len(names)]
		if !left[name] {
			r.skipped("the operators that use it are lacking")
			continue
		}
		out = append(out, parameter{name, p.element(name, all[name])})
	}
	return out
}

// visible is the network with the values that its nodes read, and no others.
func (p *pair) visible() *nn.Graph {
	g := &nn.Graph{Values: make([]nn.Info, len(p.net.Values))}
	for _, n := range p.net.Nodes {
		for _, v := range n.In {
			g.Values[v] = p.net.Values[v]
		}
	}
	return g
}

// element draws an element of a tensor that the SubNet uses, where it uses plain parts; of others any.
func (p *pair) element(name string, param nn.Param) int {
	if list, err := p.theirs.Positions(param); err == nil && len(param.Grids) == 0 {
		return int(list[p.rng.IntN(len(list))])
	}
	return p.rng.IntN(len(p.theirs[name].Value))
}

// compare compares the gradients with respect to parameters, on further batches where they differ on the first.
func (p *pair) compare(ctx context.Context, list []parameter, subnet string, r *GradientReport, tensors map[string]bool) error {
	r.Compared += len(list)
	for k := 0; k < batches && len(list) > 0; k++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.run(); err != nil {
			return err
		}
		scale := p.scale()
		var differ []parameter
		for _, q := range list {
			tensors[q.tensor] = true
			d := p.difference(q, scale)
			d.SubNet = subnet
			if d.Relative > agree && k < batches-1 {
				differ = append(differ, q)
				continue
			}
			if k > 0 && d.Relative <= agree {
				r.Kinks++
			}
			r.Agrees = r.Agrees && d.Relative <= agree
			if r.Largest == nil || d.Relative > r.Largest.Relative {
				r.Largest = &d
			}
		}
		list = differ
	}
	return nil
}

// run computes the gradients of both engines for the same random inputs, and random gradients with respect to the outputs.
func (p *pair) run() error {
	var in, grads []nn.Tensor
	made := nn.Feed{Weights: p.store.params.Weights()}.Inputs(p.net.Bind(p.batch))
	for k, v := range p.net.Inputs {
		if made[k].Type == nn.Float32 { // anew in each run
			made[k] = p.random(v)
		}
		in = append(in, made[k])
	}
	for _, v := range p.net.Outputs {
		grads = append(grads, p.random(v))
	}
	for i, params := range []engine.Params{p.store.params, p.theirs} {
		for _, t := range params {
			clear(t.Grad)
		}
		if err := differentiate(p.by[i], p.net, params, in, grads); err != nil {
			return fmt.Errorf("%s: %w", p.by[i].Info().Name, err)
		}
	}
	return nil
}

func differentiate(e engine.Trainer, net *nn.Graph, params engine.Params, in, grads []nn.Tensor) (err error) {
	t, err := e.Train(net, params)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if _, err := t.Forward(in...); err != nil {
		return err
	}
	return t.Backward(grads...)
}

// random makes a value of the network up.
func (p *pair) random(v nn.Value) nn.Tensor {
	s := p.net.Values[v].Shape.Bind(p.batch)
	data := make([]float32, s.Count())
	for i := range data {
		data[i] = float32(p.rng.NormFloat64())
	}
	return nn.FromFloat32s(s, data)
}

// scale is the root mean square of all of their gradients.
func (p *pair) scale() float64 {
	sum, n := 0.0, 0
	for _, t := range p.theirs {
		for _, v := range t.Grad {
			if v != 0 {
				sum, n = sum+float64(v)*float64(v), n+1
			}
		}
	}
	return math.Sqrt(sum / float64(max(n, 1)))
}

// difference is relative to the gradient, or to those of its tensor where they are larger. A gradient that is zero but for rounding, such as that
// of a shift which a normalisation takes away, is held against a tenth of what gradients are in the network.
func (p *pair) difference(q parameter, scale float64) Difference {
	ours, theirs := p.store.params[q.tensor].Grad, p.theirs[q.tensor].Grad
	a, b := float64(ours[q.element]), float64(theirs[q.element])
	sum := 0.0
	for _, v := range theirs {
		sum += float64(v) * float64(v)
	}
	d := math.Abs(a-b) / max(math.Abs(a), math.Abs(b), math.Sqrt(sum/float64(len(theirs))), scale/10, math.SmallestNonzeroFloat32)
	if math.IsNaN(d) {
		d = math.Inf(1)
	}
	return Difference{Relative: d, Tensor: q.tensor, Element: q.element, Ours: a, Theirs: b}
}
