package search_test

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// pareto returns the strictly improving points of a map from cost to penalty, by cost.
func pareto(best map[int64]int64) [][2]int64 {
	var out [][2]int64
	for _, c := range slices.SortedFunc(maps.Keys(best), cmp.Compare[int64]) {
		if len(out) == 0 || best[c] < out[len(out)-1][1] {
			out = append(out, [2]int64{c, best[c]})
		}
	}
	return out
}

// instance describes a synthetic SuperNet: stages of blocks with per-block choices.
type instance struct {
	name        string
	resolutions int
	blocks      []int // of each stage
	widths      int   // candidates of each stage's width
	depths      int   // candidates of each stage's depth
	choices     []int // candidates of each block's own choices
	images      int   // penalties are of so many
}

var instances = []instance{
	{"resnet50", 25, []int{3, 4, 6, 3}, 3, 3, []int{3}, 10000},
	{"mobilenetv3", 25, []int{4, 4, 4, 4, 4}, 1, 3, []int{3, 3}, 10000},
	{"convnext", 25, []int{3, 3, 9, 3}, 3, 3, []int{3, 3}, 10000},
	{"vit", 7, []int{12}, 1, 12, []int{7}, 10000},
	{"elasticvit", 33, []int{6, 6, 6, 6, 6, 6}, 1, 6, []int{3, 4}, 10000}, // 1.1e45: LeViT under the settings of the paper's authors
	{"levit", 33, []int{6, 6, 6, 6, 6, 6}, 6, 6, []int{3, 4}, 10000},
}

func (in instance) String() string { return in.name }

// problem draws latencies that grow with what is kept and penalties that grow with what is cut.
func (in instance) problem(t testing.TB, seed uint64) search.Problem {
	rng := rand.New(rand.NewPCG(seed, 1))
	b := builder{t: t, rng: rng, in: in}
	res := b.choice("resolution", in.resolutions, space.Need{}, 0.1)
	prev := b.width("stem")
	b.cost(space.Need{}, 4e5, res, prev)
	for s, blocks := range in.blocks {
		width := b.width(fmt.Sprint("stage", s))
		depth := b.choice(fmt.Sprintf("stage%d.depth", s), in.depths, space.Need{}, 0.05)
		for k := range blocks {
			live := space.Need{}
			if keep := blocks - k; keep < in.depths {
				live = space.Need{Gene: depth, Below: uint8(keep)}
			}
			deps := []uint8{res, width}
			if k == 0 {
				deps = append(deps, prev)
			}
			for c, card := range in.choices {
				deps = append(deps, b.choice(fmt.Sprintf("stage%d.%d.%d", s, k, c), card, live, 0.02))
			}
			b.cost(live, 1e6, deps...)
		}
		prev = width
	}
	b.cost(space.Need{}, 3e5, prev)
	return b.problem()
}

type builder struct {
	t              testing.TB
	rng            *rand.Rand
	in             instance
	cs             []space.Choice
	costs, penalty []space.Term
}

// choice adds a choice and its penalties, of at most about share of the images.
func (b *builder) choice(name string, card int, live space.Need, share float64) uint8 {
	c := space.Choice{Name: name, Live: live}
	table := make([]int64, card)
	worst := share * float64(b.in.images) * (0.2 + b.rng.Float64())
	for v := range card {
		c.Values = append(c.Values, fmt.Sprint(card-v))
		x := float64(v) / float64(max(1, card-1))
		table[v] = int64(math.Round(worst * x * x * (0.9 + 0.2*b.rng.Float64())))
	}
	b.cs = append(b.cs, c)
	b.penalty = append(b.penalty, space.Term{Deps: []uint8{uint8(len(b.cs) - 1)}, Live: live, Table: table})
	return uint8(len(b.cs) - 1)
}

func (b *builder) width(name string) uint8 {
	return b.choice(name+".width", b.in.widths, space.Need{}, 0.08)
}

// cost adds a term of about full nanoseconds at the original.
func (b *builder) cost(live space.Need, full float64, deps ...uint8) {
	factors := make([][]float64, len(deps))
	size := 1
	for i, d := range deps {
		card := len(b.cs[d].Values)
		size *= card
		for v := range card {
			factors[i] = append(factors[i], 1-0.6*float64(v)/float64(max(2, card)))
		}
	}
	table := make([]int64, size)
	full *= 0.3 + b.rng.Float64()
	for i := range table {
		x, at := full*(0.9+0.2*b.rng.Float64()), i
		for k := len(deps) - 1; k >= 0; k-- {
			x *= factors[k][at%len(factors[k])]
			at /= len(factors[k])
		}
		table[i] = int64(x)
	}
	b.costs = append(b.costs, space.Term{Deps: deps, Live: live, Table: table})
}

func (b *builder) problem() search.Problem {
	p := search.Problem{Choices: b.cs}
	var err error
	if p.Cost, err = space.NewSum(space.Cards(b.cs), 0, b.costs); err != nil {
		b.t.Fatal(err)
	}
	if p.Penalty, err = space.NewSum(space.Cards(b.cs), 0, b.penalty); err != nil {
		b.t.Fatal(err)
	}
	return p
}
