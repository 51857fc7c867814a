package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// product is what a convolution or matrix product is made of.
type product struct {
	g      kernel.Window
	params kernel.TrainableParams
	batch  int // images
}

// product emits a convolution or matrix product with weights w and perhaps a bias.
func (p *plan) product(d product, x, y, w, bias *variable) {
	c, batch := p.ISA.NewTrainable(d.g, d.params, p.memory.floats), d.batch
	y.joins = bias == nil && p.ISA.Joins(d.g, d.params, batch)
	y.columns = d.params.Out
	x.left = x.left || x.adds && x.uses == 0 && y.joins
	in, index := []*variable{x, w}, len(p.steps)
	if bias != nil {
		in = append(in, bias)
	}
	p.emit(in, []*variable{y}, func(t *kernel.Team) {
		var b []float32
		if bias != nil {
			b = bias.data
		}
		c.SetWeights(t, w.data, b)
		from := x.operand()
		if from.Sum, x.sum = x.sum, nil; y.moments != nil {
			c.ForwardMoments(t, from, y.data, batch, y.moments)
			return
		}
		if from.Sum != nil {
			from.Sum.Run(t)
		}
		c.Forward(t, x.data, y.data, batch)
	}, func(t *kernel.Team) {
		if y.deferred != nil {
			p.joined(t, c, x, y, w, batch, x.first == index)
			return
		}
		if w.wants {
			if !w.touched {
				w.touched = true
				clear(w.grad)
			}
			c.Weights(t, x.data, y.grad, w.grad, batch)
		}
		if bias != nil {
			p.receive(t, bias, func(g []float32) { p.ISA.ColumnSums(t, g, y.grad) })
		}
		p.receive(t, x, func(g []float32) { c.Operand(t, y.grad, g, batch) })
	})
}

// joined runs a product backward whose gradient with respect to the result is computed where it is used. It may be the last step that adds to the gradient
// with respect to x, which is then complete.
func (p *plan) joined(t *kernel.Team, c *kernel.Trainable, x, y, w *variable, batch int, last bool) {
	var dw []float32
	if w.wants {
		if dw = w.grad; !w.touched {
			w.touched = true
			clear(dw)
		}
	}
	g := kernel.Gradients{Weights: dw}
	if x.wants {
		g.Operand, g.Add, x.touched = x.grad, x.touched, true
	}
	if x.wants && last {
		same := x.terms // the gradient with respect to each of these is the one with respect to x
		if g.Inside = x.inside; same == nil {
			same = []*variable{x}
		} else {
			x.gated = x.inside != nil
		}
		for _, z := range same {
			if z.norm != nil && z.wants && (z == x || z.uses == 1) {
				sums := z.norm.SumsOf(z.from.data)
				sums.And, g.Sums, z.summed = g.Sums, sums, true
			}
		}
	}
	c.BackwardOf(t, y.deferred, x.operand(), batch, g)
	y.deferred = nil
}

// operand is what a product reads.
func (v *variable) operand() kernel.Operand {
	if v.data == nil {
		return kernel.Operand{X: v.from.data, Norm: v.norm}
	}
	return kernel.Operand{X: v.data}
}

// convolution reads the attributes of one.
func (p *plan) convolution(n Node) (product, error) {
	xs, ws, groups := p.Shape(n.In[0]), p.Shape(n.In[1]), n.Integer("group", 1)
	if len(xs) != len(ws) {
		return product{}, fmt.Errorf("input of rank %d and weight of rank %d", len(xs), len(ws))
	}
	g, err := kernel.WindowOf(n.Node, xs, ws[2:])
	if err != nil {
		return product{}, err
	}
	if groups < 1 || ws[0]%groups != 0 || xs[1] != ws[1]*groups {
		return product{}, fmt.Errorf("%d input channels in %d groups do not fit weight %v", xs[1], groups, ws)
	}
	c := kernel.ConvWeights(g, xs[1], ws[0], groups)
	c.Windows = &p.memory.windows
	return product{g, c, xs[0]}, nil
}

