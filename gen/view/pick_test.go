package view

import (
	"slices"
	"testing"

	"github.com/autotailor/autotailor/ir/dim"
)

// TestPicks: what is kept of an axis for a SubNet, position by position.
func TestPicks(t *testing.T) {
	n := dim.Var(0, []int{4, 2})
	for _, c := range []struct {
		pick           Pick
		original, less []int
	}{
		{Pick{Size: 4, Keep: n}, []int{0, 1, 2, 3}, []int{0, 1}},
		{Pick{Size: 6, Keep: n, Centre: true}, []int{1, 2, 3, 4}, []int{2, 3}},
		{Pick{Of: []Pick{{Size: 2, Keep: dim.Const(1)}, {Size: 4, Keep: n}}}, []int{0, 1, 2, 3}, []int{0, 1}},
		{Pick{Of: []Pick{{Size: 2, Keep: dim.Const(2)}, {Size: 4, Keep: n}}}, []int{0, 1, 2, 3, 4, 5, 6, 7}, []int{0, 1, 4, 5}},
		{Pick{Sum: true, Of: []Pick{{Size: 4, Keep: n}, {Size: 4, Keep: n}}}, []int{0, 1, 2, 3, 4, 5, 6, 7}, []int{0, 1, 4, 5}},
	} {
		for gene, want := range [][]int{c.original, c.less} {
			got := pick(c.pick, []uint8{uint8(gene)})
			if !slices.Equal(got.Indices(), want) {
				t.Errorf("%+v of candidate %d keeps %v, want %v", c.pick, gene, got.Indices(), want)
			}
		}
	}
	if s := (&Pick{Sum: true, Of: []Pick{{Size: 4, Keep: n}, {Of: []Pick{{Size: 2, Keep: n}, {Size: 2, Keep: n}}}}}).Slots(); s != 3 {
		t.Errorf("the pick takes %d numbers", s)
	}
}
