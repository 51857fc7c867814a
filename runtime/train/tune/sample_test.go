package tune_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/tune"
)

var update = flag.Bool("update", false, "write testdata")

// choices are a space with all that sampling looks at: a choice of the net, stages of different lengths, a removable block.
var choices = []space.Choice{
	{Name: "resolution", Kind: "resolution", Values: []string{"32", "28", "24", "20", "16"}},
	{Name: "stage0.width", Kind: "width", Values: []string{"1", "0.5"}},
	{Name: "stage0.depth", Kind: "depth", Values: []string{"3", "2"}},
	{Name: "stage0.0.expand", Kind: "expand", Values: []string{"6", "4", "3"}},
	{Name: "stage0.1.expand", Kind: "expand", Values: []string{"6", "4", "3"}},
	{Name: "stage0.2.expand", Kind: "expand", Values: []string{"6", "4", "3"}, Live: space.Need{Gene: 2, Below: 1}},
	{Name: "stage1.0.kernel", Kind: "kernel", Values: []string{"7", "5", "3"}},
	{Name: "stage1.0.expand", Kind: "expand", Values: []string{"6", "4"}},
}

func sampler(t *testing.T, p tune.Plan) *tune.Sampler {
	t.Helper()
	s, err := tune.NewSampler(choices, p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestGolden pins what is drawn: runs that were interrupted by one release go on with the next, and PyTorch draws the same.
func TestGolden(t *testing.T) {
	needs.Clone(t)
	var b strings.Builder
	for _, strategy := range tune.Strategies() {
		for _, one := range []bool{false, true} {
			s := sampler(t, tune.Plan{Strategy: strategy, Seed: 7, Steps: 30, PerStep: 4, OneSide: one})
			for step := 0; step < 30; step += 3 {
				for k, g := range s.Step(step) {
					fmt.Fprintf(&b, "%s %t %d %d %s\n", strategy, one, step, k, space.Format(choices, g))
				}
			}
		}
	}
	const name = "testdata/golden.txt"
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil || b.String() != string(want) {
		t.Errorf("draws differ from %s (%v); -update writes it when that is meant", name, err)
	}
}

// TestSplitmix compares with the first numbers of splitmix64 for the seed 0 (Vigna's splitmix64.c).
func TestSplitmix(t *testing.T) {
	want := []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f}
	r := tune.NewRand()
	for k, w := range want {
		if got := r.Uint64(); got != w {
			t.Errorf("number %d is %#x, want %#x", k, got, w)
		}
	}
	n := make([]int, 5)
	for range 50000 {
		n[r.IntN(5)]++
	}
	if slices.Min(n) < 9600 || slices.Max(n) > 10400 {
		t.Errorf("numbers below 5 come up %v times", n)
	}
}

// TestRules: what each strategy promises, for many seeds.
func TestRules(t *testing.T) {
	sides := map[uint8]bool{}
	for seed := range uint64(200) {
		plan := tune.Plan{Strategy: tune.Compound, Seed: seed, Steps: 70, PerStep: 4}
		compound := sampler(t, plan)
		plan.Strategy = tune.Sandwich
		sandwich := sampler(t, plan)
		plan.Strategy, plan.OneSide = tune.Random, true
		random := sampler(t, plan)
		step := int(seed % 70)
		for _, g := range compound.Step(step) {
			small, wide := len(choices[3].Values)-1-int(g[3]), g[1] // level of the stage, from the smallest
			if g[3] != g[4] || int(1-wide) != small*2/3 || g[5] != g[3] && g[2] == 0 {
				t.Fatalf("seed %d: %v is no compound SubNet", seed, g)
			}
		}
		nets := sandwich.Step(step)
		if space.Format(choices, nets[0]) != "original" || nets[3][2] != 1 || nets[3][5] != 0 {
			t.Fatalf("seed %d: sandwich starts with %v and ends with %v", seed, nets[0], nets[3])
		}
		sides[nets[3][0]] = true
		nets = random.Step(step)
		for k, g := range nets {
			if g[0] != nets[0][0] {
				t.Fatalf("seed %d: resolutions of a step differ", seed)
			}
			for _, o := range nets[:k] {
				if slices.Equal(o, g) {
					t.Fatalf("seed %d: %v stands twice in a step", seed, g)
				}
			}
		}
	}
	if len(sides) != 5 {
		t.Errorf("the smallest SubNet is trained at the resolutions %v, want all five", sides)
	}
}

// TestProgressive: kinds become elastic one after the other, and all are at the end.
func TestProgressive(t *testing.T) {
	phases := tune.Phases(choices)
	if len(phases) != 6 { // kernel 2 and 3 candidates, depth 2, expand 2 and 3, width 2
		t.Fatalf("phases %v", phases)
	}
	s := sampler(t, tune.Plan{Strategy: tune.Progressive, Steps: 600, PerStep: 1})
	seen := map[string]int{} // first step in which a choice is not the original's
	for step := range 600 {
		g := s.Step(step)[0]
		for i, v := range g {
			key := fmt.Sprintf("%s=%d", choices[i].Name, v)
			if _, ok := seen[key]; v > 0 && !ok {
				seen[key] = step
			}
		}
	}
	for key, phase := range map[string]int{"stage1.0.kernel=1": 0, "stage1.0.kernel=2": 1, "stage0.depth=1": 2, "stage0.0.expand=1": 3, "stage0.0.expand=2": 4, "stage0.width=1": 5} {
		if step, ok := seen[key]; !ok || step/100 != phase {
			t.Errorf("%s is first drawn in step %d (%t), want phase %d", key, step, ok, phase)
		}
	}
}

func TestMistakes(t *testing.T) {
	_, err := tune.NewSampler(choices, tune.Plan{Strategy: "compund", PerStep: 0})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three mistakes, got %v", err)
	}
	if _, err := tune.NewSampler(choices, tune.Plan{Strategy: tune.Sandwich, Steps: 1, PerStep: 1}); err == nil {
		t.Error("a sandwich of one SubNet is accepted")
	}
}
