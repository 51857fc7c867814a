package embedded

import (
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// store has what the plans of a SuperNet's SubNets share: weights that are packed once, with the normalisation of the SuperNet's
// statistics in them, small constants, and tables of windows. The matrices of a SubNet are views; where its statistics are others,
// results are scaled by the ratio of the deviations, since everything else in a normalisation's factor is the same.
type store struct {
	isa       *kernel.ISA
	base      nn.Weights
	windows   kernel.Windows
	matrices  map[string]*kernel.Matrix
	depthwise map[string]*kernel.Depthwise
	fixed     map[string][]float32
}

func newStore(isa *kernel.ISA, base nn.Weights) *store {
	return &store{isa: isa, base: base, matrices: map[string]*kernel.Matrix{}, depthwise: map[string]*kernel.Depthwise{}, fixed: map[string][]float32{}}
}

// once returns what a map has under key, or makes it.
func once[T any](m map[string]T, key string, build func() (T, error)) (T, error) {
	if v, ok := m[key]; ok {
		return v, nil
	}
	v, err := build()
	if err == nil {
		m[key] = v
	}
	return v, err
}

// common is a constant operand that a store has.
type common struct {
	store *store
	param nn.Param
	out   int       // axis of output channels
	scale []float32 // of the whole tensor's output channels; nil is 1
	ratio []float32 // of the part's output channels; nil is 1
	key   string
}

// common returns nil where the operand v, into which norm is folded, is not the SuperNet's.
func (c *compiler) common(v nn.Value, norm *node, out int) (*common, error) {
	p := c.graph.Values[v].Param
	if c.store == nil || !c.original(p) || len(p.Grids) > 0 || p.Type > nn.Float32 {
		return nil, nil
	}
	if _, ok, err := nn.Transform(c.store.base, *p); ok || err != nil { // what the SubNet has is no part of the tensor
		return nil, err
	}
	m := &common{store: c.store, param: *p, out: out, key: fmt.Sprint(p.Source(), p.Transposed)}
	if norm == nil {
		return m, nil
	}
	scale, variance := c.graph.Values[norm.In[1]].Param, c.graph.Values[norm.In[4]].Param
	columns := p.Kept(out)
	if !c.original(scale) || variance == nil || !slices.Equal(scale.Kept(0), columns) || !slices.Equal(variance.Kept(0), columns) {
		return nil, nil
	}
	eps := float64(norm.Float("epsilon", 1e-5))
	m.key = fmt.Sprint(m.key, scale.Source(), variance.Source(), eps)
	now, _, err := c.floats(norm.In[4])
	if err != nil {
		return nil, err
	}
	return m, m.normalise(scale, variance, columns, now, eps)
}

// original tells whether p is the SuperNet's own tensor.
func (c *compiler) original(p *nn.Param) bool {
	if p == nil {
		return false
	}
	_, name := c.over[p.Name]
	_, source := c.over[p.Source()]
	return !name && !source
}

// normalise sets the factors of the SuperNet's normalisation and of the SubNet's variance, now.
func (m *common) normalise(scale, variance *nn.Param, columns []int, now []float32, eps float64) error {
	gamma, err := m.store.full(scale)
	if err != nil {
		return err
	}
	was, err := m.store.full(variance)
	if err != nil {
		return err
	}
	m.scale = make([]float32, len(gamma))
	for i, g := range gamma {
		m.scale[i] = float32(float64(g) / math.Sqrt(float64(was[i])+eps))
	}
	ratio, same := make([]float32, len(columns)), true
	for i, k := range columns {
		ratio[i] = float32(math.Sqrt((float64(was[k]) + eps) / (float64(now[i]) + eps)))
		same = same && was[k] == now[i]
	}
	if !same {
		m.ratio = ratio
	}
	return nil
}

// full fetches the whole tensor of p.
func (s *store) full(p *nn.Param) ([]float32, error) {
	t, err := nn.Fetch(s.base, nn.Param{Name: p.Name, From: p.From, Type: p.Type, Shape: p.Shape, Transposed: p.Transposed})
	if err != nil {
		return nil, err
	}
	return engine.Floats(t)
}

// scaled fetches the part of the operand that is kept, normalised as the SuperNet is.
func (m *common) scaled(p nn.Param) ([]float32, error) {
	t, err := nn.Fetch(m.store.base, p)
	if err != nil || m.scale == nil {
		return t.Float32s(), err
	}
	data, columns := t.Float32s(), p.Kept(m.out)
	inner := t.Shape[m.out+1:].Count()
	for i := range data {
		data[i] *= m.scale[columns[i/inner%len(columns)]]
	}
	return data, nil
}

// view returns the part of the operand as a matrix; layout is that of a tensor of the given extents.
func (m *common) view(layout func(s nn.Shape) kernel.Layout, p kernel.Part) (*kernel.Matrix, error) {
	pack := func(of nn.Param) func() (*kernel.Matrix, error) {
		return func() (*kernel.Matrix, error) {
			data, err := m.scaled(of)
			if err != nil {
				return nil, err
			}
			return m.store.isa.Pack(data, layout(of.Picked()), nil, kernel.NoLimits()), nil
		}
	}
	whole := m.param
	whole.Picks = nil
	w, err := once(m.store.matrices, m.key, pack(whole))
	if err != nil {
		return nil, err
	}
	p.Scale = m.ratio
	if v := w.Part(p); v != nil {
		return v, nil
	}
	// Its columns are scattered: SubNets that keep the same ones share a matrix of their own.
	own, err := once(m.store.matrices, fmt.Sprint(m.key, m.param.Picks), pack(m.param))
	if err != nil {
		return nil, err
	}
	p.Rows, p.Columns = autodiff.Plain(len(p.Rows)), autodiff.Plain(len(p.Columns))
	return own.Part(p), nil
}

// commonConv makes the weights of a convolution those of the store, where it has them.
func (c *compiler) commonConv(n node, norm *node, p *kernel.ConvParams) error {
	m, err := c.common(n.In[1], norm, 0)
	if m == nil || err != nil {
		return err
	}
	s := c.Shape(n.In[1])
	taps := s[2:].Count()
	switch {
	case p.IsDepthwise():
		p.Depthwise, err = m.channels(s[0], taps, p.Bias, p.Limits)
		p.Weight = nil
	case p.Groups == 1:
		part := kernel.Part{Taps: taps, Columns: m.param.Kept(0), Bias: p.Bias, Limits: p.Limits}
		if kernel.Gathered(taps, s[1]) {
			part.Taps = 1
		}
		in := m.param.Kept(1)
		for _, tap := range m.taps() {
			for _, k := range in {
				part.Rows = append(part.Rows, tap*m.param.Shape[1]+k)
			}
		}
		p.Matrix, err = m.view(func(s nn.Shape) kernel.Layout { return kernel.ConvLayout(s[0], s[1], s[2:].Count()) }, part)
		p.Weight = nil
	}
	return err
}

// channels returns the part of the operand as weights of a depthwise convolution.
func (m *common) channels(n, taps int, bias []float32, lim kernel.Limits) (*kernel.Depthwise, error) {
	of, key := m.param, m.key
	if of.Picks = nil; !m.inside() {
		of.Picks, key = m.param.Picks, fmt.Sprint(m.key, m.param.Picks)
	}
	d, err := once(m.store.depthwise, key, func() (*kernel.Depthwise, error) {
		data, err := m.scaled(of)
		s := of.Picked()
		return kernel.PackDepthwise(data, s[0], s[1:].Count(), nil, kernel.NoLimits()), err
	})
	if err != nil {
		return nil, err
	}
	if bias == nil {
		bias = make([]float32, n)
	}
	return d.Part(taps, n, m.ratio, bias, lim), nil
}

// inside tells whether the first channels are kept, and of the window all or a smaller one in the middle.
func (m *common) inside() bool {
	s := m.param.Shape
	if c := m.param.Kept(0); c[len(c)-1] != len(c)-1 {
		return false
	}
	taps := m.taps()
	if len(taps) == s[2:].Count() {
		return true
	}
	y, x := m.param.Kept(2), m.param.Kept(len(s)-1)
	first := (s[2] - len(y)) / 2
	return len(s) == 4 && s[2] == s[3] && s[2]%2 == 1 && len(y)%2 == 1 && slices.Equal(x, y) && y[0] == first && y[len(y)-1] == first+len(y)-1
}

// taps lists the kept positions of a window, row by row.
func (m *common) taps() []int {
	out := []int{0}
	for axis := 2; axis < len(m.param.Shape); axis++ {
		var next []int
		for _, o := range out {
			for _, i := range m.param.Kept(axis) {
				next = append(next, o*m.param.Shape[axis]+i)
			}
		}
		out = next
	}
	return out
}

// commonLinear returns the matrix of a linear layer as a view, nil where the store has none.
func (c *compiler) commonLinear(v nn.Value, norm *node, transposed bool, bias []float32, lim kernel.Limits) (*kernel.Matrix, error) {
	out, in := 1, 0
	if transposed {
		out, in = 0, 1
	}
	m, err := c.common(v, norm, out)
	if m == nil || err != nil {
		return nil, err
	}
	m.key = fmt.Sprint(m.key, transposed)
	part := kernel.Part{Taps: 1, Rows: m.param.Kept(in), Columns: m.param.Kept(out), Bias: bias, Limits: lim}
	return m.view(func(s nn.Shape) kernel.Layout { return matrixLayout(s[in], s[out], transposed) }, part)
}

// lasting returns data that a plan keeps: with a store it is not part of the model's file, and there is one copy for all SubNets.
func (c *compiler) lasting(v nn.Value, data []float32) []float32 {
	p := c.graph.Values[v].Param
	if c.store == nil || p == nil {
		return data
	}
	if !c.original(p) {
		return slices.Clone(data)
	}
	data, _ = once(c.store.fixed, fmt.Sprint(p.Source(), p.Transposed, p.Picks, p.Grids), func() ([]float32, error) { return slices.Clone(data), nil })
	return data
}
