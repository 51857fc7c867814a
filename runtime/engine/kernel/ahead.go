package kernel

// ahead is memory that a thread will need for its next rows. Micro-kernels of matrix products prefetch it into the second-level cache, one cache line in
// each of their steps, so that it arrives while they compute. If all lines were prefetched at once, they would delay the loads of the current rows.
type ahead struct {
	parts   [6][]float32
	next, n int
}

// clear forgets what is left.
func (a *ahead) clear() { *a = ahead{} }

// rows adds rows [lo, hi) of x, of n elements each, as far as x has them and there is room.
func (a *ahead) rows(x []float32, n, lo, hi int) {
	if hi = min(hi, len(x)/max(1, n)); lo < hi && a.n < len(a.parts) {
		a.parts[a.n] = x[lo*n : hi*n]
		a.n++
	}
}

// take returns the address at which a micro-kernel of so many steps starts to prefetch. If nothing is left it is there, which the kernel needs anyway.
func (a *ahead) take(steps int, there *float32) *float32 {
	if a.next == a.n {
		return there
	}
	x, taken := a.parts[a.next], steps*lineFloats
	if taken < len(x) {
		a.parts[a.next] = x[taken:]
	} else {
		a.next++
	}
	return &x[0]
}

// lineFloats is the size of a cache line.
const lineFloats = 16

// reach returns about where the rows of the operand begin that rows of the result from m on need for the first time.
func (c *Trainable) reach(m int) int {
	if c.g.plain() {
		return m
	}
	_, ow := c.g.Out()
	return m/c.pixels*c.g.H*c.g.W + m%c.pixels/ow*c.g.StrideH*c.g.W
}

// lookAhead announces rows [lo, hi) of n elements.
func (o Operand) lookAhead(w *worker, n, lo, hi int) {
	if o.Sum != nil {
		w.ahead.rows(o.Sum.x, n, lo, hi)
		w.ahead.rows(o.Sum.y, n, lo, hi)
	}
	w.ahead.rows(o.X, n, lo, hi)
}

// lookAhead announces the memory from which the gradient with respect to rows [lo, hi), of n elements each, is computed. There may be nothing to compute.
func (d *Deferred) lookAhead(w *worker, n, lo, hi int) {
	if d != nil {
		w.ahead.rows(d.x, n, lo, hi)
		w.ahead.rows(d.dz, n, lo, hi)
	}
}

// lookAhead announces the memory that is needed for the gradient with respect to rows [lo, hi), of n elements each, of the operand.
func (g *Gradients) lookAhead(w *worker, n, lo, hi int) {
	w.ahead.rows(g.Operand, n, lo, hi)
	for s := g.Sums; s != nil; s = s.And {
		w.ahead.rows(s.x, n, lo, hi)
	}
}
