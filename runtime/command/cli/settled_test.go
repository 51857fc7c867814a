package cli

import (
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// TestCountsSettleFronts: what counts show to be beaten leaves the front, and what they show to be good comes in, the original too.
func TestCountsSettleFronts(t *testing.T) {
	net := &supernet.Net{Package: "p", Source: supernet.Source{SHA256: "abc"}, Choices: []space.Choice{{Name: "width", Values: []string{"6", "5", "4", "3", "2", "1"}}}}
	table := accuracy.New(net, accuracy.Header{Images: 200})
	table.Base = 189
	cost, err := space.NewSum(net.Cards(), 0, []space.Term{{Deps: []uint8{0}, Table: []int64{60, 50, 40, 30, 20, 10}}})
	if err != nil {
		t.Fatal(err)
	}
	p := search.Problem{Choices: net.Choices, Cost: cost}
	front := []search.Point{{Genes: []uint8{5}, Cost: 10, Penalty: 40}, {Genes: []uint8{4}, Cost: 20, Penalty: 3}, {Genes: []uint8{2}, Cost: 40, Penalty: 2}, {Genes: []uint8{1}, Cost: 50}}
	for _, c := range []struct {
		what   string
		counts map[uint8]int
		want   []uint8
	}{
		{"no counts", nil, []uint8{5, 4, 2, 1}},
		{"one that is worse than a cheaper one", map[uint8]int{5: 185, 4: 180}, []uint8{5, 2, 1}},
		{"the last one is worse than the original", map[uint8]int{1: 188}, []uint8{5, 4, 2, 1, 0}},
		{"the original is best", map[uint8]int{4: 10, 2: 20, 1: 30}, []uint8{5, 0}},
		{"a gain", map[uint8]int{5: 190}, []uint8{5}},
		{"one that was not on the front", map[uint8]int{3: 188}, []uint8{5, 4, 3, 1}},
	} {
		j, err := accuracy.OpenJoint(filepath.Join(t.TempDir(), "j"), net, table.Header)
		if err != nil {
			t.Fatal(err)
		}
		for v, n := range c.counts {
			if err := j.Add(space.Genes{v}, n); err != nil {
				t.Fatal(err)
			}
		}
		var got []uint8
		for _, q := range settled(p, table, j, front) {
			got = append(got, q.Genes[0])
			if n, ok := j.Correct(q.Genes); ok && q.Penalty != int64(table.Base-n) {
				t.Errorf("%s: %v has penalty %d, its count is %d", c.what, q.Genes, q.Penalty, n)
			}
		}
		if string(got) != string(c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
