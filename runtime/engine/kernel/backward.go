package kernel

import "math"

// Add adds x to z.
func (u *ISA) Add(t *Team, z, x []float32) {
	t.run(len(z), 16, len(z), func(_ *worker, lo, hi int) { u.vectorRow(u.add, addGo, z[lo:hi], z[lo:hi], x[lo:hi]) })
}

// Copy copies x to z.
func Copy(t *Team, z, x []float32) {
	t.run(len(z), 16, len(z), func(_ *worker, lo, hi int) { copy(z[lo:hi], x[lo:hi]) })
}

// ScaleBy multiplies all elements.
func ScaleBy(t *Team, z []float32, by float32) {
	if by == 1 {
		return
	}
	t.run(len(z), 16, len(z), func(_ *worker, lo, hi int) { scaleRow(z[lo:hi], by) })
}

// Spread is the view of a reduction's result as large as its operand: where an axis is gone, its element repeats.
func Spread(shape []int, gone []bool) Strided {
	kept := append([]int(nil), shape...)
	for i, g := range gone {
		if g {
			kept[i] = 1
		}
	}
	return Repeat(kept, shape)
}

// Picker makes a tensor of another's elements.
type Picker struct {
	outer     int // parts that stay apart
	from, run int // floats of a part, and of a run
	index     []int32
	fill      float32
}

// NewPicker prepares a result with, along each axis of shape, the positions of a list, all of them where it is nil; a negative
// position is filled. There are outer such tensors one after the other.
func NewPicker(shape []int, lists [][]int, outer int, fill float32) *Picker {
	p := &Picker{outer: outer, from: 1, run: 1, index: []int32{0}, fill: fill}
	s, last := Dense(shape), len(shape)
	for _, n := range shape {
		p.from *= n
	}
	for last > 0 && lists[last-1] == nil {
		last--
		p.run *= shape[last]
	}
	for a := range last {
		list := lists[a]
		if list == nil {
			for i := range shape[a] {
				list = append(list, i)
			}
		}
		next := make([]int32, 0, len(p.index)*len(list))
		for _, base := range p.index {
			for _, i := range list {
				if base < 0 || i < 0 {
					next = append(next, -1)
				} else {
					next = append(next, base+int32(i*s.Strides[a]))
				}
			}
		}
		p.index = next
	}
	return p
}

// NewMover prepares a result that has, in this order, the elements of an operand of n that are listed, 0 for negative ones. There are outer such
// tensors one after the other.
func NewMover(index []int32, outer, n int) *Picker {
	return &Picker{outer: outer, from: n, run: 1, index: index}
}

// Run picks elements of x.
func (p *Picker) Run(t *Team, z, x []float32) {
	size := len(p.index) * p.run
	t.Split(p.outer, p.outer*size, func(lo, hi int) {
		for o := lo; o < hi; o++ {
			to, from := z[o*size:(o+1)*size], x[o*p.from:(o+1)*p.from]
			for i, k := range p.index {
				cell := to[i*p.run : (i+1)*p.run]
				if k >= 0 {
					copy(cell, from[k:])
					continue
				}
				for j := range cell {
					cell[j] = p.fill
				}
			}
		}
	})
}

// Back sets dx to the gradient with respect to x.
func (p *Picker) Back(t *Team, dx, dz []float32) {
	size := len(p.index) * p.run
	t.Split(p.outer, p.outer*size, func(lo, hi int) {
		for o := lo; o < hi; o++ {
			to, from := dx[o*p.from:(o+1)*p.from], dz[o*size:(o+1)*size]
			clear(to)
			for i, k := range p.index {
				if k < 0 {
					continue
				}
				cell := to[k:]
				for j, v := range from[i*p.run : (i+1)*p.run] {
					cell[j] += v
				}
			}
		}
	})
}

// Back sets dx to the derivatives of a pooling by its operand. Of several maxima the first has all.
func (p *Pool) Back(t *Team, dx, dz, x, z []float32, batch int) {
	c, taps := p.channels, p.g.KH*p.g.KW
	image := p.g.H * p.g.W * c
	t.Split(batch, batch*p.pixels*taps*c, func(lo, hi int) {
		clear(dx[lo*image : hi*image])
		done := make([]bool, c)
		for r := lo * p.pixels; r < hi*p.pixels; r++ {
			img, pix := r/p.pixels*image, r%p.pixels
			g, y := dz[r*c:(r+1)*c], z[r*c:(r+1)*c]
			clear(done)
			for _, o := range p.off[pix*taps : pix*taps+taps] {
				if o < 0 {
					continue
				}
				at := img + int(o)*c
				to, from := dx[at:at+c], x[at:at+c]
				for i, v := range g {
					switch {
					case p.average:
						to[i] += v * p.scale[pix]
					case !done[i] && from[i] == y[i]:
						to[i] += v
						done[i] = true
					}
				}
			}
		}
	})
}

// GlobalPoolBack sets dx to the derivatives of GlobalPool by its operand.
func GlobalPoolBack(t *Team, dx, dz, x, z []float32, batch, pixels, channels int, average bool) {
	t.Split(batch, len(dx), func(lo, hi int) {
		done := make([]bool, channels)
		for b := lo; b < hi; b++ {
			g, y := dz[b*channels:(b+1)*channels], z[b*channels:(b+1)*channels]
			clear(done)
			for p := range pixels {
				at := (b*pixels + p) * channels
				to := dx[at : at+channels]
				for i, v := range g {
					switch {
					case average:
						to[i] = v / float32(pixels)
					case !done[i] && x[at+i] == y[i]:
						to[i], done[i] = v, true
					default:
						to[i] = 0
					}
				}
			}
		}
	})
}

