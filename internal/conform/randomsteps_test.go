package conform

// drawnSteps are what happens to a map between two of which later steps may read.
var drawnSteps = []func(s *sketch, x drawnValue) drawnValue{
	func(s *sketch, x drawnValue) drawnValue { return s.act(s.conv(x, s.width(), 1+2*s.rng.IntN(2), 1, 1)) },
	func(s *sketch, x drawnValue) drawnValue {
		return s.act(s.conv(x, x.shape[0], 3+2*s.rng.IntN(2), 1, x.shape[0]))
	},
	(*sketch).strided, (*sketch).residual, (*sketch).residual, (*sketch).inverted, (*sketch).squeezed, (*sketch).branches, (*sketch).gated, (*sketch).halves,
	(*sketch).pair, (*sketch).enlarged, (*sketch).transformer, (*sketch).mixed, (*sketch).normalised, (*sketch).layout, (*sketch).repeated, (*sketch).parametric,
}

// step is one of them.
func (s *sketch) step(x drawnValue) drawnValue { return drawnSteps[s.rng.IntN(len(drawnSteps))](s, x) }

// strided halves a map by a stride or a pooling.
func (s *sketch) strided(x drawnValue) drawnValue {
	if x.shape[1] < 4 || x.shape[1]%2 != 0 {
		return s.act(x)
	}
	half := []int{x.shape[0], x.shape[1] / 2, x.shape[2] / 2}
	window := []drawnAttr{{"kernel_shape", []int{2, 2}}, {"strides", []int{2, 2}}}
	switch s.rng.IntN(4) {
	case 0:
		return s.one("MaxPool", half, []string{x.name}, window...)
	case 1:
		return s.one("AveragePool", half, []string{x.name}, window...)
	case 2:
		return s.one("LpPool", half, []string{x.name}, window...)
	}
	return s.act(s.conv(x, s.width(), 3, 2, 1))
}

// residual adds what some convolutions make of a map to it.
func (s *sketch) residual(x drawnValue) drawnValue {
	y := s.act(s.conv(x, s.width(), 1, 1, 1))
	y = s.conv(y, x.shape[0], 3, 1, 1)
	y = s.one("Add", x.shape, []string{x.name, y.name})
	if s.rng.IntN(2) == 0 {
		return s.act(y)
	}
	return y
}

// inverted is a residual with a wide depthwise convolution inside.
func (s *sketch) inverted(x drawnValue) drawnValue {
	wide := 2 * x.shape[0]
	y := s.act(s.conv(x, wide, 1, 1, 1))
	y = s.act(s.conv(y, wide, 3, 1, wide))
	y = s.conv(y, x.shape[0], 1, 1, 1)
	return s.one("Add", x.shape, []string{y.name, x.name})
}

// squeezed scales the channels of a map by what its means say.
func (s *sketch) squeezed(x drawnValue) drawnValue {
	p := s.one("GlobalAveragePool", []int{x.shape[0], 1, 1}, []string{x.name})
	p = s.act(s.conv(p, 8, 1, 1, 1))
	p = s.conv(p, x.shape[0], 1, 1, 1)
	p = s.one([]string{"Sigmoid", "HardSigmoid"}[s.rng.IntN(2)], p.shape, []string{p.name})
	return s.one("Mul", x.shape, []string{x.name, p.name})
}

// branches joins what two branches make.
func (s *sketch) branches(x drawnValue) drawnValue {
	a := s.act(s.conv(x, s.width(), 1, 1, 1))
	b := s.act(s.conv(x, s.width(), 3, 1, 1))
	joined := s.one("Concat", []int{a.shape[0] + b.shape[0], x.shape[1], x.shape[2]}, []string{a.name, b.name}, drawnAttr{"axis", 1})
	if s.rng.IntN(2) == 0 {
		return joined
	}
	return s.act(s.conv(joined, s.width(), 1, 1, 1))
}

// gated multiplies the halves of a Split.
func (s *sketch) gated(x drawnValue) drawnValue {
	y := s.conv(x, 2*s.width(), 1, 1, 1)
	half := []int{y.shape[0] / 2, y.shape[1], y.shape[2]}
	parts := s.node("Split", 2, []string{y.name, s.ints(int64(half[0]), int64(half[0]))}, drawnAttr{"axis", 1})
	g := s.act(drawnValue{parts[1], half})
	return s.one("Mul", half, []string{parts[0], g.name})
}

