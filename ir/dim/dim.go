// Package dim has finite functions: extents that depend on a few choices.
//
// A Dim is a dense table over exactly the choices that it depends on, in normal form: a choice that
// never changes the value is not in it. Two Dims are equal when their tables are; all arithmetic is done on tables.
package dim

import (
	"fmt"
	"slices"
	"strings"
)

// Choice identifies a choice of the SuperNet: its gene.
type Choice = uint8

// Cap is the largest number of entries of a table.
const Cap = 1 << 20

// Dim is an extent as a function of choices, times the open batch when it is one. The zero Dim is the constant 0. Dims are immutable.
type Dim struct {
	deps  []Choice // ascending
	cards []uint8  // number of candidates of each of deps
	vals  []int    // dense over deps, the last fastest; one value when deps is empty, none for 0
	batch bool     // the value counts open batches
}

// Const returns the extent n.
func Const(n int) Dim {
	if n >= 0 && n < len(small) {
		return Dim{vals: small[n : n+1 : n+1]}
	}
	return Dim{vals: []int{n}}
}

// small holds the numbers that most extents are, so that their tables need no memory of their own.
var small = func() (list [4096]int) {
	for i := range list {
		list[i] = i
	}
	return list
}()

// Batch returns the extent of the open batch axis.
func Batch() Dim { return Dim{vals: []int{1}, batch: true} }

// Var returns an extent that depends on one choice: vals lists it for each candidate.
func Var(c Choice, vals []int) Dim {
	return Dim{deps: []Choice{c}, cards: []uint8{uint8(len(vals))}, vals: slices.Clone(vals)}.normal()
}

// TooLargeError tells that a table would exceed Cap; Choices are those that some of should be tied.
type TooLargeError struct{ Choices []Choice }

// Error names the choices by number.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("an extent depends on choices %v with more than %d combinations; tie some of them", e.Choices, Cap)
}

// normal drops choices that do not matter.
func (d Dim) normal() Dim {
	for k := len(d.deps) - 1; k >= 0; k-- {
		if d.ignores(k) {
			d = d.without(k)
		}
	}
	return d
}

// stride is the distance between neighbours along the k-th choice.
func (d Dim) stride(k int) int {
	n := 1
	for _, c := range d.cards[k+1:] {
		n *= int(c)
	}
	return n
}

func (d Dim) ignores(k int) bool {
	stride, card := d.stride(k), int(d.cards[k])
	for i, v := range d.vals {
		if first := i - i/stride%card*stride; d.vals[first] != v {
			return false
		}
	}
	return true
}

func (d Dim) without(k int) Dim {
	stride, card := d.stride(k), int(d.cards[k])
	var vals []int
	for i, v := range d.vals {
		if i/stride%card == 0 {
			vals = append(vals, v)
		}
	}
	return Dim{
		deps:  slices.Delete(slices.Clone(d.deps), k, k+1),
		cards: slices.Delete(slices.Clone(d.cards), k, k+1),
		vals:  vals, batch: d.batch,
	}
}

// IsConst returns d's value when no choice and no batch changes it.
func (d Dim) IsConst() (int, bool) {
	return d.Original(), len(d.deps) == 0 && !d.batch
}

// Batches returns how many open batches d counts; ok is false when d is not a fixed multiple of the batch.
func (d Dim) Batches() (n int, ok bool) {
	return d.Original(), d.batch && len(d.deps) == 0
}

// IsBatch tells whether d is a multiple of the open batch.
func (d Dim) IsBatch() bool { return d.batch }

// AtBatch1 returns d for a batch of 1.
func (d Dim) AtBatch1() Dim {
	d.batch = false
	return d
}

// Original returns d at the original model: all choices at candidate 0.
func (d Dim) Original() int {
	if len(d.vals) == 0 {
		return 0
	}
	return d.vals[0]
}

// Least returns the smallest value of d over all choices.
func (d Dim) Least() int {
	if len(d.vals) == 0 {
		return 0
	}
	return slices.Min(d.vals)
}

// Deps returns the choices that d depends on, ascending.
func (d Dim) Deps() []Choice { return slices.Clone(d.deps) }

// Cards returns the number of candidates of each of Deps.
func (d Dim) Cards() []uint8 { return slices.Clone(d.cards) }

// Values returns the table over Deps, the last choice fastest.
func (d Dim) Values() []int {
	if len(d.vals) == 0 {
		return []int{0}
	}
	return slices.Clone(d.vals)
}

// At returns d's value at the given genes; for a multiple of the batch, at batch 1.
func (d Dim) At(genes []uint8) int {
	if len(d.vals) == 0 {
		return 0
	}
	i := 0
	for k, c := range d.deps {
		i = i*int(d.cards[k]) + int(genes[c])
	}
	return d.vals[i]
}

// Equal tells whether a and d are the same function.
func (d Dim) Equal(a Dim) bool {
	if len(d.deps) == 0 && len(a.deps) == 0 {
		return d.batch == a.batch && d.Original() == a.Original()
	}
	return d.batch == a.batch && slices.Equal(d.deps, a.deps) && slices.Equal(d.vals, a.vals)
}

// String prints the value, or the table and its choices.
func (d Dim) String() string {
	var b strings.Builder
	if d.batch {
		b.WriteString("N*")
	}
	if len(d.deps) == 0 {
		fmt.Fprint(&b, d.Original())
		return b.String()
	}
	fmt.Fprintf(&b, "%v over choices %v", d.vals, d.deps)
	return b.String()
}

// Union returns the choices that any of ds depends on, ascending.
func Union(ds ...Dim) []Choice {
	var out []Choice
	for _, d := range ds {
		out = append(out, d.deps...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Enumerate sets genes at deps to every combination in turn, the last of deps fastest, and calls visit for each.
// The other genes stay as they are; those at deps are left 0.
func Enumerate(deps []Choice, cards []uint8, genes []uint8, visit func()) {
	for _, c := range deps {
		genes[c] = 0
	}
	for {
		visit()
		k := len(deps) - 1
		for ; k >= 0; k-- {
			if genes[deps[k]]++; genes[deps[k]] < cards[k] {
				break
			}
			genes[deps[k]] = 0
		}
		if k < 0 {
			return
		}
	}
}
