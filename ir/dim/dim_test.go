package dim

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// space is three choices of 2, 3 and 4 candidates.
var cards = []uint8{2, 3, 4}

// each calls visit with all genes of the space.
func each(visit func(g []uint8)) {
	g := make([]uint8, len(cards))
	Enumerate([]Choice{0, 1, 2}, cards, g, func() { visit(g) })
}

// random draws a function of some of the choices, by arithmetic on tables.
func random(rng *rand.Rand, depth int) (Dim, func(g []uint8) int) {
	if depth == 0 {
		if rng.IntN(3) == 0 {
			n := 1 + rng.IntN(9)
			return Const(n), func([]uint8) int { return n }
		}
		c := Choice(rng.IntN(len(cards)))
		vals := make([]int, cards[c])
		for i := range vals {
			vals[i] = 1 + rng.IntN(9)
		}
		return Var(c, vals), func(g []uint8) int { return vals[g[c]] }
	}
	a, fa := random(rng, depth-1)
	b, fb := random(rng, depth-1)
	ops := []struct {
		dim func(a, b Dim) (Dim, error)
		fn  func(x, y int) int
	}{
		{Add, func(x, y int) int { return x + y }},
		{Mul, func(x, y int) int { return x * y }},
		{func(a, b Dim) (Dim, error) { return Map2(func(x, y int) int { return max(x, y) }, a, b) }, func(x, y int) int { return max(x, y) }},
		{FloorDiv, func(x, y int) int {
			if y == 0 {
				return 0
			}
			return x / y
		}},
	}
	op := ops[rng.IntN(len(ops))]
	d, err := op.dim(a, b)
	if err != nil {
		panic(err)
	}
	return d, func(g []uint8) int { return op.fn(fa(g), fb(g)) }
}

// TestArithmeticIsPointwise: tables are the functions that they were computed as, at every combination of choices.
func TestArithmeticIsPointwise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		d, f := random(rng, 3)
		each(func(g []uint8) {
			if got, want := d.At(g), f(g); got != want {
				t.Fatalf("%v at %v is %d, want %d", d, g, got, want)
			}
		})
		if want := f(make([]uint8, 3)); d.Original() != want {
			t.Fatalf("%v: the original is %d, want %d", d, d.Original(), want)
		}
	}
}

// TestEqualityIsOfFunctions: two dims are equal exactly when they agree everywhere, however they came about; a dim names only the choices
// that it depends on.
func TestEqualityIsOfFunctions(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 300 {
		a, fa := random(rng, 2)
		b, fb := random(rng, 2)
		same := true
		each(func(g []uint8) { same = same && fa(g) == fb(g) })
		if a.Equal(b) != same {
			t.Fatalf("%v and %v: equal %v, want %v", a, b, a.Equal(b), same)
		}
		for c := range cards {
			moves := false
			each(func(g []uint8) {
				h := slices.Clone(g)
				h[c] = 0
				moves = moves || fa(g) != fa(h)
			})
			if slices.Contains(a.Deps(), Choice(c)) != moves {
				t.Fatalf("%v: depends on %v, choice %d moves it: %v", a, a.Deps(), c, moves)
			}
		}
	}
}

// TestSelect picks one of several dims by a choice.
func TestSelect(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 100 {
		var ds []Dim
		var fs []func([]uint8) int
		for range cards[1] {
			d, f := random(rng, 1)
			ds, fs = append(ds, d), append(fs, f)
		}
		d, err := Select(1, ds)
		if err != nil {
			t.Fatal(err)
		}
		each(func(g []uint8) {
			if got, want := d.At(g), fs[g[1]](g); got != want {
				t.Fatalf("%d, want %d", got, want)
			}
		})
	}
}

// TestBatch: the open batch is no number, multiplies, and equals itself only.
func TestBatch(t *testing.T) {
	b := Batch()
	twice, err := Mul(b, Const(2))
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := twice.Batches(); !ok || n != 2 {
		t.Errorf("%v: %d %v", twice, n, ok)
	}
	if _, fixed := b.IsConst(); fixed || b.Equal(Const(1)) || !b.Equal(Batch()) {
		t.Error("the batch is taken for a number")
	}
	back, err := FloorDiv(twice, Const(2))
	if err != nil || !back.Equal(b) {
		t.Errorf("%v, %v", back, err)
	}
}

// TestTooLarge: a table over many choices is refused with the choices to tie, not computed.
func TestTooLarge(t *testing.T) {
	var ds []Dim
	for c := range 40 {
		ds = append(ds, Var(Choice(c), []int{1, 2, 4}))
	}
	_, err := MapN(func(v []int) int {
		sum := 0
		for k, n := range v {
			sum += n << k
		}
		return sum
	}, ds...)
	if err == nil || !strings.Contains(err.Error(), "39") {
		t.Errorf("%v", err)
	}
}

// TestOverflow: a sum, difference or product that no int holds is refused, never another number.
func TestOverflow(t *testing.T) {
	for name, of := range map[string]func() (Dim, error){
		"sum":        func() (Dim, error) { return Add(Const(math.MaxInt), Var(1, []int{0, 1})) },
		"difference": func() (Dim, error) { return Sub(Const(-2), Const(math.MaxInt)) },
		"product":    func() (Dim, error) { return Mul(Const(math.MaxInt/3), Var(1, []int{3, 4})) },
	} {
		if d, err := of(); err == nil {
			t.Errorf("%s: %v", name, d)
		}
	}
	for _, d := range []Dim{Const(math.MaxInt), Const(-math.MaxInt)} {
		if got, err := Mul(d, Const(1)); err != nil || !got.Equal(d) {
			t.Errorf("%v times 1: %v, %v", d, got, err)
		}
		if got, err := Sub(d, d); err != nil || !got.Equal(Const(0)) {
			t.Errorf("%v less itself: %v, %v", d, got, err)
		}
	}
}
