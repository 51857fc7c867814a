package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

func unary(p *Plan, n Node) error {
	if n.Type == "Relu" {
		return clip(p, n)
	}
	name, arg := kernel.UnaryOf(n.Node)
	return p.unary(n, name, arg[0], arg[1])
}

func clip(p *Plan, n Node) error {
	lim, err := p.Limits(n)
	if err != nil {
		return err
	}
	return p.unary(n, "Clip", lim.Lo, lim.Hi)
}

// casts names the kernels that make elements of a type: fractions are cut off, 8 bits wrap around, and what is not zero is true. Float32
// has all of what the other types have.
var casts = map[nn.DType]string{
	nn.Float32: "", nn.Bool: "Truth", nn.Uint8: "Wrap", nn.Int8: "WrapSigned", nn.Int32: "Truncate", nn.Int64: "Truncate",
}

func cast(p *Plan, n Node) error {
	from, to := p.Type(n.In[0]), p.Type(n.Out[0])
	for _, t := range []nn.DType{from, to} {
		if _, ok := casts[t]; !ok && !t.Fractional() {
			return fmt.Errorf("from element type %d to %d is not supported", from, to)
		}
	}
	if to == from || to.Fractional() { // all floats are computed with as float32s
		return rename(p, n)
	}
	return p.unary(n, casts[to], 0, 0)
}

// unary emits a function of each element.
func (p *Plan) unary(n Node, name string, a, b float32) error {
	f, ok := p.ISA.Unary(name)
	if !ok {
		return fmt.Errorf("internal error: no kernel %s", name)
	}
	from, err := p.First(n.In[0])
	if err != nil {
		return err
	}
	step := Step{
		In: []int{from.Tensor}, Out: []int{p.Produce(n.Out[0], from.Order)},
		Bind: func(int) Run {
			return func(t *kernel.Team, in, out [][]float32) { f.Apply(t, out[0], in[0], a, b) }
		},
	}
	if slope, ok := p.ISA.Slope(name); ok {
		step.InPlace = true
		step.Back = func(int) []Gradient {
			return []Gradient{func(t *kernel.Team, g []float32, s *State) {
				if name == "Clip" {
					p.ISA.Gate(t, g, s.Grad[0], s.Out[0], kernel.Limits{Lo: a, Hi: b})
					return
				}
				slope.Apply(t, g, s.Grad[0], s.In[0], s.Out[0], a, b)
			}}
		}
	}
	p.Engine.Emit(step)
	return nil
}

func binary(p *Plan, n Node) error { return p.Binary(n, n.Out[0], kernel.NoLimits()) }

// Binary applies a function to elements of the first two operands, then to that result's and the next one's, and so on. The last result is the
// value to, within limits; only a plan without gradients may have limits.
func (p *Plan) Binary(n Node, to nn.Value, lim kernel.Limits) error {
	name := kernel.BinaryName(n.Node, p.Type(n.In[0]))
	if _, ok := kernel.BinaryOf(name); !ok {
		return fmt.Errorf("internal error: no kernel %s", name)
	}
	if len(n.In) == 1 {
		return rename(p, n)
	}
	order, err := p.commonOrder(n.In, p.Shape(to))
	if err != nil {
		return err
	}
	left, shape, err := p.operand(n.In[0], order)
	if err != nil {
		return err
	}
	for i, v := range n.In[1:] {
		right, rshape, err := p.operand(v, order)
		if err != nil {
			return err
		}
		both, err := kernel.BroadcastShape(shape, rshape) // an open axis, -1, meets itself or 1 only
		if err != nil {
			return err
		}
		now, out := kernel.NoLimits(), 0
		if i == len(n.In)-2 {
			now, out = lim, p.Produce(to, order)
		} else {
			out = p.Scratch(both)
		}
		p.Combine(name, left, shape, right, rshape, out, now)
		left, shape = out, both
	}
	return nil
}

// Operands returns both operands of a node in the order in which to compute an element-wise result, and their shapes there.
func (p *Plan) Operands(n Node) (x, y int, xs, ys nn.Shape, order []int, err error) {
	if order, err = p.commonOrder(n.In, p.Shape(n.Out[0])); err != nil {
		return
	}
	if x, xs, err = p.operand(n.In[0], order); err != nil {
		return
	}
	y, ys, err = p.operand(n.In[1], order)
	return
}

