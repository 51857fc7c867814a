package nn

import "slices"

// Prefix keeps the first keep of size positions.
func Prefix(size, keep int) Pick { return Pick{Size: size, Keep: keep} }

// Product nests factors, the outermost first: the axis has as many positions as the product of theirs.
func Product(factors ...Pick) Pick { return Pick{Of: factors} }

// Sum concatenates terms: the axis has as many positions as the sum of theirs.
func Sum(terms ...Pick) Pick { return Pick{Sum: true, Of: terms} }

// whole tells whether p is the zero Pick, which keeps everything.
func (p Pick) whole() bool { return p.Size == 0 && len(p.Of) == 0 }

// Full returns the extent of the axis that p picks from; 0 when p is the zero Pick.
func (p Pick) Full() int { return p.extent(func(l Pick) int { return l.Size }) }

// Len returns the number of positions that p keeps; 0 when p is the zero Pick.
func (p Pick) Len() int { return p.extent(func(l Pick) int { return l.Keep }) }

func (p Pick) extent(leaf func(Pick) int) int {
	if len(p.Of) == 0 {
		return leaf(p)
	}
	n := 1
	if p.Sum {
		n = 0
	}
	for _, f := range p.Of {
		if p.Sum {
			n += f.extent(leaf)
		} else {
			n *= f.extent(leaf)
		}
	}
	return n
}

// Indices lists the kept positions in ascending order.
func (p Pick) Indices() []int {
	if len(p.Of) == 0 {
		out := make([]int, p.Keep)
		for i := range out {
			out[i] = p.From + i
		}
		return out
	}
	if p.Sum {
		var out []int
		base := 0
		for _, t := range p.Of {
			for _, i := range t.Indices() {
				out = append(out, base+i)
			}
			base += t.Full()
		}
		return out
	}
	out := []int{0}
	for _, f := range p.Of {
		full, inner := f.Full(), f.Indices()
		next := make([]int, 0, len(out)*len(inner))
		for _, o := range out {
			for _, i := range inner {
				next = append(next, o*full+i)
			}
		}
		out = next
	}
	return out
}

// valid tells whether p picks existing positions of an axis of extent n.
func (p Pick) valid(n int) bool {
	if p.whole() {
		return true
	}
	return p.Full() == n && p.Len() > 0 && p.inRange()
}

// inRange tells whether p keeps existing positions. A term of a sum may keep none: that of a removed layer.
func (p Pick) inRange() bool {
	if len(p.Of) == 0 {
		return p.Keep >= 0 && p.From >= 0 && p.From+p.Keep <= p.Size
	}
	return !slices.ContainsFunc(p.Of, func(f Pick) bool { return !f.inRange() })
}

// Picked returns the shape of the part that p keeps.
func (p Param) Picked() Shape {
	s := slices.Clone(p.Shape)
	for axis, k := range p.Picks {
		if axis < len(s) && !k.whole() {
			s[axis] = k.Len()
		}
	}
	for _, g := range p.Grids {
		if g.Axis < len(s) {
			s[g.Axis] = g.Prefix + g.To*g.To
		}
	}
	return s
}

// same tells whether p and q are the same part of the same tensor.
func (p Param) same(q Param) bool {
	if p.Source() != q.Source() || p.Transposed != q.Transposed || !slices.Equal(p.Shape, q.Shape) || !slices.Equal(p.Grids, q.Grids) {
		return false
	}
	for a := range p.Shape {
		if !slices.Equal(p.Kept(a), q.Kept(a)) {
			return false
		}
	}
	return true
}

// Stored is p as the initializer has it.
func (p Param) Stored() Param {
	if p.Transposed {
		return p.turned()
	}
	return p
}

// turned is the same part of the transposed matrix.
func (p Param) turned() Param {
	p.Transposed = !p.Transposed
	p.Shape, p.Picks, p.Grids = reversed(p.Shape), slices.Clone(p.Picks), slices.Clone(p.Grids)
	if p.Picks != nil {
		p.Picks = append(p.Picks, make([]Pick, len(p.Shape)-len(p.Picks))...)
		slices.Reverse(p.Picks)
	}
	for i := range p.Grids {
		p.Grids[i].Axis = len(p.Shape) - 1 - p.Grids[i].Axis
	}
	return p
}

func reversed(s Shape) Shape {
	out := slices.Clone(s)
	slices.Reverse(out)
	return out
}

// Kept lists the positions that p keeps of an axis, in ascending order.
func (p Param) Kept(axis int) []int {
	if axis < len(p.Picks) && !p.Picks[axis].whole() {
		return p.Picks[axis].Indices()
	}
	return Prefix(p.Shape[axis], p.Shape[axis]).Indices()
}

