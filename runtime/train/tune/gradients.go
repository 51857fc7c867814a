package tune

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// GradientCheck compares the gradients of two engines on random SubNets and random inputs: with respect to parameters that are drawn from all
// tensors that a SubNet uses, each tensor as often as any other.
type GradientCheck struct {
	Net        *supernet.Net
	Weights    nn.Weights
	Engine     engine.Trainer // that is checked
	Against    engine.Partial
	Parameters int // that are drawn
	SubNets    int
	Batch      int
	Seed       uint64
	Transforms bool // smaller windows of kernels are learned functions of the whole ones
	Progress   func(done int)
}

// GradientReport is what a check finds.
type GradientReport struct {
	Engine     string      `json:"engine"`
	Against    string      `json:"against"`
	SubNets    []string    `json:"subnets"`
	Parameters int         `json:"parameters"`
	Compared   int         `json:"compared"`
	Tensors    int         `json:"tensors"` // that the compared parameters are of
	Skipped    []Skipped   `json:"skipped"`
	Lacking    []Lacking   `json:"lacking"`
	Kinks      int         `json:"kinks"` // parameters that agree on the second batch or the third only
	Largest    *Difference `json:"largest,omitempty"`
	Tolerance  float64     `json:"tolerance"`
	Agrees     bool        `json:"agrees"`
}

// Skipped are drawn parameters that cannot be compared.
type Skipped struct {
	Why        string `json:"why"`
	Parameters int    `json:"parameters"`
}

// Lacking is an operator that the other engine cannot differentiate. It is taken out of the network for both: what follows reads random
// numbers instead, and random gradients stand for those that would come back from it.
type Lacking struct {
	Operator string `json:"operator"`
	Why      string `json:"why"`
	Nodes    int    `json:"nodes"`
}

// Difference is between two gradients with respect to one parameter.
type Difference struct {
	Relative float64 `json:"relative"`
	Tensor   string  `json:"tensor"`
	Element  int     `json:"element"`
	SubNet   string  `json:"subnet"`
	Ours     float64 `json:"ours"`
	Theirs   float64 `json:"theirs"`
}

// agree is the largest relative difference of gradients in single precision from those in double precision. A wrong formula is off by far more.
const agree = 1e-3

// batches is how many batches a parameter has to agree on one of. Where an activation is at a kink of Relu or Clip, rounding alone decides which
// side it is on, and one batch says nothing.
const batches = 3

// Run draws SubNets and compares.
func (c *GradientCheck) Run(ctx context.Context) (*GradientReport, error) {
	if c.Parameters < 1 || c.SubNets < 1 || c.Batch < 2 {
		return nil, errors.New("want at least one parameter, one SubNet and a batch of two")
	}
	r := &GradientReport{Engine: c.Engine.Info().Name, Against: c.Against.Info().Name, Parameters: c.Parameters, Tolerance: agree, Agrees: true, Skipped: []Skipped{}, Lacking: []Lacking{}}
	tensors := map[string]bool{}
	rng := rand.New(rand.NewPCG(c.Seed, 11))
	for k := range c.SubNets {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		g := space.Random(c.Net.Choices, rng)
		text := space.Format(c.Net.Choices, g)
		r.SubNets = append(r.SubNets, text)
		p, err := c.pair(g, rng)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		n := c.Parameters*(k+1)/c.SubNets - c.Parameters*k/c.SubNets
		if err := p.compare(ctx, p.draw(n, r), text, r, tensors); err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		if c.Progress != nil {
			c.Progress(k + 1)
		}
	}
	r.Tensors = len(tensors)
	return r, nil
}

func (r *GradientReport) skipped(why string) {
	i := slices.IndexFunc(r.Skipped, func(s Skipped) bool { return s.Why == why })
	if i < 0 {
		i, r.Skipped = len(r.Skipped), append(r.Skipped, Skipped{Why: why})
	}
	r.Skipped[i].Parameters++
}

func (r *GradientReport) lacking(operator, why string) {
	i := slices.IndexFunc(r.Lacking, func(l Lacking) bool { return l.Operator == operator && l.Why == why })
	if i < 0 {
		i, r.Lacking = len(r.Lacking), append(r.Lacking, Lacking{Operator: operator, Why: why})
	}
	r.Lacking[i].Nodes++
}
