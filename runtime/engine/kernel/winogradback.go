package kernel

// winogradSpan is how many floats of values are computed before the products of their points are summed: what stays in the third cache.
const winogradSpan = 1 << 19

// pointSlices is in how many parts the rows of a point's sums are cut, so that all threads have enough of them.
const pointSlices = 2

// gradients with respect to results are those of a Deferred, or there already.
type derivatives struct {
	deferred *Deferred
	dy       []float32
}

// rows returns those by rows [lo, hi) of n elements, until the worker's next call.
func (d derivatives) rows(w *worker, n, lo, hi int) []float32 {
	if d.deferred == nil {
		return d.dy[lo*n : hi*n]
	}
	to := room(&w.dy, (hi-lo)*n)
	d.deferred.rows(w, lo, hi, to)
	return to
}

// winogradSums bounds the sums of products at all points that blocks of images add to while their values are in the second cache.
const winogradSums = 1 << 16

// winogradParts is in how many parts blocks are cut then, each with sums of its own.
const winogradParts = 16

// backward computes derivatives.
func (x *winograd) backward(t *Team, d derivatives, in Operand, batch int, g Gradients) {
	each := x.images(batch)
	blocks := (batch + each - 1) / each
	g.Sums.begin(t, blocks)
	if points*x.c.in*x.c.out <= winogradSums {
		x.backwardParts(t, d, in, batch, each, blocks, g)
	} else {
		x.backwardSpans(t, d, in, batch, each, blocks, g)
	}
	g.Sums.end()
}

// backwardParts goes through parts of the blocks, which have few sums.
func (x *winograd) backwardParts(t *Team, d derivatives, in Operand, batch, each, blocks int, g Gradients) {
	c, parts, size := x.c, min(blocks, winogradParts), 0
	if g.Weights != nil {
		size = points * c.in * c.out
	}
	sums := t.zeros(parts * size)
	t.run(parts, 1, 3*x.work(batch), func(w *worker, lo, hi int) {
		for part := lo; part < hi; part++ {
			for i := part * blocks / parts; i < (part+1)*blocks/parts; i++ {
				b := block{index: i, first: i * each, images: min(each, batch-i*each), sums: sums[part*size : (part+1)*size]}
				a, z := valuesOf(&w.values, b.images*x.tiles, c.in), valuesOf(&w.products, b.images*x.tiles, c.out)
				x.blockBack(w, d, in, b, &a, &z, g)
			}
		}
	})
	if g.Weights != nil {
		x.collect(t, sums, parts, g.Weights)
	}
}

// backwardSpans has blocks leave their values; then products of these are summed point after point, in the order of tiles.
func (x *winograd) backwardSpans(t *Team, d derivatives, in Operand, batch, each, blocks int, g Gradients) {
	c := x.c
	var sums []float32
	if g.Weights != nil {
		sums = t.zeros(points * c.in * c.out)
	}
	span := max(4, winogradSpan/(each*x.tiles*points*(c.in+c.out))&^3)
	for from := 0; from < blocks; from += span {
		to := min(from+span, blocks)
		first, images := from*each, min(to*each, batch)-from*each
		a, z := valuesOf(&t.values, images*x.tiles, c.in), valuesOf(&t.products, images*x.tiles, c.out)
		t.run(to-from, 1, 2*x.work(images), func(w *worker, lo, hi int) {
			for i := from + lo; i < from+hi; i++ {
				b := block{index: i, first: i * each, images: min(each, batch-i*each), tile: (i*each - first) * x.tiles}
				x.blockBack(w, d, in, b, &a, &z, g)
			}
		})
		if g.Weights != nil {
			x.sum(t, &a, &z, images*x.tiles, sums)
		}
	}
	if g.Weights != nil {
		x.collect(t, sums, 1, g.Weights)
	}
}

// block is images from the first one on, whose values are at tile and on, and where the products of these are added, nil for nowhere.
type block struct {
	index, first, images int
	tile                 int
	sums                 []float32 // [points][in][out]
}

