package kernel

// Product is a batch of matrix products of two activations: y of every batch is packed, then multiplied.
type Product struct {
	isa      *ISA
	m, k, n  int
	xat, yat []int // where each batch's operands start
	packed   map[*worker]*Matrix
}

// NewProduct prepares products of [m, k] and [k, n] matrices that start at the given offsets of x and y.
func (u *ISA) NewProduct(m, k, n int, xat, yat []int) *Product {
	return &Product{isa: u, m: m, k: k, n: n, xat: xat, yat: yat, packed: make(map[*worker]*Matrix)}
}

// Run computes z, the products one after the other.
func (p *Product) Run(t *Team, z, x, y []float32) {
	layout := Layout{Taps: 1, K: p.k, N: p.n, KStride: p.n, NStride: 1}
	for _, w := range t.workers {
		if p.packed[w] == nil {
			p.packed[w] = p.isa.Pack(y[p.yat[0]:], layout, nil, NoLimits())
		}
	}
	if len(p.xat) == 1 {
		mat := p.packed[t.workers[0]]
		mat.fill(y[p.yat[0]:], layout)
		mat.Mul(t, p.m, x[p.xat[0]:], p.k, z, p.n)
		return
	}
	t.run(len(p.xat), 1, len(p.xat)*p.m*p.k*p.n, func(w *worker, lo, hi int) {
		mat := p.packed[w]
		for i := lo; i < hi; i++ {
			if i == lo || p.yat[i] != p.yat[i-1] {
				mat.fill(y[p.yat[i]:], layout)
			}
			src := source{x: x[p.xat[i]:], stride: p.k}
			mat.block(w, 0, p.m, 0, mat.width(), &src, z[i*p.m*p.n:], p.n)
		}
	})
}
