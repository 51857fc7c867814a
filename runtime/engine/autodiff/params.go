package autodiff

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// parameter is the part of a SuperNet's tensor that a network uses.
type parameter struct {
	v        *variable
	from     *engine.Trainable
	part     part // of the tensor as it is stored; a whole tensor is shared with v
	grid     *nn.Grid
	middle   []float32 // the tensor interpolated, where there is a grid: part is of that
	back     []float32 // gradients with respect to middle
	gridDims nn.Shape  // of the tensor before interpolation
	crop     *crop     // where there is a kernel transform: part is of whole windows
}

// shared tells whether the network uses the tensor itself.
func (b *parameter) shared() bool { return b.part.starts == nil && b.grid == nil && b.crop == nil }

// lookUp returns the tensor of a parameter: that of its own name, else of the initializer that stores it.
func lookUp(params engine.Params, p *nn.Param) (*engine.Trainable, error) {
	t := params[p.Name]
	if t == nil {
		t = params[p.Source()]
	}
	if t == nil {
		return nil, fmt.Errorf("there is no parameter %q", p.Source())
	}
	want := p.Stored().Shape
	if !slices.Equal(t.Shape, want) || len(t.Value) != want.Count() || t.Grad != nil && len(t.Grad) != len(t.Value) {
		return nil, fmt.Errorf("parameter %q has shape %v with %d values and %d derivatives, the SuperNet wants %v", p.Name, t.Shape, len(t.Value), len(t.Grad), want)
	}
	if len(p.Grids) > 1 {
		return nil, fmt.Errorf("parameter %q is interpolated along %d axes, at most one is supported", p.Name, len(p.Grids))
	}
	return t, nil
}

// known makes the variable of a parameter or constant.
func (p *plan) known(v nn.Value) (*variable, error) {
	info := &p.Graph.Values[v]
	if info.Const != nil {
		data, err := engine.Floats(*info.Const)
		return &variable{shape: info.Const.Shape, data: data}, err
	}
	if info.Param == nil {
		return nil, fmt.Errorf("internal error: %q is used before it is computed", info.Name)
	}
	t, err := lookUp(p.params, info.Param)
	if err != nil {
		return nil, err
	}
	b := &parameter{v: &variable{shape: info.Param.Picked(), wants: t.Grad != nil}, from: t}
	stored := info.Param.Shape
	if len(info.Param.Grids) > 0 {
		g := info.Param.Grids[0]
		b.grid, b.gridDims = &g, stored
		stored = slices.Clone(stored)
		stored[g.Axis] = g.Prefix + g.To*g.To
		b.middle, b.back = make([]float32, stored.Count()), make([]float32, stored.Count())
	}
	if b.crop, err = p.crop(info.Param); err != nil {
		return nil, err
	}
	kept := *info.Param
	if b.crop != nil {
		kept = kept.WholeWindow()
	}
	kept.Shape, kept.Grids = stored, nil
	b.part = partOf(&kept)
	n := b.v.shape.Count()
	switch {
	case b.shared():
		b.v.data, b.v.grad, b.v.touched = t.Value, t.Grad, true // derivatives are added to what the tuner has there
	default:
		b.v.data = p.memory.floats(n)[:n]
		if b.v.wants {
			b.v.grad = p.memory.floats(n)[:n]
		}
	}
	p.bound = append(p.bound, b)
	return b.v, nil
}

// read takes the tensor's values.
func (b *parameter) read() {
	if b.shared() {
		return
	}
	from, to := b.from.Value, b.v.data
	if b.crop != nil {
		to = b.crop.whole
	}
	if b.grid != nil {
		b.resample(func(to, from int, w float32) { b.middle[to] += w * b.from.Value[from] }, b.middle)
		from = b.middle
	}
	b.part.read(to, from)
	if b.crop != nil {
		b.crop.read(b.v.data)
	}
	b.v.touched = false
}

// write adds derivatives to the tensor's.
func (b *parameter) write() {
	if !b.v.wants || !b.v.touched || b.shared() {
		return
	}
	b.v.touched = false
	to, grad := b.from.Grad, b.v.grad
	if b.crop != nil {
		grad = b.crop.write(grad)
	}
	if b.grid != nil {
		clear(b.back)
		to = b.back
	}
	b.part.add(to, grad)
	if b.grid != nil {
		b.resample(func(to, from int, w float32) { b.from.Grad[from] += w * b.back[to] }, nil)
	}
}

// resample calls f for every pair of elements, after and before interpolation, and its weight; zero is cleared before.
func (b *parameter) resample(f func(to, from int, w float32), zero []float32) {
	clear(zero)
	g, s := b.grid, b.gridDims
	outer, inner := s[:g.Axis].Count(), s[g.Axis+1:].Count()
	rows := g.Prefix + g.To*g.To
	weights := g.Weights()
	for o := range outer {
		to, from := o*rows*inner, o*s[g.Axis]*inner
		for i := range g.Prefix * inner {
			f(to+i, from+i, 1)
		}
		to, from = to+g.Prefix*inner, from+g.Prefix*inner
		for y := range g.To {
			for x := range g.To {
				for i, a := range weights[y] {
					for j, c := range weights[x] {
						if w := a * c; w != 0 {
							for k := range inner {
								f(to+(y*g.To+x)*inner+k, from+(i*g.From+j)*inner+k, w)
							}
						}
					}
				}
			}
		}
	}
}