// halves is gated with Slices.
func (s *sketch) halves(x drawnValue) drawnValue {
	y := s.conv(x, 2*s.width(), 1, 1, 1)
	n := y.shape[0]
	half := []int{n / 2, y.shape[1], y.shape[2]}
	part := func(from, to int) drawnValue {
		return s.one("Slice", half, []string{y.name, s.ints(int64(from)), s.ints(int64(to)), s.ints(1)})
	}
	a, b := part(0, n/2), part(n/2, n)
	b = s.one("Tanh", half, []string{b.name})
	return s.one("Mul", half, []string{a.name, b.name})
}

// pair combines two maps of one shape, which may be an earlier one and the last.
func (s *sketch) pair(x drawnValue) drawnValue {
	other := s.maps[s.rng.IntN(len(s.maps))]
	if other.shape[1] != x.shape[1] || other.shape[2] != x.shape[2] {
		return s.residual(x)
	}
	other = s.conv(other, x.shape[0], 1, 1, 1)
	return s.one([]string{"Add", "Sub", "Mul", "Max", "Min", "Mean", "Sum"}[s.rng.IntN(7)], x.shape, []string{x.name, other.name})
}

// enlarged doubles the side of a map.
func (s *sketch) enlarged(x drawnValue) drawnValue {
	if x.shape[1] > 12 {
		return s.strided(x)
	}
	c, h, w := x.shape[0], x.shape[1], x.shape[2]
	switch s.rng.IntN(3) {
	case 0:
		name := s.name("scales")
		s.g.Initializer = append(s.g.Initializer, floatList(name, 1, 1, 2, 2))
		return s.one("Resize", []int{c, 2 * h, 2 * w}, []string{x.name, "", name}, drawnAttr{"mode", "nearest"}, drawnAttr{"coordinate_transformation_mode", "asymmetric"}, drawnAttr{"nearest_mode", "floor"})
	case 1:
		out := s.width()
		return s.one("ConvTranspose", []int{out, 2 * h, 2 * w}, []string{x.name, s.weight(c, out, 2, 2), s.weight(out)}, drawnAttr{"kernel_shape", []int{2, 2}}, drawnAttr{"strides", []int{2, 2}})
	}
	if c%4 != 0 {
		return s.act(x)
	}
	return s.one("DepthToSpace", []int{c / 4, 2 * h, 2 * w}, []string{x.name}, drawnAttr{"blocksize", 2}, drawnAttr{"mode", []string{"DCR", "CRD"}[s.rng.IntN(2)]})
}

// transformer is a block of attention and feed-forward network over the places of a map.
func (s *sketch) transformer(x drawnValue) drawnValue {
	c, n := x.shape[0], x.shape[1]*x.shape[2]
	if n > 64 || c%8 != 0 {
		return s.inverted(x)
	}
	flat := s.one("Reshape", []int{c, n}, []string{x.name, s.ints(0, int64(c), int64(n))})
	t := s.one("Transpose", []int{n, c}, []string{flat.name}, drawnAttr{"perm", []int{0, 2, 1}})
	t = s.one("Add", t.shape, []string{t.name, s.attention(s.layerNorm(t)).name})
	f := s.act(s.linear(s.layerNorm(t), 2*c))
	t = s.one("Add", t.shape, []string{t.name, s.linear(f, c).name})
	back := s.one("Transpose", []int{c, n}, []string{t.name}, drawnAttr{"perm", []int{0, 2, 1}})
	return s.one("Reshape", x.shape, []string{back.name, s.ints(0, int64(c), int64(x.shape[1]), int64(x.shape[2]))})
}

func (s *sketch) layerNorm(t drawnValue) drawnValue {
	c := t.shape[1]
	return s.one("LayerNormalization", t.shape, []string{t.name, s.positive(c), s.weight(c)}, drawnAttr{"axis", -1})
}

// linear is a layer of tokens.
func (s *sketch) linear(t drawnValue, out int) drawnValue {
	y := s.one("MatMul", []int{t.shape[0], out}, []string{t.name, s.weight(t.shape[1], out)})
	return s.one("Add", y.shape, []string{y.name, s.weight(out)})
}

