package kernel

// winograd computes a 3x3 convolution of stride 1 as F(4x4, 3x3) of "Fast Algorithms for Convolutional Neural Networks" (Lavin and Gray, 2016):
// a tile of 4x4 results needs 36 products for each pair of channels instead of 144. A tile of the operand is transformed to values at 36 points,
// which are multiplied at each point by those of the weights, for many tiles at a time; the sums are transformed to results. Derivatives go back
// through the transposed transforms.
type winograd struct {
	c           *Trainable
	tiles       int     // of an image
	operands    []int64 // [tiles][6*6] in bytes of an image of the operand, see grid
	results     []int64 // [tiles][4*4] of the result
	there, back *Matrix // weights at all points, [points*in, out], and turned, [points*out, in]
	bias        []float32
	zero        []float32
}

// winogradFloats bounds the values of an image's tiles, which stay in the second cache.
const winogradFloats = 1 << 18

// winogradTiles is how many tiles are at least transformed before they are multiplied, so that weights are read seldom.
const winogradTiles = 32

// biased is the point at which alone a constant of the results has a value: A' takes it to all of them.
const biased = gridSide + 1

// byWinograd tells whether a convolution is faster so.
func (u *ISA) byWinograd(g Window, p TrainableParams) bool {
	plain := Window{H: g.H, W: g.W, KH: 3, KW: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Top: g.Top, Left: g.Left, Bottom: g.Bottom, Right: g.Right}
	if g.Ceil = false; g != plain || p.Groups > 1 || p.In < thin || p.Out < thin {
		return false
	}
	oh, ow := g.Out()
	tiles := tilesOf(oh) * tilesOf(ow)
	return 2*tiles*points <= 9*oh*ow && tiles*points*(p.In+p.Out) <= winogradFloats
}

func tilesOf(extent int) int { return (extent + tileSide - 1) / tileSide }

func newWinograd(c *Trainable, shared *Windows, memory Memory) *winograd {
	oh, ow := c.g.Out()
	x := &winograd{c: c, tiles: tilesOf(oh) * tilesOf(ow), zero: make([]float32, max(c.in, c.out))}
	x.operands = shared.tileOffsets(tiling{oh, ow, gridSide, c.g.H, c.g.W, c.g.Top, c.g.Left, c.in})
	x.results = shared.tileOffsets(tiling{oh, ow, tileSide, oh, ow, 0, 0, c.out})
	x.there = c.isa.empty(Layout{Taps: points, K: c.in, N: c.out}, memory)
	x.back = c.isa.empty(Layout{Taps: points, K: c.out, N: c.in}, memory)
	x.bias = make([]float32, len(x.there.init))
	return x
}

// tiling is squares of pixels that belong to the tiles of a result.
type tiling struct {
	oh, ow    int // of the result
	side      int
	h, w      int // of the image
	top, left int // how far a square starts before its tile
	channels  int
}

// offsets lists where the squares' pixels are, in bytes of an image; -1 is outside.
func (g tiling) offsets() []int64 {
	off := make([]int64, 0, tilesOf(g.oh)*tilesOf(g.ow)*g.side*g.side)
	for y := 0; y < g.oh; y += tileSide {
		for x := 0; x < g.ow; x += tileSide {
			for i := range g.side * g.side {
				r, c := y-g.top+i/g.side, x-g.left+i%g.side
				if r < 0 || r >= g.h || c < 0 || c >= g.w {
					off = append(off, -1)
					continue
				}
				off = append(off, int64((r*g.w+c)*g.channels)*4)
			}
		}
	}
	return off
}

// setWeights transforms weights to their values at all points.
func (x *winograd) setWeights(t *Team, w, bias []float32) {
	l, first := x.c.layout, len(x.there.spans)
	t.run(first+len(x.back.spans), 1, packWork*points*l.K*l.N, func(wk *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			if i < first {
				x.there.fillPoints(wk, i, w, l)
			} else {
				x.back.fillPoints(wk, i-first, w, l.turned())
			}
		}
	})
	clear(x.bias)
	copy(x.bias, bias[:min(len(bias), x.c.out)])
}

// fillPoints packs a panel with the values of weights, row by row.
func (m *Matrix) fillPoints(wk *worker, panel int, w []float32, l Layout) {
	j := panel * 2 * m.isa.width
	cols := m.columns(j)
	have, to := min(cols, l.N-j), m.panels[j*m.depth:]
	taps, off := room(&wk.operand, l.Taps*cols), wk.tapOffsets(l.Taps, cols)
	for k := range l.K {
		for q := range have {
			from := w[(j+q)*l.NStride+k*l.KStride:]
			for i := range l.Taps {
				taps[i*cols+q] = from[i*l.TapStride]
			}
		}
		wk.grid = grid{
			pixels: &taps[0], outside: &taps[0], off: &off[0], tiles: 1, channels: int64(cols),
			values: &to[k*cols], stride: int64(l.K*cols) * 4, temp: &wk.gridTemp[0], mask: &m.isa.maskOf(cols)[0],
		}
		m.isa.weightGrid(&wk.grid)
	}
}

