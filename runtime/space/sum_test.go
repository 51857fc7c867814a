package space_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// randomTerm returns a term over some genes, sometimes with a condition or with genes that change nothing.
func randomTerm(rng *rand.Rand, cards []uint8) space.Term {
	var t space.Term
	for _, g := range rng.Perm(len(cards))[:rng.IntN(min(8, len(cards)+1))] {
		t.Deps = append(t.Deps, uint8(g))
	}
	size := 1
	for _, d := range t.Deps {
		size *= int(cards[d])
	}
	constant := rng.IntN(8) == 0
	for range size {
		v := int64(7)
		if !constant {
			v = rng.Int64N(200) - 100
		}
		t.Table = append(t.Table, v)
	}
	if rng.IntN(3) == 0 {
		t.Live = space.Need{Gene: uint8(rng.IntN(len(cards))), Below: uint8(1 + rng.IntN(3))}
	}
	return t
}

// naive adds up ts one by one.
func naive(cards []uint8, base int64, ts []space.Term, g []uint8) int64 {
	for _, t := range ts {
		if t.Live.Below != 0 && g[t.Live.Gene] >= t.Live.Below {
			continue
		}
		k := 0
		for _, d := range t.Deps {
			k = k*int(cards[d]) + int(g[d])
		}
		base += t.Table[k]
	}
	return base
}

func TestAtEqualsTheSumOfTheGivenTerms(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		cards := make([]uint8, 1+rng.IntN(9))
		for i := range cards {
			cards[i] = uint8(1 + rng.IntN(3))
		}
		ts := make([]space.Term, rng.IntN(8))
		for i := range ts {
			ts[i] = randomTerm(rng, cards)
		}
		base := rng.Int64N(100)
		s, err := space.NewSum(cards, base, ts)
		if err != nil {
			t.Fatal(err)
		}
		g := make([]uint8, len(cards))
		for range 50 {
			for i := range g {
				g[i] = uint8(rng.IntN(int(cards[i])))
			}
			want := naive(cards, base, ts, g)
			if got := s.At(g); got != want || got < s.Least() {
				t.Fatalf("At(%v) = %d, want %d, at least %d", g, got, want, s.Least())
			}
			if got := naive(cards, s.Base(), s.Terms(), g); got != want {
				t.Fatalf("merged terms at %v = %d, want %d", g, got, want)
			}
		}
		for i, a := range s.Terms() {
			if !slices.IsSorted(a.Deps) || len(a.Deps) == 0 || a.Live != (space.Need{}) {
				t.Fatalf("merged term %d has deps %v, live %v", i, a.Deps, a.Live)
			}
		}
	}
}

func TestNewDoesNotTouchItsArguments(t *testing.T) {
	cards := []uint8{2, 2}
	ts := []space.Term{{Deps: []uint8{0}, Table: []int64{1, 2}}, {Deps: []uint8{0}, Table: []int64{1, 2}}, {Deps: []uint8{1, 0}, Table: []int64{1, 2, 3, 5}}}
	if _, err := space.NewSum(cards, 0, ts); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ts[0].Table, []int64{1, 2}) || !slices.Equal(ts[2].Table, []int64{1, 2, 3, 5}) {
		t.Errorf("tables changed: %v", ts)
	}
}

func TestNewIsDeterministic(t *testing.T) {
	s := resnetLike(t)
	first := fmt.Sprint(s.Terms())
	for range 5 {
		if again := fmt.Sprint(resnetLike(t).Terms()); again != first {
			t.Fatal("terms differ between runs")
		}
	}
}

func TestNewListsAllMistakes(t *testing.T) {
	_, err := space.NewSum([]uint8{2, 3}, 0, []space.Term{
		{Deps: []uint8{0}, Table: []int64{1}},
		{Deps: []uint8{5}, Table: []int64{1}},
		{Deps: []uint8{1, 1}, Table: make([]int64, 9)},
		{Live: space.Need{Gene: 9, Below: 1}, Table: []int64{1}},
	})
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("want four errors, got:\n%v", err)
	}
}

