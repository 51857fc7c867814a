package tune

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/runtime/space"
)

// Strategy tells how SubNets are drawn.
type Strategy string

// The strategies.
const (
	// Compound draws one level for each stage, which all its choices follow together (CompOFA, Sahni et al. 2021).
	Compound Strategy = "compound"
	// Progressive makes one kind of choice elastic after the other, largest candidates first (once-for-all, Cai et al. 2020).
	Progressive Strategy = "progressive"
	// Sandwich draws the largest SubNet first, the smallest last and others at random in between (BigNAS, Yu et al. 2020). The smallest
	// one has a resolution of chance.
	Sandwich Strategy = "sandwich"
	// Random draws every choice for itself.
	Random Strategy = "random"
)

// Strategies lists all strategies, the paper's default first.
func Strategies() []Strategy { return []Strategy{Compound, Progressive, Sandwich, Random} }

// Plan is how a run of tuning draws its SubNets.
type Plan struct {
	Strategy Strategy
	Seed     uint64
	Steps    int  // of the whole run; Progressive divides them into phases
	PerStep  int  // SubNets in a step
	OneSide  bool // all SubNets of a step that are drawn share one resolution
}

// Sampler draws the SubNets that a step of tuning trains. A draw is a pure function of the seed, the step and the number of
// the SubNet in its step: tuning can go on anywhere, and the Go and PyTorch tuners train the same SubNets. It is safe for
// concurrent use.
type Sampler struct {
	plan    Plan
	choices []space.Choice
	scopes  []int // of each choice: number of its stage, -1 when it belongs to none
	levels  []int // of each scope: candidates of its longest choice
	phases  []Phase
}

// NewSampler checks a plan for a space.
func NewSampler(choices []space.Choice, p Plan) (*Sampler, error) {
	var errs []error
	if !slices.Contains(Strategies(), p.Strategy) {
		errs = append(errs, fmt.Errorf("there is no strategy %q; strategies are %v", p.Strategy, Strategies()))
	}
	least := 1
	if p.Strategy == Sandwich {
		least = 2
	}
	if p.PerStep < least {
		errs = append(errs, fmt.Errorf("%d SubNets in a step, %s needs at least %d", p.PerStep, p.Strategy, least))
	}
	if p.Steps < 1 {
		errs = append(errs, fmt.Errorf("%d steps, want at least 1", p.Steps))
	}
	s := &Sampler{plan: p, choices: choices, phases: Phases(choices)}
	numbers := map[string]int{}
	for _, c := range choices {
		k := -1
		if name := scope(c.Name); name != "" {
			var ok bool
			if k, ok = numbers[name]; !ok {
				k = len(s.levels)
				numbers[name] = k
				s.levels = append(s.levels, 0)
			}
			s.levels[k] = max(s.levels[k], len(c.Values))
		}
		s.scopes = append(s.scopes, k)
	}
	return s, errors.Join(errs...)
}

// scope is the stage of a choice, "" for choices of the whole net: the name up to its first dot.
func scope(name string) string {
	stage, _, found := strings.Cut(name, ".")
	if !found {
		return ""
	}
	return stage
}

// maxTries bounds how often a SubNet that its step has already is drawn again.
const maxTries = 16

// Step returns the canonical genes of the SubNets of a step, from 0, in the order in which they are trained. They differ from each
// other where maxTries draws find one that does.
func (s *Sampler) Step(step int) []space.Genes {
	out := make([]space.Genes, 0, s.plan.PerStep)
	side := NewRand(s.plan.Seed, uint64(step), ^uint64(0))
	shared := side.Uint64()
	for k := range s.plan.PerStep {
		r := NewRand(s.plan.Seed, uint64(step), uint64(k))
		var g space.Genes
		for range maxTries {
			g = s.draw(&r, step, k, shared)
			space.Canonical(s.choices, g)
			if !slices.ContainsFunc(out, func(o space.Genes) bool { return slices.Equal(o, g) }) {
				break
			}
		}
		out = append(out, g)
	}
	return out
}

// draw makes one SubNet. It takes one number for each choice, whatever the strategy, and one more for each stage if that is Compound; the
// ends of a sandwich take fewer.
func (s *Sampler) draw(r *Rand, step, k int, shared uint64) space.Genes {
	g := make(space.Genes, len(s.choices))
	switch {
	case s.plan.Strategy == Sandwich && k == 0:
		return g
	case s.plan.Strategy == Sandwich && k == s.plan.PerStep-1:
		return s.smallest(r)
	}
	levels := make([]int, len(s.levels))
	if s.plan.Strategy == Compound {
		for i, n := range s.levels {
			levels[i] = r.IntN(n)
		}
	}
	var phase Phase
	if s.plan.Strategy == Progressive && len(s.phases) > 0 {
		phase = s.phases[min(step*len(s.phases)/s.plan.Steps, len(s.phases)-1)]
	}
	for i, c := range s.choices {
		n := len(c.Values)
		if s.plan.Strategy == Progressive {
			n = phase.allows(c)
		}
		at := r.IntN(n)
		switch {
		case s.scopes[i] < 0 && s.plan.OneSide:
			one := Rand{shared + uint64(i)}
			at = one.IntN(n)
		case s.scopes[i] >= 0 && s.plan.Strategy == Compound:
			at = n - 1 - levels[s.scopes[i]]*n/s.levels[s.scopes[i]] // levels count from the smallest candidate, genes from the largest
		}
		g[i] = uint8(at)
	}
	return g
}

// smallest is the last SubNet of a sandwich, at a resolution of chance: when it is always trained at the smallest one, as BigNAS does, the
// same SubNet at larger ones stays almost as inaccurate.
func (s *Sampler) smallest(r *Rand) space.Genes {
	g := make(space.Genes, len(s.choices))
	for i, c := range s.choices {
		g[i] = uint8(len(c.Values) - 1)
		if s.scopes[i] < 0 {
			g[i] = uint8(r.IntN(len(c.Values)))
		}
	}
	return g
}
