package dim

import (
	"errors"
	"fmt"
	"slices"
)

// Map returns f of d, value by value. The result counts batches when d does.
func Map(f func(int) int, d Dim) Dim {
	if len(d.deps) == 0 {
		return Dim{vals: Const(f(d.Original())).vals, batch: d.batch}
	}
	vals := d.Values()
	for i, v := range vals {
		vals[i] = f(v)
	}
	return Dim{deps: d.deps, cards: d.cards, vals: vals, batch: d.batch}.normal()
}

// MapN returns f of several extents, at every combination of the choices that they depend on.
// It fails when the table would exceed Cap, or when two extents disagree on a choice's number of candidates.
func MapN(f func([]int) int, ds ...Dim) (Dim, error) {
	if d, ok := fixed(f, ds); ok {
		return d, nil
	}
	out := Dim{deps: Union(ds...)}
	out.cards = make([]uint8, len(out.deps))
	for _, d := range ds {
		for k, c := range d.deps {
			n := &out.cards[slices.Index(out.deps, c)]
			if *n != 0 && *n != d.cards[k] {
				return Dim{}, fmt.Errorf("internal error: choice %d has both %d and %d candidates", c, *n, d.cards[k])
			}
			*n = d.cards[k]
		}
		out.batch = out.batch || d.batch
	}
	total := 1
	for _, n := range out.cards {
		if total *= int(n); total > Cap {
			return Dim{}, &TooLargeError{out.deps}
		}
	}
	args := make([]int, len(ds))
	var genes [256]uint8
	vals := make([]int, 0, total)
	Enumerate(out.deps, out.cards, genes[:], func() {
		for i, d := range ds {
			args[i] = d.At(genes[:])
		}
		vals = append(vals, f(args))
	})
	out.vals = vals
	return out.normal(), nil
}

// fixed is MapN of extents that no choice moves, as most are; ok is false for others.
func fixed(f func([]int) int, ds []Dim) (out Dim, ok bool) {
	var few [4]int
	args := few[:0]
	for _, d := range ds {
		if len(d.deps) > 0 {
			return Dim{}, false
		}
		args = append(args, d.Original())
		out.batch = out.batch || d.batch
	}
	n := Const(f(args))
	out.vals = n.vals
	return out, true
}

// Map2 is MapN of two extents.
func Map2(f func(a, b int) int, a, b Dim) (Dim, error) {
	return MapN(func(v []int) int { return f(v[0], v[1]) }, a, b)
}

// errBatch refuses what is no multiple of the open batch and does not do without it.
var errBatch = errors.New("an extent would be neither a multiple of the open batch nor free of it")

// Add returns a+b. The batch and a number have no sum, except 0.
func Add(a, b Dim) (Dim, error) { return linear(plus, a, b) }

// Sub returns a-b, as Add.
func Sub(a, b Dim) (Dim, error) { return linear(minus, a, b) }

func linear(f func(a, b int) (int, bool), a, b Dim) (Dim, error) {
	if a.batch != b.batch && !a.isZero() && !b.isZero() {
		return Dim{}, errBatch
	}
	return exact(f, a, b)
}

func plus(a, b int) (int, bool) { return a + b, (a+b > a) == (b > 0) || b == 0 }

func minus(a, b int) (int, bool) { return a - b, (a-b < a) == (b > 0) || b == 0 }

func times(a, b int) (int, bool) { return a * b, a == 0 || a*b/a == b }

// errOverflow refuses a result that is silently another one: int has 32 bits on some machines, and files hold any number.
var errOverflow = errors.New("an extent or a count is too large for an int of this machine")

// exact is Map2 of a function that also tells whether its result is the true one.
func exact(f func(a, b int) (int, bool), a, b Dim) (Dim, error) {
	fits := true
	d, err := Map2(func(a, b int) int {
		r, ok := f(a, b)
		fits = fits && ok
		return r
	}, a, b)
	if err == nil && !fits {
		return Dim{}, errOverflow
	}
	return d, err
}

func (d Dim) isZero() bool { return len(d.deps) == 0 && d.Original() == 0 }

// Mul returns a*b. The batch has no square.
func Mul(a, b Dim) (Dim, error) {
	if a.batch && b.batch {
		return Dim{}, errBatch
	}
	return exact(times, a, b)
}

// FloorDiv returns a/b rounded down, 0 where b is 0. A multiple of the batch is divided by another one, or exactly.
func FloorDiv(a, b Dim) (Dim, error) {
	if b.batch && !a.batch {
		return Dim{}, errBatch
	}
	if a.batch && !b.batch {
		rest, err := Map2(func(a, b int) int { return a % max(b, 1) }, a, b)
		if err != nil {
			return Dim{}, err
		}
		if !rest.isZero() {
			return Dim{}, errBatch
		}
	}
	d, err := Map2(func(a, b int) int {
		if b == 0 {
			return 0
		}
		return (a - ((a%b)+b)%b) / b
	}, a, b)
	if a.batch && b.batch {
		d.batch = false
	}
	return d, err
}

// Select returns the extent that is ds[i] at candidate i of choice c.
func Select(c Choice, ds []Dim) (Dim, error) {
	index := make([]int, len(ds))
	for i := range index {
		index[i] = i
	}
	all := append([]Dim{Var(c, index)}, ds...)
	return MapN(func(v []int) int { return v[1+v[0]] }, all...)
}
