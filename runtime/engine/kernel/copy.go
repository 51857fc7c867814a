package kernel

// Strided is a view of a tensor: the extent of each axis and the floats between neighbours along it, 0 to repeat.
type Strided struct {
	Dims, Strides []int
}

// Dense returns the view of a whole row-major tensor.
func Dense(shape []int) Strided {
	s := Strided{append([]int(nil), shape...), make([]int, len(shape))}
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		s.Strides[i] = step
		step *= shape[i]
	}
	return s
}

// Permute returns the view with its axes in the given order.
func (s Strided) Permute(perm []int) Strided {
	p := Strided{make([]int, len(perm)), make([]int, len(perm))}
	for i, a := range perm {
		p.Dims[i], p.Strides[i] = s.Dims[a], s.Strides[a]
	}
	return p
}

// Copier copies one strided view to another of the same extents: transpose, slice, concatenate, pad, repeat.
type Copier struct {
	dims     []int
	dst, src []int
	size     int
}

// NewCopier prepares copies from src to dst, which have the same extents.
func NewCopier(dst, src Strided) *Copier {
	c := &Copier{size: 1}
	for i, n := range dst.Dims {
		c.size *= n
		if n == 1 {
			continue
		}
		last := len(c.dims) - 1
		if last >= 0 && c.dst[last] == n*dst.Strides[i] && c.src[last] == n*src.Strides[i] {
			c.dims[last] *= n
			c.dst[last], c.src[last] = dst.Strides[i], src.Strides[i]
			continue
		}
		c.dims, c.dst, c.src = append(c.dims, n), append(c.dst, dst.Strides[i]), append(c.src, src.Strides[i])
	}
	if len(c.dims) == 0 {
		c.dims, c.dst, c.src = []int{1}, []int{1}, []int{1}
	}
	c.inner()
	return c
}

// inner moves the axis along which the source is contiguous next to the last one, so that both can be walked in blocks.
func (c *Copier) inner() {
	last := len(c.dims) - 1
	if c.src[last] == 1 {
		return
	}
	for i := last - 1; i >= 0; i-- {
		if c.src[i] == 1 {
			for ; i < last-1; i++ {
				for _, s := range [][]int{c.dims, c.dst, c.src} {
					s[i], s[i+1] = s[i+1], s[i]
				}
			}
			return
		}
	}
}

// Run copies on the Team's threads.
func (c *Copier) Run(t *Team, dst, src []float32) {
	if c.size == 0 {
		return
	}
	if len(c.dims) == 1 {
		c.walk(0, dst, src, 0, 0)
		return
	}
	t.Split(c.dims[0], c.size, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			c.walk(1, dst, src, i*c.dst[0], i*c.src[0])
		}
	})
}

func (c *Copier) walk(axis int, dst, src []float32, d, s int) {
	switch left := len(c.dims) - axis; {
	case left == 1:
		c.line(c.dims[axis], dst[d:], src[s:])
	case left == 2 && c.src[axis] == 1:
		c.block(axis, dst[d:], src[s:])
	default:
		for i := range c.dims[axis] {
			c.walk(axis+1, dst, src, d+i*c.dst[axis], s+i*c.src[axis])
		}
	}
}

func (c *Copier) line(n int, dst, src []float32) {
	ds, ss := c.dst[len(c.dst)-1], c.src[len(c.src)-1]
	if ds == 1 && ss == 1 {
		copy(dst[:n], src[:n])
		return
	}
	for i := range n {
		dst[i*ds] = src[i*ss]
	}
}

// block transposes the last two axes in squares that fit the L1 cache.
func (c *Copier) block(axis int, dst, src []float32) {
	const side = 16
	rows, cols := c.dims[axis], c.dims[axis+1]
	dr, dc, sc := c.dst[axis], c.dst[axis+1], c.src[axis+1]
	for j := 0; j < cols; j += side {
		end := min(j+side, cols)
		for i := range rows {
			for k := j; k < end; k++ {
				dst[i*dr+k*dc] = src[i+k*sc]
			}
		}
	}
}

// Repeat returns the view of a dense tensor spread over a larger shape, as ONNX broadcasts.
func Repeat(shape, to []int) Strided {
	return Strided{append([]int(nil), to...), spread(shape, to)}
}
