package accuracy

import (
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Joint is a SubNet with several choices other than the original's, counted on the samples of the probes.
type Joint struct {
	Genes   space.Genes
	Correct int
}

// Corrected returns Penalty corrected by joint measurements: what single modifications cost does not simply add up, and chance is a large part of
// what each of them is counted to cost. The prediction is
//
//	sum over choices i of (1 + factors(kind of i, resolution)) * loss(i) + extra(i)
//
// with the losses of probes, of which chance is taken out as far as choices of one kind tell (shrunk). Factors and extras are 0 unless
// measurements say otherwise: they are the means of a Gaussian posterior (ridge regression), whose prior is given below. So the result stays
// a sum of small tables, which is searched exactly. Without measurements it is Penalty.
func (t *Table) Corrected(net *supernet.Net, joint []Joint) (*space.Sum, error) {
	if len(joint) == 0 {
		return t.Penalty(net)
	}
	if err := t.complete(net); err != nil {
		return nil, err
	}
	m := newModel(t, net)
	if err := m.fit(joint); err != nil {
		return nil, err
	}
	var ts []space.Term
	for i := range net.Choices {
		ts = append(ts, m.term(i))
	}
	return space.NewSum(net.Cards(), 0, ts)
}

// The prior: standard deviations of the factors on losses, and of the extras of candidates. They were chosen for the SuperNets of this repository, whose
// predictions hardly change when they are half or twice as large.
const (
	commonFactor = 0.3
	kindFactor   = 0.2
	levelFactor  = 0.35 // of one resolution
	trendFactor  = 1    // times the resolution's loss, as a share of the smallest one's
	extra        = 0.3  // of what chance is in a probe, for each candidate more
	extraLevel   = 0.1  // of the mean loss from one resolution to the next
	probeNoise   = 0.25 // variance of a probe's count by chance, as a share of that of a joint measurement: nearly the same images are wrong; see chanceOf
)

// model is the prediction of Corrected.
type model struct {
	table   *Table
	net     *supernet.Net
	kinds   []string
	kind    []int       // of each choice, in kinds
	side    int         // the resolution's gene, -1 without
	noise   float64     // variance of a joint measurement by chance
	chance  float64     // of a probe
	losses  [][]float64 // by choice and candidate
	columns []column
	first   []int // of each choice: the column of its second candidate
	levels  int   // column of the first resolution
}

// column is a quantity of a SubNet that the prediction is linear in, beyond the sum of losses.
type column struct {
	deviation float64 // of its weight, before anything is measured
	weight    float64
}

// The columns before those of kinds, resolutions and candidates.
const (
	common = iota
	trend
	kinds0
)

func newModel(t *Table, net *supernet.Net) *model {
	whole := float64(t.Header.Whole())
	share := float64(t.Base) / whole
	m := &model{table: t, net: net, side: -1, noise: max(1, share*(1-share)*whole*whole/float64(t.Header.Images))}
	for i, c := range net.Choices {
		k := slices.Index(m.kinds, c.Kind)
		if k < 0 {
			k = len(m.kinds)
			m.kinds = append(m.kinds, c.Kind)
		}
		m.kind = append(m.kind, k)
		if c.Kind == "resolution" && c.Live.Below == 0 {
			m.side = i
		}
	}
	m.chance = m.chanceOf()
	m.shrink()
	m.columns = []column{common: {deviation: commonFactor}, trend: {deviation: trendFactor}}
	m.add(len(m.kinds), kindFactor)
	m.levels = len(m.columns)
	if m.side >= 0 {
		m.add(len(net.Choices[m.side].Values), levelFactor)
	}
	for i, c := range net.Choices {
		deviation := extra * math.Sqrt(m.chance)
		if i == m.side {
			deviation = max(deviation, extraLevel*m.losses[i][len(c.Values)-1]/float64(len(c.Values)-1))
		}
		m.first = append(m.first, len(m.columns))
		m.add(len(c.Values)-1, deviation)
	}
	return m
}

// chanceOf returns the variance by chance of what probes lose. What gains does so by chance, as no part does better than the whole: it is the mean
// square of gains, with the prior as one more.
func (m *model) chanceOf() float64 {
	sum, n := probeNoise*m.noise, 1.0
	for _, list := range m.table.Correct {
		for _, correct := range list {
			if gain := float64(correct - m.table.Base); gain > 0 {
				sum, n = sum+gain*gain, n+1
			}
		}
	}
	return sum / n
}

func (m *model) add(n int, deviation float64) {
	for range n {
		m.columns = append(m.columns, column{deviation: deviation})
	}
}

// shrink sets the losses. Those of one kind and candidate are drawn towards their mean, as far as they differ by no more than chance would make
// them (empirical Bayes; Efron and Morris 1975), and made to grow.
func (m *model) shrink() {
	most := 0
	for _, list := range m.table.Correct {
		m.losses = append(m.losses, make([]float64, len(list)))
		most = max(most, len(list))
	}
	for k := range m.kinds {
		for v := 1; v < most; v++ {
			m.shrinkTogether(k, v)
		}
	}
	for _, list := range m.losses {
		grow(list)
	}
}

func (m *model) shrinkTogether(kind, v int) {
	var of []int
	sum, squares := 0.0, 0.0
	for i, list := range m.table.Correct {
		if m.kind[i] == kind && v < len(list) {
			loss := float64(m.table.Base - list[v])
			m.losses[i][v] = loss
			of = append(of, i)
			sum, squares = sum+loss, squares+loss*loss
		}
	}
	n := float64(len(of))
	if n < 2 {
		return
	}
	mean := sum / n
	variance := (squares - n*mean*mean) / (n - 1)
	own := max(0, variance-m.chance) / max(variance, 1)
	for _, i := range of {
		m.losses[i][v] = mean + own*(m.losses[i][v]-mean)
	}
}

// smaller is the loss of a resolution as a share of the smallest one's.
func (m *model) smaller(level uint8) float64 {
	if m.side < 0 {
		return 0
	}
	list := m.losses[m.side]
	return list[level] / max(list[len(list)-1], 1)
}

// of returns the sum of losses of g and its row of the columns.
func (m *model) of(g space.Genes) (sum float64, row []float64) {
	row = make([]float64, len(m.columns))
	for i, c := range m.net.Choices {
		if !space.Holds(c.Live, g) {
			continue
		}
		loss := m.losses[i][g[i]]
		sum += loss
		for v := range int(g[i]) {
			row[m.first[i]+v] = 1
		}
		if i != m.side {
			row[common] += loss
			row[kinds0+m.kind[i]] += loss
		}
	}
	if m.side >= 0 {
		row[trend] = m.smaller(g[m.side]) * row[common]
		row[m.levels+int(g[m.side])] = row[common]
	}
	return sum, row
}

// fit sets the weights of the columns: with rows X, prior variances V and residuals y, V X' (X V X' + noise I)^-1 y.
func (m *model) fit(joint []Joint) error {
	rows, residuals := make([][]float64, len(joint)), make([]float64, len(joint))
	for k, j := range joint {
		if len(j.Genes) != len(m.net.Choices) {
			return fmt.Errorf("a joint measurement has %d genes, the package has %d choices", len(j.Genes), len(m.net.Choices))
		}
		sum, row := m.of(j.Genes)
		rows[k], residuals[k] = row, float64(m.table.Base-j.Correct)-sum
	}
	a := make([][]float64, len(joint))
	for k := range a {
		a[k] = make([]float64, len(joint))
		for l := range a[k] {
			for c, col := range m.columns {
				a[k][l] += rows[k][c] * rows[l][c] * col.deviation * col.deviation
			}
		}
		a[k][k] += m.noise
	}
	for k, y := range solve(a, residuals) {
		for c := range m.columns {
			col := &m.columns[c]
			col.weight += col.deviation * col.deviation * rows[k][c] * y
		}
	}
	return nil
}

// term is the table of a choice, beside the resolution if there is one.
func (m *model) term(i int) space.Term {
	c := m.net.Choices[i]
	if m.side < 0 || i == m.side {
		return space.Term{Deps: []uint8{uint8(i)}, Live: c.Live, Table: m.penalties(i, 0)}
	}
	var bySide [][]int64
	for level := range m.net.Choices[m.side].Values {
		bySide = append(bySide, m.penalties(i, uint8(level)))
	}
	if m.side < i {
		return space.Term{Deps: []uint8{uint8(m.side), uint8(i)}, Live: c.Live, Table: slices.Concat(bySide...)}
	}
	var table []int64
	for v := range c.Values {
		for _, list := range bySide {
			table = append(table, list[v])
		}
	}
	return space.Term{Deps: []uint8{uint8(i), uint8(m.side)}, Live: c.Live, Table: table}
}

// penalties predicts what the candidates of a choice cost at a resolution. They grow, as losses do.
func (m *model) penalties(i int, level uint8) []int64 {
	factor := 1.0
	if i != m.side {
		factor += m.columns[common].weight + m.columns[kinds0+m.kind[i]].weight
		if m.side >= 0 {
			factor += m.columns[trend].weight*m.smaller(level) + m.columns[m.levels+int(level)].weight
		}
	}
	costs := make([]float64, len(m.losses[i]))
	more := 0.0
	for v := 1; v < len(costs); v++ {
		more += m.columns[m.first[i]+v-1].weight
		costs[v] = max(0, factor)*m.losses[i][v] + more
	}
	return grown(costs)
}

// solve solves a symmetric positive definite system by Gauss's elimination, in place.
func solve(a [][]float64, b []float64) []float64 {
	n := len(b)
	for k := range n {
		for i := k + 1; i < n; i++ {
			r := a[i][k] / a[k][k]
			for j := k; j < n; j++ {
				a[i][j] -= r * a[k][j]
			}
			b[i] -= r * b[k]
		}
	}
	for k := n - 1; k >= 0; k-- {
		for j := k + 1; j < n; j++ {
			b[k] -= a[k][j] * b[j]
		}
		b[k] /= a[k][k]
	}
	return b
}