// Combine emits a function z of elements of x and y, of the given shapes.
func (p *Plan) Combine(name string, x int, xs nn.Shape, y int, ys nn.Shape, z int, lim kernel.Limits) {
	p.combined(name, x, y, z, lim, func(b int) (nn.Shape, nn.Shape) { return At(xs, b), At(ys, b) })
}

// combined is Combine of the shapes that views returns for a batch size. Where the function has no slopes, a comparison say, there is no gradient.
func (p *Plan) combined(name string, x, y, z int, lim kernel.Limits, views func(b int) (xs, ys nn.Shape)) {
	op, _ := kernel.BinaryOf(name)
	isa := p.ISA
	step := Step{In: []int{x, y}, Out: []int{z}, Bind: func(b int) Run {
		xs, ys := views(b)
		f := isa.NewBroadcast(op, xs, ys, lim)
		return func(t *kernel.Team, in, out [][]float32) { f.Run(t, out[0], in[0], in[1]) }
	}}
	if kernel.HasSlopes(name) {
		step.Back = func(b int) []Gradient {
			xs, ys := views(b)
			back, _ := isa.NewSlopes(name, xs, ys)
			return []Gradient{
				func(t *kernel.Team, g []float32, s *State) { back.Left(t, g, s.Grad[0], s.In[0], s.In[1]) },
				func(t *kernel.Team, g []float32, s *State) { back.Right(t, g, s.Grad[0], s.In[0], s.In[1]) },
			}
		}
	}
	p.Engine.Emit(step)
}

// where takes elements of the second or third operand.
func where(p *Plan, n Node) error {
	y := p.Shape(n.Out[0])
	var in []int
	for _, v := range n.In {
		x, err := p.spread(v, y)
		if err != nil {
			return err
		}
		in = append(in, x)
	}
	chosen := func(when bool) Gradient {
		return func(_ *kernel.Team, g []float32, s *State) {
			for i, d := range s.Grad[0] {
				if g[i] = 0; (s.In[0][i] != 0) == when {
					g[i] = d
				}
			}
		}
	}
	p.Engine.Emit(Step{In: in, Out: []int{p.ProducePlain(n.Out[0])}, Bind: func(int) Run {
		return func(t *kernel.Team, in, out [][]float32) {
			t.Split(len(out[0]), len(out[0]), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					if out[0][i] = in[2][i]; in[0][i] != 0 {
						out[0][i] = in[1][i]
					}
				}
			})
		}
	}, Back: func(int) []Gradient { return []Gradient{nil, chosen(true), chosen(false)} }})
	return nil
}

// commonOrder returns the order in which to compute an element-wise result: that of the first operand which is not
// spread over it, or the plain one when an operand of lower rank would have to be rearranged every time.
func (p *Plan) commonOrder(in []nn.Value, out nn.Shape) ([]int, error) {
	var order []int
	for _, v := range in {
		s := p.Shape(v)
		if len(s) < len(out) {
			if len(s) > 0 && !p.Known(v) {
				return Plain(len(out)), nil
			}
			continue
		}
		from, err := p.First(v)
		if err != nil {
			return nil, err
		}
		if order == nil && !p.Known(v) && s.Count() == out.Count() {
			order = from.Order
		}
	}
	if order == nil {
		order = Plain(len(out))
	}
	return order, nil
}

// operand returns v in the given order of the result's axes, and its shape there.
func (p *Plan) operand(v nn.Value, order []int) (int, nn.Shape, error) {
	s := p.Shape(v)
	missing := len(order) - len(s)
	full := make(nn.Shape, len(order))
	for i := range full {
		if full[i] = 1; i >= missing {
			full[i] = s[i-missing]
		}
	}
	var own []int // order of the operand's own axes
	for _, axis := range order {
		if axis >= missing {
			own = append(own, axis-missing)
		}
	}
	x, err := p.Want(v, own)
	return x, Arrange(full, order), err
}
