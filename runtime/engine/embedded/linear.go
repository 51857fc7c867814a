package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

func lowerGemm(c *compiler, n node) error {
	weight, ws, err := c.floats(n.In[1])
	if err != nil {
		return err
	}
	x := c.shape(n.In[0])
	if len(x) != 2 || len(ws) != 2 || n.integer("transA", 0) != 0 {
		return fmt.Errorf("only x*W of matrices with x as it stands is supported, not shapes %v and %v", x, ws)
	}
	m := matrix{weight: weight, k: ws[0], n: ws[1], transposed: n.integer("transB", 0) != 0}
	if m.transposed {
		m.k, m.n = m.n, m.k
	}
	bias, err := c.optional(n, 2)
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
	x := c.shape(n.In[0])
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
	in, err := c.want(n.In[0], plain(len(x)))
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
	c.emit(n, []int{in}, []int{c.produce(t.out, plain(len(x)))}, func(int) kernelFunc {
		return func(t *kernel.Team, in, out [][]float32) {
			packed.Mul(t, len(in[0])/k, in[0], k, out[0], columns)
		}
	})
	return nil
}

func lowerMatMul(c *compiler, n node) error {
	x, y := c.shape(n.In[0]), c.shape(n.In[1])
	if len(x) < 2 || len(y) < 2 {
		return fmt.Errorf("operands of rank %d and %d, matrices are needed", len(x), len(y))
	}
	if len(y) == 2 && c.isConstant(n.In[1]) {
		return c.constantMatMul(n)
	}
	c.whole = c.whole || len(y) == 2
	xb, err := c.want(n.In[0], plain(len(x)))
	if err != nil {
		return err
	}
	yb, err := c.want(n.In[1], plain(len(y)))
	if err != nil {
		return err
	}
	isa := c.isa
	c.emit(n, []int{xb, yb}, []int{c.produce(n.Out[0], plain(len(c.shape(n.Out[0]))))}, func(batch int) kernelFunc {
		x, y := at(x, batch), at(y, batch)
		m, k, cols := x[len(x)-2], x[len(x)-1], y[len(y)-1]
		xat, yat := pairs(x[:len(x)-2], y[:len(y)-2], m*k, k*cols)
		p := isa.NewProduct(m, k, cols, xat, yat)
		return func(t *kernel.Team, in, out [][]float32) { p.Run(t, out[0], in[0], in[1]) }
	})
	return nil
}

// pairs lists where the matrices of a broadcast product start.
func pairs(x, y nn.Shape, xsize, ysize int) (xat, yat []int) {
	rank := max(len(x), len(y))
	xat, yat = []int{0}, []int{0}
	xs, ys := 1, 1
	for i := 1; i <= rank; i++ {
		a, b := 1, 1
		if i <= len(x) {
			a = x[len(x)-i]
		}
		if i <= len(y) {
			b = y[len(y)-i]
		}
		var nx, ny []int
		for j := range max(a, b) {
			for k := range xat {
				nx = append(nx, xat[k]+min(j, a-1)*xs*xsize)
				ny = append(ny, yat[k]+min(j, b-1)*ys*ysize)
			}
		}
		xat, yat, xs, ys = nx, ny, xs*a, ys*b
	}
	return xat, yat
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
		c.fused[add.index] = true
		last = add
	}
	t := tail{limits: kernel.NoLimits(), out: last.Out[0]}
	if len(c.shape(t.out)) == 2 {
		t = c.take(node{&nn.Node{Type: n.Type, Out: last.Out}, last.index})
	} else if next, ok := c.next(t.out, "Relu", "Clip"); ok {
		if lim, ok := c.limits(next); ok {
			t.limits, t.out = lim, next.Out[0]
			c.fused[next.index] = true
		}
	}
	return c.linear(n, m, t)
}

// biasAdd finds an Add of a constant row of n elements as the only consumer of v.
func (c *compiler) biasAdd(v nn.Value, n int) (add node, bias nn.Value, ok bool) {
	if c.users[v] != 1 {
		return node{}, 0, false
	}
	add = node{&c.graph.Nodes[c.reader[v]], c.reader[v]}
	if add.Type != "Add" {
		return node{}, 0, false
	}
	bias = add.In[0]
	if bias == v {
		bias = add.In[1]
	}
	s := c.shape(bias)
	return add, bias, c.isConstant(bias) && len(s) > 0 && s[len(s)-1] == n && size(s) == n && len(s) <= len(c.shape(v))
}
