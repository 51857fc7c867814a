package autodiff

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestPartsAgainstDefinition: a part's elements are those at all combinations of the kept positions, and derivatives go back to the same places.
func TestPartsAgainstDefinition(t *testing.T) {
	needs.Time(t)
	rng := rand.New(rand.NewPCG(4, 4))
	runs := map[bool]int{}
	for range 2000 {
		p := nn.Param{Name: "w", Transposed: rng.IntN(4) == 0}
		for range 1 + rng.IntN(4) {
			k, full := randomPick(rng)
			p.Shape, p.Picks = append(p.Shape, full), append(p.Picks, k)
		}
		s := partOf(&p)
		runs[s.run > 1]++
		from := make([]float32, p.Shape.Count())
		for i := range from {
			from[i] = float32(i)
		}
		want := elements(&p)
		got := make([]float32, len(want))
		s.read(got, from)
		if !slices.Equal(got, want) {
			t.Fatalf("%+v: got %v, want %v", p, got, want)
		}
		back := make([]float32, len(from))
		s.add(back, got)
		s.add(back, got)
		for i, v := range back {
			if sum := 2 * float32(i); v != sum && (v != 0 || slices.Contains(want, float32(i))) {
				t.Fatalf("%+v: derivative %d is %g, want %g or 0", p, i, v, sum)
			}
		}
	}
	if runs[true] < 100 || runs[false] < 100 {
		t.Errorf("parts with runs and without: %v", runs)
	}
}

// randomPick draws a pick of an axis, and the axis' extent: all of it, neighbours, some of each of several groups or of one group after another.
func randomPick(rng *rand.Rand) (nn.Pick, int) {
	leaf := func() nn.Pick {
		size := 1 + rng.IntN(5)
		keep := 1 + rng.IntN(size)
		return nn.Pick{Size: size, Keep: keep, From: rng.IntN(size - keep + 1)}
	}
	switch k := leaf(); rng.IntN(4) {
	case 0:
		return nn.Pick{}, k.Size
	case 1:
		return k, k.Size
	case 2:
		k = nn.Pick{Of: []nn.Pick{k, leaf()}}
		return k, k.Full()
	default:
		k = nn.Pick{Of: []nn.Pick{k, leaf()}, Sum: true}
		return k, k.Full()
	}
}

// elements lists where the kept elements are in memory, one after the other.
func elements(p *nn.Param) []float32 {
	out := []int{0}
	step := strides(p.Shape, p.Transposed)
	for a, n := range p.Shape {
		var next []int
		for _, base := range out {
			for i := range n {
				if p.Picks[a].Full() == 0 || slices.Contains(p.Picks[a].Indices(), i) {
					next = append(next, base+i*step[a])
				}
			}
		}
		out = next
	}
	var list []float32
	for _, i := range out {
		list = append(list, float32(i))
	}
	return list
}
