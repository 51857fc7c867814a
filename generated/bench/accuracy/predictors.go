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
	"github.com/autotailor/autotailor/runtime/measure/profile"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// predictors judges predictors on random SubNets, and prints a line. All learn from counts on some training images. SubNets that they do not know are
// counted on these, as once-for-all judges its predictor (tau, top5), and on test images, where chance in which images there are is in the counts,
// too (test_tau, test_top5, and what knowing all true accuracies would give).
func (b *bench) predictors(ctx context.Context) error {
	judged, others := b.judged()
	penalty, plain, err := b.prediction(ctx, others)
	probes, err2 := b.distinct()
	j, most, err3 := b.judge(ctx, judged)
	macs, err4 := b.net.MACs()
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return err
	}
	ours, sum, flops := j.of(values(penalty, judged, -1)), j.of(values(plain, judged, -1)), j.of(values(macs, judged, 1))
	fmt.Printf("accuracy %s %s probes=%d test_ceiling_tau=%.3f test_ceiling_top5=%.3f %s %s judged=%d images=%d test_images=%d\n", b.name, ours.text(""),
		probes+b.o.joint, most.tau, most.top5, sum.text("sum_"), flops.text("flops_"), len(judged), b.o.train, b.o.test)
	return nil
}

// learner prints a line for each number of SubNets that the MLP learns from, until it ranks as well as our prediction by both counts.
func (b *bench) learner(ctx context.Context) error {
	judged, others := b.judged()
	penalty, _, err := b.prediction(ctx, others)
	j, _, err2 := b.judge(ctx, judged)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	ours, learnt := j.of(values(penalty, judged, -1)), others[b.o.joint:][:b.o.learnt]
	for n := min(35, len(learnt)); n > 0; n = next(n, len(learnt)) {
		counts, err := b.on(b.tuned, b.train).counts(ctx, learnt[:n])
		if err != nil {
			return err
		}
		predicted, err := b.mlp(learnt[:n], counts, judged)
		if err != nil {
			return err
		}
		mlp := j.of(predicted)
		fmt.Printf("mlp %s measurements=%d %s %s\n", b.name, n, mlp.text(""), ours.text("ours_"))
		if mlp.same.reaches(ours.same) && mlp.test.reaches(ours.test) {
			return nil
		}
	}
	return nil
}

// judged are random SubNets that predictors are judged on, and others that they may learn from.
func (b *bench) judged() (judged, others []space.Genes) {
	first, last := b.o.joint, b.o.joint+b.o.subnets
	list := b.random(last+max(b.o.learnt, candidates), 1)
	return list[first:last], slices.Concat(list[:first], list[last:])
}

// candidates is how many SubNets those are chosen from that are predicted to be best.
const candidates = 100

// prediction is that of the product, and the plain sum. Some of the SubNets that correct the sum are of chance, the others those that are then predicted
// to be the best of some candidates, as search --verify measures them.
func (b *bench) prediction(ctx context.Context, others []space.Genes) (corrected, plain *space.Sum, err error) {
	random := others[:b.o.joint-b.o.best]
	f, _, err := b.penalty(ctx, random)
	if err != nil {
		return nil, nil, err
	}
	rest := slices.Clone(others[b.o.joint:][:candidates])
	slices.SortStableFunc(rest, func(g, h space.Genes) int { return cmp.Compare(f.At(g), f.At(h)) })
	return b.penalty(ctx, slices.Concat(random, rest[:b.o.best]))
}

// next is twice as many, but no more than there are, and 0 after these.
func next(n, all int) int {
	if n == all {
		return 0
	}
	return min(2*n, all)
}

// judge counts SubNets, and estimates the best that a predictor can do against counts on test images.
func (b *bench) judge(ctx context.Context, list []space.Genes) (j judge, best ranking, err error) {
	first, last, halved := b.test, b.test, min(100, len(list))
	first.to, last.from = b.test.to/2, b.test.to/2
	left, err := b.on(b.tuned, first).counts(ctx, list[:halved])
	right, err2 := b.on(b.tuned, last).counts(ctx, list[:halved])
	rest, err3 := b.on(b.tuned, b.test).counts(ctx, list[halved:])
	same, err4 := b.on(b.tuned, b.train).counts(ctx, list)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return judge{}, ranking{}, err
	}
	j.same = same
	for k := range left {
		j.test = append(j.test, left[k]+right[k])
	}
	j.test = append(j.test, rest...)
	return j, b.ceiling(list, j.test, left, right), nil
}

// penalty is sensitivities, corrected by a few SubNets. It also returns the plain sum.
func (b *bench) penalty(ctx context.Context, measured []space.Genes) (corrected, plain *space.Sum, err error) {
	c := b.on(b.tuned, b.train)
	t, err := c.sensitivities(ctx)
	counts, err2 := c.counts(ctx, measured)
	if err := errors.Join(err, err2); err != nil {
		return nil, nil, err
	}
	var joint []accuracy.Joint
	for k, g := range measured {
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

func values(f *space.Sum, list []space.Genes, sign float64) []float64 {
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

// judge has the counts of SubNets on test images, and on the training images that predictors learnt from.
type judge struct{ test, same []int }

func (j judge) of(predicted []float64) rankings {
	return rankings{rank(predicted, j.test), rank(predicted, j.same)}
}

// rankings are a predictor's, by both counts.
type rankings struct{ test, same ranking }

func (r rankings) text(prefix string) string {
	return fmt.Sprintf("%[1]stau=%.3[2]f %[1]stop5=%.3[3]f %[1]stest_tau=%.3[4]f %[1]stest_top5=%.3[5]f", prefix, r.same.tau, r.same.top5, r.test.tau, r.test.top5)
}

func (r ranking) reaches(o ranking) bool { return r.tau >= o.tau && r.top5 >= o.top5 }

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