// Source is the name of the initializer that stores p.
func (p Param) Source() string {
	if p.From != "" {
		return p.From
	}
	return p.Name
}

// Cut keeps the first n positions of an axis.
func (p Param) Cut(axis, n int) Param {
	if axis >= len(p.Shape) || n == p.Shape[axis] {
		return p
	}
	return p.Pick(axis, Prefix(p.Shape[axis], n))
}

// Pick keeps positions of an axis.
func (p Param) Pick(axis int, k Pick) Param {
	if p.Name == "" || axis >= len(p.Shape) {
		return p
	}
	picks := make([]Pick, len(p.Shape))
	copy(picks, p.Picks)
	picks[axis] = k
	p.Picks = picks
	return p
}

// Out keeps the first n output channels.
func (c Conv) Out(n int) Conv {
	c.Weight, c.Bias = c.Weight.Cut(0, n), c.Bias.Cut(0, n)
	return c
}

// In keeps the first n input channels of each group.
func (c Conv) In(n int) Conv {
	c.Weight = c.Weight.Cut(1, n)
	return c
}

// Group keeps the first n channels of a depthwise convolution.
func (c Conv) Group(n int) Conv {
	c.Groups = n
	return c.Out(n)
}

// InGroups sets the number of remaining groups.
func (c Conv) InGroups(n int) Conv {
	c.Groups = n
	return c
}

// OutPick keeps output channels.
func (c Conv) OutPick(p Pick) Conv {
	c.Weight, c.Bias = c.Weight.Pick(0, p), c.Bias.Pick(0, p)
	return c
}

// InPick keeps input channels of each group.
func (c Conv) InPick(p Pick) Conv {
	c.Weight = c.Weight.Pick(1, p)
	return c
}

// Crop keeps the centre of the window, n positions along each axis, and reduces the padding to match
// (once-for-all networks, elastic kernel size).
func (c Conv) Crop(n int) Conv {
	kernel, pads := slices.Clone(c.Kernel), slices.Clone(c.Pads)
	if pads == nil {
		pads = make([]int, 2*len(kernel))
	}
	for a, full := range kernel {
		from := (full - n) / 2
		c.Weight = c.Weight.Pick(2+a, Pick{Size: full, Keep: n, From: from})
		step := 1
		if c.Dilations != nil {
			step = c.Dilations[a]
		}
		kernel[a] = n
		pads[a] -= step * from
		pads[a+len(kernel)] -= step * (full - n - from)
	}
	c.Kernel, c.Pads = kernel, pads
	return c
}

// axes returns the output and input axes of the weight.
func (l Linear) axes() (out, in int) {
	if l.TransB {
		return 0, 1
	}
	return 1, 0
}

// Out keeps the first n outputs.
func (l Linear) Out(n int) Linear {
	out, _ := l.axes()
	l.Weight, l.Bias = l.Weight.Cut(out, n), l.Bias.Cut(0, n)
	return l
}

// In keeps the first n inputs.
func (l Linear) In(n int) Linear {
	_, in := l.axes()
	l.Weight = l.Weight.Cut(in, n)
	return l
}

// OutPick keeps outputs.
func (l Linear) OutPick(p Pick) Linear {
	out, _ := l.axes()
	l.Weight, l.Bias = l.Weight.Pick(out, p), l.Bias.Pick(0, p)
	return l
}

// InPick keeps inputs.
func (l Linear) InPick(p Pick) Linear {
	_, in := l.axes()
	l.Weight = l.Weight.Pick(in, p)
	return l
}

// Cut keeps the first n channels.
func (b BatchNorm) Cut(n int) BatchNorm {
	b.Scale, b.Bias, b.Mean, b.Var = b.Scale.Cut(0, n), b.Bias.Cut(0, n), b.Mean.Cut(0, n), b.Var.Cut(0, n)
	return b
}

// CutPick keeps channels.
func (b BatchNorm) CutPick(p Pick) BatchNorm {
	b.Scale, b.Bias, b.Mean, b.Var = b.Scale.Pick(0, p), b.Bias.Pick(0, p), b.Mean.Pick(0, p), b.Var.Pick(0, p)
	return b
}

// CutPick keeps positions of the normalised axis.
func (l LayerNorm) CutPick(p Pick) LayerNorm {
	l.Scale, l.Bias = l.Scale.Pick(0, p), l.Bias.Pick(0, p)
	return l
}

// Cut keeps the first n positions of the normalised axis.
func (l LayerNorm) Cut(n int) LayerNorm {
	l.Scale, l.Bias = l.Scale.Cut(0, n), l.Bias.Cut(0, n)
	return l
}
