package cli

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

// evaluated is the result of `evaluate`.
type evaluated struct {
	Split   string           `json:"split"`
	Images  int              `json:"images"`
	Metric  metricEntry      `json:"metric"`
	SubNets []evaluatedEntry `json:"subnets"`
	Random  *randomEntry     `json:"random,omitempty"`
}

type evaluatedEntry struct {
	SubNet   string  `json:"subnet"`
	Accuracy float64 `json:"accuracy"` // the metric's value
}

// randomEntry sums up random SubNets, which are the last ones of the list.
type randomEntry struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	Min  float64 `json:"min"` // the worst
}

func runEvaluate(c *call) error {
	model, dir, ef := c.modelFlag(), c.dataFlag(), c.engineFlags(0)
	c.originalFlag()
	subnets := c.flags.StringArray("subnet", nil, "a SubNet, as `choices`; may be given several times (default: the original and the smallest one, that at the original's resolution, too)")
	random := c.flags.Int("random", 0, "random SubNets besides, with their mean")
	seed := c.flags.Uint64("seed", 1, "of the random SubNets")
	split := c.flags.String("split", "test", "samples that are counted: test or train")
	n := c.flags.Int("images", 0, "samples that are counted at most, 0 for all")
	calibrate := c.flags.Int("calibrate", 2000, "training samples that BatchNorm statistics are recomputed from; 0 for none")
	if err := c.parse("model", "data"); err != nil {
		return err
	}
	list, drawn, err := c.evaluatedSubNets(*subnets, *random, *seed)
	if err != nil {
		return err
	}
	w, err := c.weights(*model)
	if err != nil {
		return err
	}
	engines, err := c.open(ef)
	if err != nil {
		return err
	}
	defer c.closeEngines(engines)
	e, err := c.openEvaluator(w, engines[0], sensitivity.Options{Split: *split})
	if err != nil {
		return err
	}
	if e.Samples, e.Options.Calibration, err = c.judged(*dir, *split, *n, *calibrate); err != nil {
		return err
	}
	h := e.Header()
	r := evaluated{Split: *split, Images: e.Samples.Len(), Metric: metricOf(h)}
	p, start := c.progress("evaluate"), time.Now()
	for k, g := range list {
		correct, err := e.Count(c.ctx, g)
		if err != nil {
			return err
		}
		r.SubNets = append(r.SubNets, evaluatedEntry{space.Format(c.net.Choices, g), h.Value(float64(correct) / float64(h.Whole()))})
		p.at(k+1, len(list), time.Since(start))
	}
	if drawn > 0 {
		r.Random = summarise(r.SubNets[len(list)-drawn:], accuracy.Metric{LowerIsBetter: r.Metric.LowerIsBetter})
	}
	return c.printEvaluated(r, h)
}

// evaluatedSubNets are those that the user names, or both ends, and then random ones, drawn in number, which are others.
func (c *call) evaluatedSubNets(texts []string, random int, seed uint64) (list []space.Genes, drawn int, err error) {
	if random < 0 {
		return nil, 0, usageError{errors.New("--random: want a number of SubNets")}
	}
	for _, text := range texts {
		g, err := c.genes(text)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, g)
	}
	if len(list) == 0 {
		largest, smallest := space.Ends(c.net.Choices)
		list = append(list, largest, smallest)
		if i := slices.IndexFunc(c.net.Choices, func(c space.Choice) bool { return c.Kind == "resolution" }); i >= 0 {
			wide := slices.Clone(smallest)
			wide[i] = 0
			list = append(list, wide)
		}
	}
	more := others(c.net.Choices, list, random, rand.New(rand.NewPCG(seed, 0)))
	if len(more) < random {
		c.warn(fmt.Sprintf("--random %d: the package has only %d SubNets besides those that are named", random, len(more)))
	}
	return append(list, more...), len(more), nil
}

// draws are made at most for one more SubNet.
const draws = 100_000

// others draws n SubNets, no two of which are the same, and none of which is in list: fewer where there are not so many.
func others(cs []space.Choice, list []space.Genes, n int, rng *rand.Rand) (drawn []space.Genes) {
	seen := map[string]bool{}
	for _, g := range list {
		seen[string(g)] = true
	}
	if left := new(big.Int).Sub(space.Count(cs), big.NewInt(int64(len(seen)))); left.Cmp(big.NewInt(int64(n))) < 0 {
		n = int(left.Int64())
	}
	for k := 0; k < draws && len(drawn) < n; k++ {
		if g := space.Random(cs, rng); !seen[string(g)] {
			seen[string(g)] = true
			drawn, k = append(drawn, g), 0
		}
	}
	return drawn
}

func summarise(list []evaluatedEntry, m accuracy.Metric) *randomEntry {
	r := &randomEntry{N: len(list), Min: list[0].Accuracy}
	for _, e := range list {
		r.Mean += e.Accuracy / float64(len(list))
		if m.Better(r.Min, e.Accuracy) {
			r.Min = e.Accuracy
		}
	}
	return r
}

func (c *call) printEvaluated(r evaluated, h accuracy.Header) error {
	if *c.json {
		return c.print(r)
	}
	for _, e := range r.SubNets {
		if r.Metric.LowerIsBetter {
			fmt.Fprintf(c.out, "%8.4f  %s\n", e.Accuracy, e.SubNet)
			continue
		}
		fmt.Fprintf(c.out, "%6.2f %%  %s\n", 100*e.Accuracy, e.SubNet)
	}
	if r.Random != nil {
		m := (&accuracy.Table{Header: h}).Metric()
		fmt.Fprintf(c.out, "%d random SubNets: mean %s, worst %s\n", r.Random.N, m.Format(r.Random.Mean), m.Format(r.Random.Min))
	}
	if h.Task == "" {
		_, err := fmt.Fprintf(c.out, "share of %d %s samples that are classified correctly\n", r.Images, r.Split)
		return err
	}
	_, err := fmt.Fprintf(c.out, "%s (%s) of %d %s samples\n", r.Metric.Name, r.Metric.Unit, r.Images, r.Split)
	return err
}
