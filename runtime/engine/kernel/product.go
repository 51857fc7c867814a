package kernel

// Product is a batch of matrix products of two activations: y of every batch is packed, then multiplied.
type Product struct {
	isa      *ISA
	m, k, n  int
	xat, yat []int  // where each batch's operands start
	turned   bool   // the matrices of y are [n, k]
	form     Matrix // without elements, which workers have memory for
}

// NewProduct prepares products of [m, k] and [k, n] matrices that start at the given offsets of x and y.
func (u *ISA) NewProduct(m, k, n int, xat, yat []int) *Product {
	p := &Product{isa: u, m: m, k: k, n: n, xat: xat, yat: yat}
	p.form = *u.form(Layout{Taps: 1, K: k, N: n}, nil, NoLimits())
	return p
}

// Run computes z, the products one after the other.
func (p *Product) Run(t *Team, z, x, y []float32) {
	layout := Layout{Taps: 1, K: p.k, N: p.n, KStride: p.n, NStride: 1}
	if p.turned {
		layout.KStride, layout.NStride = 1, p.k
	}
	if len(p.xat) == 1 {
		mat := p.matrix(t.workers[0])
		mat.fill(y[p.yat[0]:], layout)
		mat.Mul(t, p.m, x[p.xat[0]:], p.k, z, p.n)
		return
	}
	t.run(len(p.xat), 1, len(p.xat)*p.m*p.k*p.n, func(w *worker, lo, hi int) {
		mat := p.matrix(w)
		for i := lo; i < hi; i++ {
			if i == lo || p.yat[i] != p.yat[i-1] {
				mat.fill(y[p.yat[i]:], layout)
			}
			src := source{x: x[p.xat[i]:], stride: p.k}
			mat.block(w, 0, p.m, 0, len(mat.spans), &src, z[i*p.m*p.n:], p.n)
		}
	})
}

// matrix returns a Matrix in the memory of w, whose elements are those of the last product.
func (p *Product) matrix(w *worker) *Matrix {
	if n := p.form.width() * p.k; len(w.panels) < n {
		w.panels = make([]float32, n)
	}
	w.product = p.form
	w.product.panels = w.panels
	return &w.product
}
