package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/profile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/terms"
)

// predictors judges predictors on random SubNets, and prints a line.
func (b *bench) predictors(ctx context.Context) error {
	first, last := b.o.joint, b.o.joint+b.o.subnets
	list := b.random(last+b.o.learnt, 1)
	joint, judged, learnt := list[:first], list[first:last], list[last:]
	penalty, plain, err := b.penalty(ctx, joint)
	probes, err4 := b.distinct()
	truth, most, err2 := b.truth(ctx, judged)
	counts, err3 := b.on(b.tuned, b.learn).counts(ctx, learnt)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return err
	}
	macs, err := b.net.MACs()
	if err != nil {
		return err
	}
	ours := rank(values(penalty, judged, -1), truth)
	alone, flops := rank(values(plain, judged, -1), truth), rank(values(macs, judged, 1), truth)
	fmt.Printf("accuracy %s tau=%.3f top5=%.3f probes=%d ceiling_tau=%.3f ceiling_top5=%.3f sum_tau=%.3f sum_top5=%.3f flops_tau=%.3f flops_top5=%.3f", b.name, ours.tau, ours.top5, probes+len(joint), most.tau, most.top5, alone.tau, alone.top5, flops.tau, flops.top5)
	needs := 0
	for n := min(35, len(learnt)); n > 0; n = next(n, len(learnt)) {
		r, err := b.mlp(learnt[:n], counts[:n], judged, truth)
		if err != nil {
			return err
		}
		fmt.Printf(" mlp%d_tau=%.3f mlp%d_top5=%.3f", n, r.tau, n, r.top5)
		if needs == 0 && r.tau >= ours.tau {
			needs = n
		}
	}
	fmt.Printf(" mlp_needs=%s judged=%d images=%d\n", cmp.Or(map[bool]string{true: fmt.Sprint(needs)}[needs > 0], fmt.Sprintf(">%d", len(learnt))), len(judged), b.o.test)
	return nil
}

// next is twice as many, but no more than there are, and 0 after these.
func next(n, all int) int {
	if n == all {
		return 0
	}
	return min(2*n, all)
}

// truth counts SubNets on the test images, and estimates the best that a predictor can do against these counts.
func (b *bench) truth(ctx context.Context, list []space.Genes) (counts []int, best ranking, err error) {
	first, last, halved := b.test, b.test, min(100, len(list))
	first.to, last.from = b.test.to/2, b.test.to/2
	left, err := b.on(b.tuned, first).counts(ctx, list[:halved])
	right, err2 := b.on(b.tuned, last).counts(ctx, list[:halved])
	rest, err3 := b.on(b.tuned, b.test).counts(ctx, list[halved:])
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, ranking{}, err
	}
	for k := range left {
		counts = append(counts, left[k]+right[k])
	}
	counts = append(counts, rest...)
	return counts, b.ceiling(list, counts, left, right), nil
}

// penalty is the prediction of the product: sensitivities, corrected by a few random SubNets. It also returns the plain sum.
func (b *bench) penalty(ctx context.Context, random []space.Genes) (corrected, plain *terms.Sum, err error) {
	c := b.on(b.tuned, b.train)
	t, err := c.sensitivities(ctx)
	counts, err2 := c.counts(ctx, random)
	if err := errors.Join(err, err2); err != nil {
		return nil, nil, err
	}
	var joint []accuracy.Joint
	for k, g := range random {
		joint = append(joint, accuracy.Joint{Genes: g, Correct: counts[k]})
	}
	if plain, err = t.Penalty(b.net); err != nil {
		return nil, nil, err
	}
	corrected, err = t.Corrected(b.net, joint)
	return corrected, plain, err
}

// distinct counts the networks that probes and the original are: two candidates of a narrow layer may be rounded to the same width.
func (b *bench) distinct() (int, error) {
	var graphs []*nn.Graph
	for _, g := range append(space.Probes(b.net.Choices), make(space.Genes, len(b.net.Choices))) {
		graph, err := b.net.Record(g)
		if err != nil {
			return 0, err
		}
		if !slices.ContainsFunc(graphs, func(h *nn.Graph) bool { return reflect.DeepEqual(graph, h) }) {
			graphs = append(graphs, graph)
		}
	}
	return len(graphs), nil
}

func values(f *terms.Sum, list []space.Genes, sign float64) []float64 {
	out := make([]float64, len(list))
	for k, g := range list {
		out[k] = sign * float64(f.At(g))
	}
	return out
}

// ranking says how well a predictor orders SubNets.
type ranking struct {
	tau  float64 // Kendall's
	top5 float64 // share of groups whose best SubNet is among the five that are predicted to be best
}

// Groups of the paper's ranking test.
const (
	groups    = 100
	groupSize = 200
)

// rank compares predicted with counted accuracies. Several SubNets of a group may be its best.
func rank(predicted []float64, counts []int) ranking {
	measured := make([]float64, len(counts))
	for k, n := range counts {
		measured[k] = float64(n)
	}
	r := ranking{tau: profile.Agree(predicted, measured).Tau}
	rng := rand.New(rand.NewPCG(2, 0))
	hits := 0
	for range groups {
		group := rng.Perm(len(counts))[:min(groupSize, len(counts))]
		best := counts[slices.MaxFunc(group, func(i, j int) int { return counts[i] - counts[j] })]
		slices.SortFunc(group, func(i, j int) int { return cmp.Compare(predicted[j], predicted[i]) })
		if slices.ContainsFunc(group[:5], func(i int) bool { return counts[i] == best }) {
			hits++
		}
	}
	r.top5 = float64(hits) / groups
	return r
}
