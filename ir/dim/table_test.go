package dim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// table draws a function of a random subset of the choices as a bare table, and the same as a Dim.
func table(rng *rand.Rand) (Dim, func(g []uint8) int) {
	var deps []Choice
	n := 1
	for c := range cards {
		if rng.IntN(2) == 0 {
			deps, n = append(deps, Choice(c)), n*int(cards[c])
		}
	}
	vals := make([]int, n)
	for i := range vals {
		vals[i] = rng.IntN(5) - 1
	}
	at := func(g []uint8) int {
		i := 0
		for _, c := range deps {
			i = i*int(cards[c]) + int(g[c])
		}
		return vals[i]
	}
	vars := make([]Dim, len(deps))
	for k, c := range deps {
		index := make([]int, cards[c])
		for i := range index {
			index[i] = i
		}
		vars[k] = Var(c, index)
	}
	d, err := MapN(func(v []int) int {
		i := 0
		for k, c := range deps {
			i = i*int(cards[c]) + v[k]
		}
		return vals[i]
	}, vars...)
	if err != nil {
		panic(err)
	}
	return d, at
}

// TestTables: Map, MapN, Select and the arithmetic agree with evaluation at every combination, whatever the tables and the order of operands.
func TestTables(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 500 {
		a, fa := table(rng)
		b, fb := table(rng)
		c, fc := table(rng)
		for name, r := range map[string]struct {
			dim  func() (Dim, error)
			want func(g []uint8) int
		}{
			"itself": {func() (Dim, error) { return a, nil }, fa},
			"Map":    {func() (Dim, error) { return Map(func(n int) int { return n * n }, a), nil }, func(g []uint8) int { return fa(g) * fa(g) }},
			"MapN": {
				func() (Dim, error) { return MapN(func(v []int) int { return v[0] - 2*v[1] + 7*v[2] }, a, b, c) },
				func(g []uint8) int { return fa(g) - 2*fb(g) + 7*fc(g) },
			},
			"Sub":      {func() (Dim, error) { return Sub(b, a) }, func(g []uint8) int { return fb(g) - fa(g) }},
			"FloorDiv": {func() (Dim, error) { return FloorDiv(a, b) }, func(g []uint8) int { return floor(fa(g), fb(g)) }},
			"Select": {func() (Dim, error) { return Select(0, []Dim{b, c}) }, func(g []uint8) int {
				return []int{fb(g), fc(g)}[g[0]]
			}},
		} {
			d, err := r.dim()
			if err != nil {
				t.Fatal(err)
			}
			each(func(g []uint8) {
				if d.At(g) != r.want(g) {
					t.Fatalf("%s at %v: %d, want %d", name, g, d.At(g), r.want(g))
				}
			})
			if n := len(d.Values()); n != size(d) || !slices.IsSorted(d.Deps()) || d.Least() != slices.Min(d.Values()) || d.Original() != d.Values()[0] {
				t.Fatalf("%s: %v is not in normal form", name, d)
			}
		}
		commuted, err := Add(b, a)
		sum, err2 := Add(a, b)
		if err != nil || err2 != nil || !sum.Equal(commuted) || sum.String() != commuted.String() {
			t.Fatalf("%v and %v", sum, commuted)
		}
	}
}

func floor(a, b int) int {
	if b == 0 {
		return 0
	}
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func size(d Dim) int {
	n := 1
	for _, c := range d.Cards() {
		n *= int(c)
	}
	return n
}

// TestEnumerate visits every combination once, the last choice fastest, leaves other genes alone and its own at 0.
func TestEnumerate(t *testing.T) {
	genes := []uint8{9, 9, 9, 9}
	var seen []string
	Enumerate([]Choice{1, 3}, []uint8{2, 3}, genes, func() { seen = append(seen, fmt.Sprint(genes)) })
	want := []string{"[9 0 9 0]", "[9 0 9 1]", "[9 0 9 2]", "[9 1 9 0]", "[9 1 9 1]", "[9 1 9 2]"}
	if !slices.Equal(seen, want) || fmt.Sprint(genes) != "[9 0 9 0]" {
		t.Errorf("%v, left at %v", seen, genes)
	}
	n := 0
	Enumerate(nil, nil, genes, func() { n++ })
	if n != 1 {
		t.Errorf("no choice has %d combinations", n)
	}
}

func TestUnion(t *testing.T) {
	a, b := Var(5, []int{1, 2}), Var(2, []int{1, 2})
	sum, err := Add(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if got := Union(a, sum, Const(3), b, Dim{}); !slices.Equal(got, []Choice{2, 5}) {
		t.Error(got)
	}
	if got := Union(); len(got) != 0 {
		t.Error(got)
	}
}

// TestZero: the zero Dim is the constant 0.
func TestZero(t *testing.T) {
	var d Dim
	if n, ok := d.IsConst(); !ok || n != 0 || !d.Equal(Const(0)) || d.At(nil) != 0 || d.Least() != 0 || d.String() != "0" {
		t.Errorf("%v", d)
	}
	if s, err := Add(d, Batch()); err != nil || !s.Equal(Batch()) {
		t.Error(s, err)
	}
}

// TestBatchArithmetic: results are multiples of the open batch or free of it; anything in between is refused.
func TestBatchArithmetic(t *testing.T) {
	v := Var(0, []int{6, 4})
	nv, err := Mul(Batch(), v)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Add(Batch(), Batch())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := nv.Batches(); ok || !nv.IsBatch() || two.String() != "N*2" || !nv.AtBatch1().Equal(v) {
		t.Errorf("%v, %v", nv, two)
	}
	for name, c := range map[string]struct {
		f    func(a, b Dim) (Dim, error)
		a, b Dim
		want string
	}{
		"N+N":   {Add, Batch(), Batch(), "N*2"},
		"N-0":   {Sub, Batch(), Const(0), "N*1"},
		"N*v/v": {FloorDiv, nv, v, "N*1"},
		"N*v/N": {FloorDiv, nv, Batch(), v.String()},
		"N*v/2": {FloorDiv, nv, Const(2), "N*[3 2] over choices [0]"},
		"N*v/4": {FloorDiv, nv, Const(4), "error"},
		"N+1":   {Add, Batch(), Const(1), "error"},
		"v-N":   {Sub, v, Batch(), "error"},
		"N*N":   {Mul, Batch(), Batch(), "error"},
		"v/N":   {FloorDiv, v, Batch(), "error"},
	} {
		d, err := c.f(c.a, c.b)
		got := d.String()
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%s is %s, want %s (%v)", name, got, c.want, err)
		}
	}
}

// TestCap: a table of exactly the limit is made; one more choice is refused with the choices that it takes.
func TestCap(t *testing.T) {
	sum := func(v []int) int {
		s := 0
		for _, n := range v {
			s = 2*s + n
		}
		return s
	}
	var ds []Dim
	for c := range 21 {
		ds = append(ds, Var(Choice(c), []int{0, 1}))
	}
	d, err := MapN(sum, ds[:20]...)
	if err != nil || len(d.Values()) != Cap {
		t.Fatal(err)
	}
	_, err = Add(d, ds[20])
	var large *TooLargeError
	if !errors.As(err, &large) || len(large.Choices) != 21 || large.Choices[20] != 20 {
		t.Errorf("%v", err)
	}
}

// TestDisagreement: one choice cannot have two numbers of candidates.
func TestDisagreement(t *testing.T) {
	if _, err := Add(Var(0, []int{1, 2}), Var(0, []int{1, 2, 3})); err == nil {
		t.Error("accepted")
	}
}
