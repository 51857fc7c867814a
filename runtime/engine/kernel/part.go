package kernel

// Part says which part of a Matrix a view has, and what becomes of its results.
type Part struct {
	Taps    int       // groups of rows, for each of which the left-hand side has an offset
	Rows    []int     // of the whole, tap by tap
	Columns []int     // of the whole
	Scale   []float32 // by column of the part; nil is 1
	Bias    []float32
	Limits  Limits
}

// Part returns a view of some rows and columns of m, which has no elements of its own; m is whole. It is nil where the view would
// have to compute much more than it returns, since its columns lie scattered over panels.
func (m *Matrix) Part(p Part) *Matrix {
	v := &Matrix{isa: m.isa, taps: p.Taps, n: len(p.Columns), panels: m.panels, depth: m.depth, whole: m.whole, zero: m.zero, limits: p.Limits}
	v.runs = runs(p.Rows, p.Taps)
	computed := 0
	for to := 0; to < len(p.Columns); {
		s := m.span(p.Columns, to)
		s.init = computed
		computed += s.cols
		v.spans = append(v.spans, s)
		to += s.have
	}
	if computed > len(p.Columns)+len(p.Columns)/2+2*m.isa.width {
		return nil
	}
	v.init = make([]float32, computed)
	if p.Scale != nil {
		v.scale, v.shift = p.Scale, p.Bias
		if v.shift == nil {
			v.shift = make([]float32, v.n)
		}
		return v
	}
	for _, s := range v.spans {
		if p.Bias != nil {
			copy(v.init[s.init+s.skip:], p.Bias[s.to:s.to+s.have])
		}
	}
	return v
}

// span returns the longest one that yields columns from the one at index to on.
func (m *Matrix) span(columns []int, to int) span {
	step := 2 * m.isa.width
	at := columns[to] / step * step
	s := span{column: at, cols: m.columns(at), vecs: m.columns(at) / m.isa.width, skip: columns[to] - at, to: to}
	for to < len(columns) && columns[to] == at+s.skip+s.have && s.skip+s.have < s.cols {
		s.have++
		to++
	}
	return s
}

// runs joins rows that follow each other.
func runs(rows []int, taps int) []run {
	k := len(rows) / taps
	var out []run
	for tap := range taps {
		for i := 0; i < k; {
			row, from := rows[tap*k+i], i
			for i < k && rows[tap*k+i] == row+i-from {
				i++
			}
			whole := i-from == k
			if n := len(out) - 1; whole && n >= 0 && out[n].k == k && out[n].row+out[n].taps*k == row {
				out[n].taps++
				continue
			}
			out = append(out, run{row: row, tap: tap, x: from, taps: 1, k: i - from})
		}
	}
	return out
}

// gather makes all taps one row, as the left-hand side has them when it is gathered.
func (m *Matrix) gather() {
	r := &m.runs[0]
	m.taps, r.taps, r.k = 1, 1, r.taps*r.k
}
