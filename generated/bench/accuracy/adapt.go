package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/measure/profile"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// method is a way of making a network faster: the SubNets that it offers, and whose weights they have.
type method struct {
	name     string
	model    source
	list     []space.Genes
	found    []candidate
	ablation bool // ours without a part of it, not what one could do without us
}

// candidate is a SubNet that a method has measured.
type candidate struct {
	genes   space.Genes
	ms      float64 // end to end
	counted int     // correct training images, by which a method chooses
	correct int     // correct test images, by which it is judged
}

// adapt compares methods at latency budgets on ONNX Runtime. Each measures as many SubNets as it may, end to end and on training images, and
// takes for a budget the most accurate one within it; that is judged on test images.
func (b *bench) adapt(ctx context.Context) error {
	if !b.adapts {
		return nil
	}
	device, err := ort.Open(1)
	if err != nil {
		return err
	}
	clock, err := profile.NewClock(b.net, device, b.tuned.Model, "")
	if err != nil {
		return err
	}
	methods, err := b.methods(ctx, device)
	errs := []error{err}
	for k := range methods {
		errs = append(errs, b.count(ctx, &methods[k]))
	}
	if err = errors.Join(errs...); err == nil {
		original := slices.IndexFunc(methods, func(m method) bool { return m.model == b.original })
		methods[0].found = append(methods[0].found, methods[original].found[0]) // whole: who tunes a model has the original still
		err = b.time(ctx, methods, clock)
	}
	if err := errors.Join(err, clock.Close()); err != nil {
		return err
	}
	return b.compare(methods)
}

// methods lists what each method offers, ours first. FLOPs-guided search takes FLOPs for accuracy: of the SubNets of one latency those with most. In
// ours_by_flops they stand for latency instead, with our prediction of accuracy.
func (b *bench) methods(ctx context.Context, device engine.Engine) ([]method, error) {
	t, err := profile.Run(ctx, b.net, device, filepath.Join(b.dir, "onnxruntime.lut"), profile.Options{Weights: b.tuned.Model})
	if err != nil {
		return nil, err
	}
	cost, err := t.Sum(b.net)
	if err != nil {
		return nil, err
	}
	macs, err := b.net.MACs()
	if err != nil {
		return nil, err
	}
	random := b.random(b.o.verify, 1)
	penalty, _, err := b.penalty(ctx, random)
	if err != nil {
		return nil, err
	}
	simple := b.uniform()
	ours, err := b.front(ctx, cost, cost, random, simple)
	if err != nil {
		return nil, err
	}
	ablated, err := b.front(ctx, macs, cost, random, nil)
	if err != nil {
		return nil, err
	}
	negative, err := less(macs)
	if err != nil {
		return nil, err
	}
	flops, err := search.Front(ctx, search.Problem{Choices: b.net.Choices, Cost: cost, Penalty: negative}, search.Options{})
	if err != nil {
		return nil, err
	}
	return []method{
		{name: "ours", model: b.tuned, list: ours},
		{name: "uniform", model: b.tuned, list: simple},
		{name: "depth", model: b.tuned, list: search.Spread([]*space.Sum{cost, penalty}, nil, b.best(b.only("depth"), cost, penalty), b.o.candidate)},
		{name: "flops", model: b.tuned, list: search.Spread([]*space.Sum{cost, negative}, nil, flops.Genes(), b.o.candidate)},
		{name: "resolution", model: b.original, list: b.only("resolution")},
		{name: "ours_by_flops", model: b.tuned, list: ablated, ablation: true},
	}, nil
}

// rounds in which a front is measured.
const rounds = 4