func TestNewRefusesHugeTables(t *testing.T) {
	_, err := space.NewSum([]uint8{100, 200, 255}, 0, []space.Term{{Deps: []uint8{0, 1}, Live: space.Need{Gene: 2, Below: 1}, Table: make([]int64, 20000)}})
	if err == nil || !strings.Contains(err.Error(), "fewer choices") {
		t.Errorf("got %v", err)
	}
}

func TestSitesAddUpByCost(t *testing.T) {
	cards := []uint8{2, 3}
	sites := []supernet.Site{
		{Deps: []uint8{0}, Ops: []supernet.ID{4, 5}},
		{Deps: []uint8{0}, Ops: []supernet.ID{1, 1}},
		{Deps: []uint8{0}, Live: space.Need{Gene: 1, Below: 2}, Ops: []supernet.ID{100, 200}},
	}
	s, err := space.NewSum(cards, 0, supernet.Terms(sites, cards, func(id supernet.ID) int64 { return int64(id) }))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := s.At([]uint8{1, 1}), s.At([]uint8{1, 2}); a != 206 || b != 6 {
		t.Errorf("got %d and %d, want 206 and 6", a, b)
	}
}

// resnetLike has the terms of the paper's ResNet50 space: 25 resolutions, 5 widths, 4 depths, 16 expand ratios.
func resnetLike(t testing.TB) *space.Sum {
	rng := rand.New(rand.NewPCG(9, 9))
	cards := []uint8{25, 3}
	var ts []space.Term
	add := func(live space.Need, deps ...uint8) {
		size := 1
		for _, d := range deps {
			size *= int(cards[d])
		}
		table := make([]int64, size)
		for i := range table {
			table[i] = rng.Int64N(1e6)
		}
		ts = append(ts, space.Term{Deps: deps, Live: live, Table: table})
	}
	add(space.Need{}, 0, 1)
	prev := uint8(1)
	for _, blocks := range []int{3, 4, 6, 3} {
		width, depth := uint8(len(cards)), uint8(len(cards)+1)
		cards = append(cards, 3, 3)
		for b := range blocks {
			expand, in := uint8(len(cards)), width
			cards = append(cards, 3)
			if b == 0 {
				in = prev
				add(space.Need{}, 0, prev, width)
			}
			var live space.Need
			if keep := blocks - b; keep <= 2 {
				live = space.Need{Gene: depth, Below: uint8(keep)}
			}
			add(live, 0, in, expand)
			add(live, 0, expand)
			add(live, 0, expand, width)
			add(live, 0, width)
			add(live, expand)
		}
		add(space.Need{}, depth)
		prev = width
	}
	s, err := space.NewSum(cards, 0, ts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestResNetLikeMergesIntoFewTerms(t *testing.T) {
	s := resnetLike(t)
	if n := len(s.Terms()); n > 25 {
		t.Errorf("%d terms", n)
	}
	g := make([]uint8, len(s.Cards()))
	if n := testing.AllocsPerRun(100, func() { s.At(g) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAtResNetLike(b *testing.B) {
	benchmarkAt(b, resnetLike(b))
}

func BenchmarkAtFiftyGenes(b *testing.B) {
	rng := rand.New(rand.NewPCG(9, 9))
	cards := make([]uint8, 50)
	for i := range cards {
		cards[i] = 3
	}
	cards[0] = 25
	var ts []space.Term
	for i := uint8(1); i+3 < 50; i += 2 {
		t := space.Term{Deps: []uint8{0, i, i + 1, i + 2, i + 3}, Table: make([]int64, 25*81)}
		for j := range t.Table {
			t.Table[j] = rng.Int64N(1000)
		}
		ts = append(ts, t)
	}
	s, err := space.NewSum(cards, 0, ts)
	if err != nil {
		b.Fatal(err)
	}
	benchmarkAt(b, s)
}

func benchmarkAt(b *testing.B, s *space.Sum) {
	rng := rand.New(rand.NewPCG(9, 9))
	cards := s.Cards()
	gs := make([][]uint8, 4096)
	for i := range gs {
		gs[i] = make([]uint8, len(cards))
		for j := range cards {
			gs[i][j] = uint8(rng.IntN(int(cards[j])))
		}
	}
	b.ResetTimer()
	total := int64(0)
	for i := range b.N {
		total += s.At(gs[i%len(gs)])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Meval/s")
	b.ReportMetric(float64(len(s.Terms())), "terms")
	_ = total
}
