package accuracy

import (
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/terms"
)

// Joint is a SubNet with several choices other than the original's, counted on the images of the probes.
type Joint struct {
	Genes   space.Genes
	Correct int
}

// Corrected returns Penalty corrected by joint measurements: what single modifications cost does not simply add up. The penalties
// of each kind of choice get a common factor, and those beside a smaller resolution another one,
//
//	sum over choices i of factor(kind of i) * penalty(i) + pair * penalty(resolution) * penalty(i) / original's correct images,
//
// fitted by ridge regression around the plain sum (factors 1, pair 0), as if that had been measured prior times. So the result
// stays a sum of small tables, which is searched exactly. Without measurements it is Penalty.
func (t *Table) Corrected(net *supernet.Net, joint []Joint) (*terms.Sum, error) {
	plain, err := t.Penalty(net)
	if err != nil || len(joint) == 0 {
		return plain, err
	}
	f := newFeatures(t, net)
	w, err := f.fit(joint)
	if err != nil {
		return nil, err
	}
	var ts []terms.Term
	for i, c := range net.Choices {
		if i != f.side {
			ts = append(ts, f.term(i, w, c))
			continue
		}
		table := make([]int64, len(c.Values))
		for v := range table {
			table[v] = int64(math.Round(w[f.kind[i]] * f.penalty(i, uint8(v))))
		}
		ts = append(ts, terms.Term{Deps: []uint8{uint8(i)}, Table: table})
	}
	return terms.New(net.Cards(), 0, ts)
}

// prior is how many measurements the plain sum counts for.
const prior = 2

// features are the quantities whose factors are fitted: the sum of penalties of each kind, then the sum of products with the resolution's.
type features struct {
	table *Table
	net   *supernet.Net
	kinds []string
	kind  []int // of each choice, in kinds
	side  int   // the resolution's gene, -1 without

	losses [][]int64 // by choice and candidate
}

func newFeatures(t *Table, net *supernet.Net) *features {
	f := &features{table: t, net: net, side: -1}
	for i, c := range net.Choices {
		f.losses = append(f.losses, t.losses(i))
		k := slices.Index(f.kinds, c.Kind)
		if k < 0 {
			k = len(f.kinds)
			f.kinds = append(f.kinds, c.Kind)
		}
		f.kind = append(f.kind, k)
		if c.Kind == "resolution" && c.Live.Below == 0 {
			f.side = i
		}
	}
	return f
}

func (f *features) penalty(i int, v uint8) float64 { return float64(f.losses[i][v]) }

// pair is what the choice i with candidate v adds to the last feature.
func (f *features) pair(i int, v, side uint8) float64 {
	return f.penalty(i, v) * f.penalty(f.side, side) / float64(max(f.table.Base, 1))
}

func (f *features) of(g space.Genes) []float64 {
	out := make([]float64, len(f.kinds)+1)
	for i, c := range f.net.Choices {
		if !space.Holds(c.Live, g) {
			continue
		}
		out[f.kind[i]] += f.penalty(i, g[i])
		if f.side >= 0 && i != f.side {
			out[len(f.kinds)] += f.pair(i, g[i], g[f.side])
		}
	}
	return out
}

// term is the table of a choice, by itself or beside the resolution.
func (f *features) term(i int, w []float64, c space.Choice) terms.Term {
	if f.side < 0 {
		table := make([]int64, len(c.Values))
		for v := range table {
			table[v] = int64(math.Round(w[f.kind[i]] * f.penalty(i, uint8(v))))
		}
		return terms.Term{Deps: []uint8{uint8(i)}, Live: c.Live, Table: table}
	}
	sides := len(f.net.Choices[f.side].Values)
	deps := []uint8{uint8(f.side), uint8(i)}
	var table []int64
	at := func(side, v int) {
		table = append(table, int64(math.Round(w[f.kind[i]]*f.penalty(i, uint8(v))+w[len(f.kinds)]*f.pair(i, uint8(v), uint8(side)))))
	}
	if f.side < i {
		for s := range sides {
			for v := range c.Values {
				at(s, v)
			}
		}
	} else {
		slices.Reverse(deps)
		for v := range c.Values {
			for s := range sides {
				at(s, v)
			}
		}
	}
	return terms.Term{Deps: deps, Live: c.Live, Table: table}
}

// fit returns the factors.
func (f *features) fit(joint []Joint) ([]float64, error) {
	n := len(f.kinds) + 1
	a, b := make([][]float64, n), make([]float64, n)
	for k := range a {
		a[k] = make([]float64, n)
	}
	for _, j := range joint {
		if len(j.Genes) != len(f.net.Choices) {
			return nil, fmt.Errorf("a joint measurement has %d genes, the package has %d choices", len(j.Genes), len(f.net.Choices))
		}
		x, y := f.of(j.Genes), float64(f.table.Base-j.Correct)
		for k := range n {
			for l := range n {
				a[k][l] += x[k] * x[l]
			}
			b[k] += x[k] * y
		}
	}
	for k := range n {
		weight := prior*a[k][k]/float64(len(joint)) + 1 // features that were never seen keep their factor
		a[k][k] += weight
		if k < len(f.kinds) {
			b[k] += weight
		}
	}
	w := solve(a, b)
	for k := range f.kinds {
		w[k] = max(w[k], 0)
	}
	return w, nil
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
