package autodiff

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestOrders draws shapes and orders: a tensor that is brought from one order to another and back is the same, and an order is the same as
// another where, and only where, the elements are at the same places.
func TestOrders(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	team := kernel.NewTeam(1)
	for range 500 {
		s := make(nn.Shape, 1+rng.IntN(4))
		for i := range s {
			s[i] = 1 + rng.IntN(3)
		}
		from, to := rng.Perm(len(s)), rng.Perm(len(s))
		x := make([]float32, s.Count())
		for i := range x {
			x[i] = float32(i)
		}
		y, z := make([]float32, len(x)), make([]float32, len(x))
		permuted(s, from, to).Run(team, y, x)
		permuted(s, to, from).Run(team, z, y)
		if !slices.Equal(x, z) {
			t.Fatalf("shape %v from order %v to %v and back: got %v, want %v", s, from, to, z, x)
		}
		if got, want := sameOrder(s, from, to), slices.Equal(x, y); got != want {
			t.Fatalf("shape %v: orders %v and %v are the same: %v, want %v", s, from, to, got, want)
		}
	}
}

// TestWithout: what remains of an order keeps its sequence and has the numbers that the axes have in the result.
func TestWithout(t *testing.T) {
	for _, c := range []struct {
		order []int
		gone  []bool
		want  []int
	}{
		{[]int{0, 2, 3, 1}, []bool{false, false, true, true}, []int{0, 1}},
		{[]int{0, 2, 3, 1}, []bool{false, true, false, false}, []int{0, 1, 2}},
		{[]int{0, 2, 3, 1}, []bool{true, false, true, false}, []int{1, 0}},
		{[]int{1, 0}, []bool{true, true}, nil},
	} {
		if got := without(c.order, c.gone); !slices.Equal(got, c.want) {
			t.Errorf("order %v without %v: got %v, want %v", c.order, c.gone, got, c.want)
		}
	}
}

// TestPairs compares the matrices of broadcast products with a definition by coordinates.
func TestPairs(t *testing.T) {
	x, y := nn.Shape{2, 1, 3}, nn.Shape{4, 1}
	xat, yat := Pairs(x, y)
	var wantX, wantY []int
	for i := range 2 {
		for j := range 4 {
			for k := range 3 {
				wantX, wantY = append(wantX, i*3+k), append(wantY, j)
			}
		}
	}
	if !slices.Equal(xat, wantX) || !slices.Equal(yat, wantY) {
		t.Errorf("got %v and %v, want %v and %v", xat, yat, wantX, wantY)
	}
}