// tapOffsets returns where taps of n channels start, in bytes.
func (w *worker) tapOffsets(taps, n int) []int64 {
	if len(w.off) < taps {
		w.off = make([]int64, taps)
	}
	for i := range taps {
		w.off[i] = int64(i*n) * 4
	}
	return w.off[:taps]
}

// images is how many images are a block, which a thread works on at a time.
func (x *winograd) images(batch int) int {
	return max(1, min((winogradTiles+x.tiles-1)/x.tiles, (batch+3)/4))
}

// values is the memory of values: those of a point lie together, and a cache line apart from those of the next, since distances that are a
// power of two would use a few places of the cache only.
type values struct {
	floats []float32
	point  int // floats between points
	n      int // channels
}

func valuesOf(scratch *[]float32, tiles, n int) values {
	point := tiles*n + 16
	return values{floats: room(scratch, points*point), point: point, n: n}
}

// at returns the values at a point, from a tile on.
func (v *values) at(point, tile int) []float32 { return v.floats[point*v.point+tile*v.n:] }

// transform has one of the ISA's functions transform the tiles of images, whose values are at tile and on.
func (x *winograd) transform(w *worker, f gridFunc, pixels, outside []float32, off []int64, v *values, tile, images int) {
	image := len(pixels) / images
	for i := range images {
		g := &w.grid
		*g = grid{
			pixels: &pixels[i*image], outside: &outside[0], off: &off[0], tiles: int64(x.tiles), channels: int64(v.n),
			values: &v.at(0, tile+i*x.tiles)[0], stride: int64(v.point) * 4, temp: &w.gridTemp[0], mask: &x.c.isa.maskOf(v.n)[0],
		}
		f(g)
	}
}

// multiply sets values of b, from tile 0 on, to those of a, from a tile on, times the weights at each point; a nil bias is zero.
func multiply(w *worker, weights *Matrix, bias []float32, a *values, tile, tiles int, b *values) {
	m := &w.point
	*m = *weights
	m.taps, m.runs = 1, w.pointRun[:]
	for i := range points {
		m.init = weights.init
		if i == biased && bias != nil {
			m.init = bias
		}
		m.runs[0] = run{row: i * a.n, taps: 1, k: a.n}
		src := source{x: a.at(i, tile), stride: a.n}
		m.block(w, 0, tiles, 0, len(m.spans), &src, b.at(i, 0), b.n)
	}
}

// forward computes the results of some images of a block.
func (x *winograd) forward(w *worker, in, out []float32, images int) {
	u, tiles := x.c.isa, images*x.tiles
	a, b := valuesOf(&w.values, tiles, x.c.in), valuesOf(&w.products, tiles, x.c.out)
	x.transform(w, u.operandGrid, in, x.zero, x.operands, &a, 0, images)
	multiply(w, x.there, x.bias, &a, 0, tiles, &b)
	x.transform(w, u.resultGrid, out, room(&w.outside, x.c.out), x.results, &b, 0, images)
}

// run computes the results of a batch.
func (x *winograd) run(t *Team, in Operand, y []float32, batch int) {
	each := x.images(batch)
	t.run((batch+each-1)/each, 1, x.work(batch), func(w *worker, lo, hi int) {
		for b := lo; b < hi; b++ {
			x.block(w, in, y, b*each, min(each, batch-b*each))
		}
	})
}

// block computes the results of images from the first one on.
func (x *winograd) block(w *worker, in Operand, y []float32, first, images int) {
	c, image := x.c, x.c.g.H*x.c.g.W
	rows := in.rows(w, c.in, first*image, (first+images)*image)
	next, end := first+images, first+2*images
	w.ahead.clear()
	in.lookAhead(w, c.in, next*image, end*image)
	w.ahead.rows(y, c.out, next*c.pixels, end*c.pixels)
	x.forward(w, rows, y[first*c.pixels*c.out:(first+images)*c.pixels*c.out], images)
}

// work is the size of a product in multiply-accumulates.
func (x *winograd) work(batch int) int { return batch * x.tiles * points * x.c.in * x.c.out }

// runMoments is run, and the moments of the results' columns.
func (x *winograd) runMoments(t *Team, in Operand, y []float32, batch int, m *Moments) {
	c, u, each := x.c, x.c.isa, x.images(batch)
	blocks := (batch + each - 1) / each
	if blocks == 1 {
		x.run(t, in, y, batch)
		u.Moments(t, m, y, c.out)
		return
	}
	ends := make([]int, min(16, blocks))
	for p := range ends {
		ends[p] = min(batch, (p+1)*blocks/len(ends)*each) * c.pixels
	}
	u.observeBlocks(t, m, y, c.out, x.work(batch), ends, stepRows(c.out), each*c.pixels, func(w *worker, lo, _ int) {
		x.block(w, in, y, lo/c.pixels, min(each, batch-lo/c.pixels))
	})
}