// blockBack goes back through a block: values of operands a and of results z.
func (x *winograd) blockBack(w *worker, d derivatives, in Operand, b block, a, z *values, g Gradients) {
	c, u, image := x.c, x.c.isa, x.c.g.H*x.c.g.W
	dy := d.rows(w, c.out, b.first*c.pixels, (b.first+b.images)*c.pixels)
	next, end := b.first+b.images, b.first+2*b.images
	w.ahead.clear()
	d.deferred.lookAhead(w, c.out, next*c.pixels, end*c.pixels)
	in.lookAhead(w, c.in, next*image, end*image)
	g.lookAhead(w, c.in, next*image, end*image)
	x.transform(w, u.resultGridBack, dy, x.zero, x.results, z, b.tile, b.images)
	lo, hi, tiles := b.first*image, (b.first+b.images)*image, b.images*x.tiles
	if g.Weights != nil {
		x.transform(w, u.operandGrid, in.rows(w, c.in, lo, hi), x.zero, x.operands, a, b.tile, b.images)
	}
	for i := 0; i < len(b.sums); i += c.in * c.out {
		point := i / (c.in * c.out)
		u.crossed(w, tiles, c.in, c.out, a.at(point, b.tile), c.in, z.at(point, b.tile), c.out, b.sums[i:])
	}
	if g.Operand == nil {
		return
	}
	v := valuesOf(&w.values, tiles, c.in) // in a's memory, where products have been added
	multiply(w, x.back, nil, z, b.tile, tiles, &v)
	to := g.Operand[lo*c.in : hi*c.in]
	if !g.Add {
		clear(to)
	}
	x.transform(w, u.operandGridBack, to, room(&w.outside, c.in), x.operands, &v, 0, b.images)
	g.last(u, w, b.index, lo, hi, c.in, in)
}

// sum adds the products of values of operands and results, [points][in][out].
func (x *winograd) sum(t *Team, a, z *values, tiles int, sums []float32) {
	in, out, u := x.c.in, x.c.out, x.c.isa
	t.run(points*pointSlices, 1, tiles*points*in*out, func(w *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			point, slice := i/pointSlices, i%pointSlices
			rows := (in + u.rows - 1) / u.rows
			k0, k1 := slice*rows/pointSlices*u.rows, min((slice+1)*rows/pointSlices*u.rows, in)
			for m := 0; m < tiles && k1 > k0; m += crossDepth {
				depth := min(crossDepth, tiles-m)
				u.crossed(w, depth, k1-k0, out, a.at(point, m)[k0:], in, z.at(point, m), out, sums[(point*in+k0)*out:])
			}
		}
	})
}

// collect adds the gradient with respect to the weights to dw, given the gradients with respect to their transformed values, in parts.
func (x *winograd) collect(t *Team, sums []float32, parts int, dw []float32) {
	l, u := x.c.layout, x.c.isa
	t.run(l.K, 1, packWork*points*l.K*l.N, func(w *worker, lo, hi int) {
		taps, off := room(&w.operand, l.Taps*l.N), w.tapOffsets(l.Taps, l.N)
		for k := lo; k < hi; k++ {
			for i := points; i < parts*points; i++ {
				row, more := sums[(i%points*l.K+k)*l.N:][:l.N], sums[(i*l.K+k)*l.N:][:l.N]
				u.vectorRow(u.add, addGo, row, row, more)
			}
			w.grid = grid{
				pixels: &taps[0], outside: &taps[0], off: &off[0], tiles: 1, channels: int64(l.N),
				values: &sums[k*l.N], stride: int64(l.K*l.N) * 4, temp: &w.gridTemp[0], mask: &u.maskOf(l.N)[0],
			}
			u.weightGridBack(&w.grid)
			for n := range l.N {
				to := dw[n*l.NStride+k*l.KStride:]
				for i := range l.Taps {
					to[i*l.TapStride] += taps[i*l.N+n]
				}
			}
		}
	})
}
