package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

func lowerGemm(c *compiler, n node) error {
	weight, ws, err := c.floats(n.In[1])
	if err != nil {
		return err
	}
	x := c.Shape(n.In[0])
	if len(x) != 2 || len(ws) != 2 || n.Integer("transA", 0) != 0 {
		return fmt.Errorf("only x*W of matrices with x as it stands is supported, not shapes %v and %v", x, ws)
	}
	m := matrix{weight: weight, k: ws[0], n: ws[1], transposed: n.Integer("transB", 0) != 0}
	if m.transposed {
		m.k, m.n = m.n, m.k
	}
	bias, err := c.Optional(n, 2)
	if err != nil {
		return err
	}
	if len(bias) > 1 && len(bias) != m.n {
		return fmt.Errorf("a bias of %d elements for %d columns is not supported", len(bias), m.n)
	}
	m.scale(n.Float("alpha", 1))
	m.addBias(bias, n.Float("beta", 1))
	return c.linear(n, m, c.take(n))
}

// matrix is the constant operand of a Linear, and its bias.
type matrix struct {
	weight     []float32
	k, n       int
	transposed bool // weight is [n, k]
	scaled     bool // weight is not the operand's
	bias       []float32
}

func (m *matrix) scale(by float32) {
	if by == 1 {
		return
	}
	w := make([]float32, len(m.weight))
	for i, v := range m.weight {
		w[i] = v * by
	}
	m.weight, m.scaled = w, true
}

func matrixLayout(k, n int, transposed bool) kernel.Layout {
	if transposed {
		return kernel.Layout{Taps: 1, K: k, N: n, KStride: 1, NStride: k}
	}
	return kernel.Layout{Taps: 1, K: k, N: n, KStride: n, NStride: 1}
}

func (m *matrix) addBias(bias []float32, by float32) {
	if bias == nil {
		return
	}
	m.bias = make([]float32, m.n)
	for i := range m.bias {
		m.bias[i] = bias[i%len(bias)] * by // one element stands for all
	}
}

func (c *compiler) linear(n node, m matrix, t tail) error {
	x := c.Shape(n.In[0])
	if x[len(x)-1] != m.k {
		return fmt.Errorf("input %v does not fit a %dx%d matrix", x, m.k, m.n)
	}
	column := func(i int) int { return i % m.n }
	if m.transposed {
		column = func(i int) int { return i / m.k }
	}
	weight, bias, err := c.fold(t.norm, m.weight, m.bias, column)
	if err != nil {
		return err
	}
	in, err := c.Want(n.In[0], autodiff.Plain(len(x)))
	if err != nil {
		return err
	}
	var packed *kernel.Matrix
	if !m.scaled {
		if packed, err = c.commonLinear(n.In[1], t.norm, m.transposed, bias, t.limits); err != nil {
			return err
		}
	}
	if packed == nil {
		packed = c.isa.Pack(weight, matrixLayout(m.k, m.n, m.transposed), bias, t.limits)
	}
	k, columns := m.k, m.n // m has the weights, which are not needed any more
	c.emit(n, []int{in}, []int{c.Produce(t.out, autodiff.Plain(len(x)))}, func(int) autodiff.Run {
		return func(t *kernel.Team, in, out [][]float32) {
			packed.Mul(t, len(in[0])/k, in[0], k, out[0], columns)
		}
	})
	return nil
}

func lowerMatMul(c *compiler, n node) error {
	x, y := c.Shape(n.In[0]), c.Shape(n.In[1])
	if len(x) < 2 || len(y) < 2 {
		return fmt.Errorf("operands of rank %d and %d, matrices are needed", len(x), len(y))
	}
	if len(y) == 2 && c.Known(n.In[1]) {
		return c.constantMatMul(n)
	}
	c.whole = c.whole || len(y) == 2
	xb, err := c.Want(n.In[0], autodiff.Plain(len(x)))
	if err != nil {
		return err
	}
	yb, err := c.Want(n.In[1], autodiff.Plain(len(y)))
	if err != nil {
		return err
	}
	isa := c.isa
	c.emit(n, []int{xb, yb}, []int{c.Produce(n.Out[0], autodiff.Plain(len(c.Shape(n.Out[0]))))}, func(batch int) autodiff.Run {
		x, y := autodiff.At(x, batch), autodiff.At(y, batch)
		m, k, cols := x[len(x)-2], x[len(x)-1], y[len(y)-1]
		xat, yat := autodiff.Pairs(x[:len(x)-2], y[:len(y)-2])
		for i := range xat {
			xat[i], yat[i] = xat[i]*m*k, yat[i]*k*cols // where the matrices start
		}
		p := isa.NewProduct(m, k, cols, xat, yat)
		return func(t *kernel.Team, in, out [][]float32) { p.Run(t, out[0], in[0], in[1]) }
	})
	return nil
}

// constantMatMul is a Linear: with the Add of a constant bias where one follows.
func (c *compiler) constantMatMul(n node) error {
	weight, ws, err := c.floats(n.In[1])
	if err != nil {
		return err
	}
	m := matrix{weight: weight, k: ws[0], n: ws[1]}
	last := n
	if add, operand, ok := c.biasAdd(n.Out[0], m.n); ok {
		bias, _, err := c.floats(operand)
		if err != nil {
			return err
		}
		m.addBias(bias, 1)
		c.Fused[add.Index] = true
		last = add
	}
	t := tail{limits: kernel.NoLimits(), out: last.Out[0]}
	if len(c.Shape(t.out)) == 2 {
		t = c.take(node{Node: &nn.Node{Type: n.Type, Out: last.Out}, Index: last.Index})
	} else {
		t = c.clip(t)
	}
	return c.linear(n, m, t)
}

// biasAdd finds an Add of a constant row of n elements as the only consumer of v.
func (c *compiler) biasAdd(v nn.Value, n int) (add node, bias nn.Value, ok bool) {
	if c.Users[v] != 1 {
		return node{}, 0, false
	}
	add = node{Node: &c.graph.Nodes[c.Reader[v]], Index: c.Reader[v]}
	if add.Type != "Add" {
		return node{}, 0, false
	}
	bias = add.In[0]
	if bias == v {
		bias = add.In[1]
	}
	s := c.Shape(bias)
	return add, bias, c.Known(bias) && len(s) > 0 && s[len(s)-1] == n && s.Count() == n && len(s) <= len(c.Shape(v))
}