func makeConv(p *plan, n Node) error {
	c, err := p.convolution(n)
	if err != nil {
		return err
	}
	w, err := p.want(n.In[1], Plain(len(p.Shape(n.In[1]))))
	if err != nil {
		return err
	}
	var bias *variable
	if n.Has(2) {
		if bias, err = p.want(n.In[2], Plain(1)); err != nil {
			return err
		}
	}
	order := ChannelsLast(len(p.Shape(n.In[0])))
	x, err := p.want(n.In[0], order)
	if err != nil {
		return err
	}
	y := p.produce(n.Out[0], order, x, w)
	y.wants = y.wants || bias != nil && bias.wants
	p.product(c, x, y, w, bias)
	return nil
}

func makeGemm(p *plan, n Node) error {
	xs, ws := p.Shape(n.In[0]), p.Shape(n.In[1])
	if len(xs) != 2 || len(ws) != 2 || n.Integer("transA", 0) != 0 || n.Float("alpha", 1) != 1 || n.Float("beta", 1) != 1 {
		return fmt.Errorf("only x*W + bias of matrices with x as it stands can be trained, not shapes %v and %v", xs, ws)
	}
	var bias *variable
	if n.Has(2) {
		b, err := p.want(n.In[2], Plain(len(p.Shape(n.In[2]))))
		if err != nil {
			return err
		}
		if s := p.Shape(n.In[2]); s.Count() != p.Shape(n.Out[0])[1] {
			return fmt.Errorf("a bias of shape %v cannot be trained", s)
		}
		bias = b
	}
	return p.linear(n, n.Integer("transB", 0) != 0, bias)
}

// linear emits x times a matrix, which may be stored the other way round.
func (p *plan) linear(n Node, transposed bool, bias *variable) error {
	w, err := p.want(n.In[1], Plain(2))
	if err != nil {
		return err
	}
	xs, ws := p.Shape(n.In[0]), p.Shape(n.In[1])
	rank := len(xs)
	x, err := p.want(n.In[0], Plain(rank))
	if err != nil {
		return err
	}
	k, cols := ws[0], ws[1]
	layout := kernel.Layout{Taps: 1, K: k, N: cols, KStride: cols, NStride: 1}
	if transposed {
		k, cols = cols, k
		layout = kernel.Layout{Taps: 1, K: k, N: cols, KStride: 1, NStride: k}
	}
	if xs[rank-1] != k {
		return fmt.Errorf("input %v does not fit a %dx%d matrix", xs, k, cols)
	}
	y := p.produce(n.Out[0], Plain(rank), x, w)
	y.wants = y.wants || bias != nil && bias.wants
	c := kernel.TrainableParams{In: k, Out: cols, Groups: 1, Layout: layout}
	p.product(product{kernel.Pixel(), c, xs.Count() / k}, x, y, w, bias)
	return nil
}

func makeMatMul(p *plan, n Node) error {
	xs, ys := p.Shape(n.In[0]), p.Shape(n.In[1])
	if len(xs) < 2 || len(ys) < 2 {
		return fmt.Errorf("operands of rank %d and %d, matrices are needed", len(xs), len(ys))
	}
	if len(ys) == 2 {
		return p.linear(n, false, nil)
	}
	x, err := p.want(n.In[0], Plain(len(xs)))
	if err != nil {
		return err
	}
	y, err := p.want(n.In[1], Plain(len(ys)))
	if err != nil {
		return err
	}
	z := p.produce(n.Out[0], Plain(len(p.Shape(n.Out[0]))), x, y)
	m, k, cols := xs[len(xs)-2], xs[len(xs)-1], ys[len(ys)-1]
	xat, yat := Pairs(xs[:len(xs)-2], ys[:len(ys)-2])
	c := p.ISA.NewMatrices(m, k, cols, xat, yat)
	p.emit([]*variable{x, y}, []*variable{z},
		func(t *kernel.Team) { c.Forward(t, z.data, x.data, y.data) },
		func(t *kernel.Team) {
			p.receive(t, x, func(g []float32) { c.Left(t, g, z.grad, y.data) })
			p.receive(t, y, func(g []float32) { c.Right(t, g, z.grad, x.data) })
		})
	return nil
}