// SoftmaxBack sets dx to z * (dz - sum of z*dz) along the middle axis of [outer, n, inner].
func SoftmaxBack(t *Team, dx, z, dz []float32, outer, n, inner int) {
	t.Split(outer, 4*len(z), func(lo, hi int) {
		for o := lo; o < hi; o++ {
			for i := range inner {
				at := o*n*inner + i
				var sum float64
				for k := range n {
					sum += float64(z[at+k*inner]) * float64(dz[at+k*inner])
				}
				for k := range n {
					dx[at+k*inner] = z[at+k*inner] * (dz[at+k*inner] - float32(sum))
				}
			}
		}
	})
}

// Matrices is a batch of products of activations, [m, k] times [k, n], and their derivatives.
type Matrices struct {
	isa      *ISA
	m, k, n  int
	xat, yat []int // of each product, the matrices of x and y that it multiplies
	spread   bool  // some matrices are in several products
	product  *Product
	left     *Product
}

// NewMatrices prepares products of the xat-th matrices of x and yat-th of y.
func (u *ISA) NewMatrices(m, k, n int, xat, yat []int) *Matrices {
	c := &Matrices{isa: u, m: m, k: k, n: n, xat: xat, yat: yat}
	zat, xs, ys := make([]int, len(xat)), make([]int, len(xat)), make([]int, len(xat))
	for i := range zat {
		zat[i], xs[i], ys[i] = i*m*n, xat[i]*m*k, yat[i]*k*n
		c.spread = c.spread || xat[i] != i || yat[i] != i
	}
	c.product = u.NewProduct(m, k, n, xs, ys)
	c.left = u.NewProduct(m, n, k, zat, ys)
	c.left.turned = true
	return c
}

// Forward computes z.
func (c *Matrices) Forward(t *Team, z, x, y []float32) { c.product.Run(t, z, x, y) }

// Left sets dx to the gradient with respect to x: dz times transposed y.
func (c *Matrices) Left(t *Team, dx, dz, y []float32) {
	if !c.spread {
		c.left.Run(t, dx, dz, y)
		return
	}
	size := c.m * c.k
	each := make([]float32, len(c.xat)*size)
	c.left.Run(t, each, dz, y)
	clear(dx)
	for i, at := range c.xat {
		to := dx[at*size : (at+1)*size]
		addGo(to, to, each[i*size:], float32(math.Inf(-1)), float32(math.Inf(1)))
	}
}

// Right sets dy to the gradient with respect to y: transposed x times dz.
func (c *Matrices) Right(t *Team, dy, dz, x []float32) {
	clear(dy)
	one := func(w *worker, i int) {
		xm, zm := x[c.xat[i]*c.m*c.k:], dz[i*c.m*c.n:]
		c.isa.crossed(w, c.m, c.k, c.n, xm, c.k, zm, c.n, dy[c.yat[i]*c.k*c.n:])
	}
	work := len(c.xat) * c.m * c.k * c.n
	if c.spread {
		for i := range c.xat {
			one(t.workers[0], i)
		}
		return
	}
	t.run(len(c.xat), 1, work, func(w *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			one(w, i)
		}
	})
}

// crossed adds the product of a transposed [m, k] matrix with an [m, n] one to z, [k, n].
func (u *ISA) crossed(w *worker, m, k, n int, x []float32, ldx int, y []float32, ldy int, z []float32) {
	a := &w.cross
	if len(w.off) < m {
		w.off = make([]int64, m)
	}
	for i := range m {
		w.off[i] = int64(i*ldx) * 4
	}
	a.zero, a.off, a.depth = first(x), &w.off[0], int64(m)
	for j := 0; j < n; {
		cols := 2 * u.width
		if n-j <= u.width {
			cols = u.width
		}
		have := min(cols, n-j)
		a.y, a.ldy = &y[j], int64(ldy)*4
		if have < cols {
			if len(w.panel) < m*cols {
				w.panel = make([]float32, m*2*u.width)
			}
			for i := range m {
				to := w.panel[i*cols : (i+1)*cols]
				clear(to[copy(to, y[i*ldy+j:i*ldy+j+have]):])
			}
			a.y, a.ldy = &w.panel[0], int64(cols)*4
		}
		for i := 0; i < k; i += u.rows {
			rows := min(u.rows, k-i)
			a.x, a.next = &x[i], w.ahead.take(m, a.y)
			if have == cols {
				a.c, a.ldc = &z[i*n+j], int64(n)*4
				u.cross(rows, cols/u.width, a)
				continue
			}
			clear(w.edge[:rows*cols])
			a.c, a.ldc = &w.edge[0], int64(cols)*4
			u.cross(rows, cols/u.width, a)
			for r := range rows {
				to := z[(i+r)*n+j : (i+r)*n+j+have]
				for q := range to {
					to[q] += w.edge[r*cols+q]
				}
			}
		}
		j += cols
	}
}