// attention has heads of eight elements.
func (s *sketch) attention(t drawnValue) drawnValue {
	n, c := t.shape[0], t.shape[1]
	heads := c / 8
	split := func(perm ...int) drawnValue {
		y := s.linear(t, c)
		y = s.one("Reshape", []int{n, heads, 8}, []string{y.name, s.ints(0, int64(n), int64(heads), 8)})
		return s.one("Transpose", []int{heads, n, 8}, []string{y.name}, drawnAttr{"perm", perm})
	}
	q, k, v := split(0, 2, 1, 3), split(0, 2, 3, 1), split(0, 2, 1, 3)
	scores := s.one("MatMul", []int{heads, n, n}, []string{q.name, k.name})
	weights := s.one("Softmax", scores.shape, []string{scores.name}, drawnAttr{"axis", -1})
	mix := s.one("MatMul", []int{heads, n, 8}, []string{weights.name, v.name})
	mix = s.one("Transpose", []int{n, heads, 8}, []string{mix.name}, drawnAttr{"perm", []int{0, 2, 1, 3}})
	mix = s.one("Reshape", []int{n, c}, []string{mix.name, s.ints(0, int64(n), int64(c))})
	return s.linear(mix, c)
}

// mixed has operators that take channels together or apart.
func (s *sketch) mixed(x drawnValue) drawnValue {
	c := x.shape[0]
	switch s.rng.IntN(4) {
	case 0: // a shuffle of channels
		index := make([]int64, c)
		for i := range index {
			index[i] = int64((i*3 + 1) % c)
		}
		if c%3 == 0 {
			return s.act(x)
		}
		return s.one("Gather", x.shape, []string{x.name, s.ints(index...)}, drawnAttr{"axis", 1})
	case 1:
		return s.one("Softmax", x.shape, []string{x.name}, drawnAttr{"axis", 1})
	case 2:
		m := s.one("ReduceMean", []int{1, x.shape[1], x.shape[2]}, []string{x.name}, drawnAttr{"axes", []int{1}}, drawnAttr{"keepdims", 1})
		return s.one("Sub", x.shape, []string{x.name, m.name})
	}
	m := s.one("ReduceL2", []int{1, x.shape[1], x.shape[2]}, []string{x.name}, drawnAttr{"axes", []int{1}}, drawnAttr{"keepdims", 1})
	m = s.one("Softplus", m.shape, []string{m.name})
	return s.one("Div", x.shape, []string{x.name, m.name})
}

// normalised is one of the normalisations of maps.
func (s *sketch) normalised(x drawnValue) drawnValue {
	c := x.shape[0]
	switch s.rng.IntN(3) {
	case 0:
		return s.one("InstanceNormalization", x.shape, []string{x.name, s.positive(c), s.weight(c)})
	case 1:
		return s.one("LRN", x.shape, []string{x.name}, drawnAttr{"size", 3})
	}
	return s.one("BatchNormalization", x.shape, []string{x.name, s.positive(c), s.weight(c), s.weight(c), s.positive(c)})
}

// layout moves elements.
func (s *sketch) layout(x drawnValue) drawnValue {
	c, h, w := x.shape[0], x.shape[1], x.shape[2]
	switch {
	case s.rng.IntN(2) == 0 && h%2 == 0 && h > 2:
		y := s.one("SpaceToDepth", []int{4 * c, h / 2, w / 2}, []string{x.name}, drawnAttr{"blocksize", 2})
		return s.act(s.conv(y, s.width(), 1, 1, 1))
	case s.rng.IntN(2) == 0:
		y := s.one("Pad", []int{c, h + 2, w + 2}, []string{x.name, s.ints(0, 0, 1, 1, 0, 0, 1, 1)})
		return s.one("MaxPool", x.shape, []string{y.name}, drawnAttr{"kernel_shape", []int{3, 3}}, drawnAttr{"strides", []int{1, 1}})
	}
	y := s.one("Transpose", []int{h, w, c}, []string{x.name}, drawnAttr{"perm", []int{0, 2, 3, 1}})
	m := s.one("MatMul", []int{h, w, c}, []string{y.name, s.weight(c, c)})
	return s.one("Transpose", x.shape, []string{m.name}, drawnAttr{"perm", []int{0, 3, 1, 2}})
}

// repeated applies one layer several times.
func (s *sketch) repeated(x drawnValue) drawnValue {
	c := x.shape[0]
	w, b := s.weight(c, c, 1, 1), s.weight(c)
	for range 2 {
		y := s.one("Conv", x.shape, []string{x.name, w, b}, drawnAttr{"kernel_shape", []int{1, 1}})
		x = s.act(y)
	}
	return x
}

// parametric has parameters besides those of layers.
func (s *sketch) parametric(x drawnValue) drawnValue {
	c := x.shape[0]
	switch s.rng.IntN(3) {
	case 0:
		return s.one("PRelu", x.shape, []string{x.name, s.weight(c, 1, 1)})
	case 1:
		return s.one("Mul", x.shape, []string{x.name, s.weight(c, 1, 1)})
	}
	return s.one("Add", x.shape, []string{x.name, s.weight(1, c, 1, 1)})
}