// front lists as many SubNets as a method may measure: those that it has already, and others of the Pareto front of cost and predicted accuracy, evenly over
// latency and accuracy. As `search --verify` does, each round corrects the prediction that the next one's front comes from.
func (b *bench) front(ctx context.Context, cost, latency *space.Sum, known, list []space.Genes) ([]space.Genes, error) {
	left := b.o.candidate - len(list)
	for k := range rounds {
		penalty, _, err := b.penalty(ctx, slices.Concat(known, list))
		if err != nil {
			return nil, err
		}
		front, err := search.Front(ctx, search.Problem{Choices: b.net.Choices, Cost: cost, Penalty: penalty}, search.Options{})
		if err != nil {
			return nil, err
		}
		list = append(list, search.Spread([]*space.Sum{latency, penalty}, list, front.Genes(), left*(k+1)/rounds-left*k/rounds)...)
	}
	return list, nil
}

// less is the negative sum.
func less(s *space.Sum) (*space.Sum, error) {
	ts := s.Terms()
	for k := range ts {
		ts[k].Table = slices.Clone(ts[k].Table)
		for i := range ts[k].Table {
			ts[k].Table[i] = -ts[k].Table[i]
		}
	}
	return space.NewSum(s.Cards(), -s.Base(), ts)
}

// only lists the SubNets that differ from the original in choices of one kind.
func (b *bench) only(kind string) []space.Genes {
	list := []space.Genes{make(space.Genes, len(b.net.Choices))}
	for i, c := range b.net.Choices {
		if c.Kind != kind {
			continue
		}
		for _, g := range slices.Clone(list) {
			for v := 1; v < len(c.Values); v++ {
				other := slices.Clone(g)
				other[i] = uint8(v)
				list = append(list, other)
			}
		}
	}
	return list
}

// uniform lists the SubNets whose blocks all have the same expand ratio, those candidates that every block has.
func (b *bench) uniform() []space.Genes {
	var list []space.Genes
	for v := 0; ; v++ {
		g := make(space.Genes, len(b.net.Choices))
		for i, c := range b.net.Choices {
			if c.Kind != "expand" {
				continue
			}
			if v >= len(c.Values) {
				return list
			}
			g[i] = uint8(v)
		}
		list = append(list, g)
	}
}

// best are the Pareto-optimal ones of a list, from the fastest to the most accurate.
func (b *bench) best(list []space.Genes, cost, penalty *space.Sum) []space.Genes {
	slices.SortFunc(list, func(g, h space.Genes) int { return int(cost.At(g) - cost.At(h)) })
	var out []space.Genes
	for _, g := range list {
		if len(out) == 0 || penalty.At(g) < penalty.At(out[len(out)-1]) {
			out = append(out, g)
		}
	}
	return out
}

// count counts what a method offers.
func (b *bench) count(ctx context.Context, m *method) error {
	counted, err := b.on(m.model, b.train).counts(ctx, m.list)
	correct, err2 := b.on(m.model, b.test).counts(ctx, m.list)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	for k, g := range m.list {
		m.found = append(m.found, candidate{genes: g, counted: counted[k], correct: correct[k]})
	}
	return nil
}

// time measures the latencies on ONNX Runtime of all that is offered, that of a SubNet once for all methods: interleaved, since
// moments and places in memory differ by some per cent.
func (b *bench) time(ctx context.Context, methods []method, clock *profile.Clock) error {
	times := map[string][]float64{}
	for turn := range turns {
		for _, m := range methods {
			for _, c := range m.found {
				key := b.format(c.genes)
				if len(times[key]) > turn {
					continue // another method offers it, too
				}
				row, err := clock.Network(ctx, c.genes, runs, 0)
				if err != nil {
					return err
				}
				times[key] = append(times[key], float64(row.Median.Nanoseconds())/1e6)
			}
		}
	}
	for _, m := range methods {
		for k, c := range m.found {
			list := times[b.format(c.genes)]
			slices.Sort(list)
			m.found[k].ms = list[len(list)/2]
		}
	}
	return nil
}

// turns are those that a latency is the median of, runs the pairs of runs of a turn.
const turns, runs = 5, 240

// choose returns the candidate that a method takes for a budget.
func (m *method) choose(ms float64) (best candidate, ok bool) {
	for _, c := range m.found {
		if c.ms <= ms && (!ok || c.counted > best.counted) {
			best, ok = c, true
		}
	}
	return best, ok
}
