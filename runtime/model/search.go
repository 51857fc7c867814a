package model

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// Limits bound the SubNets of a search. A field that is 0 is no limit.
type Limits struct {
	Latency time.Duration // at most, for a run at batch 1
	Energy  float64       // at most, in millijoules for a run at batch 1
	Memory  int64         // at most, in bytes at the peak of a run at batch 1, see PeakMemory
	MACs    int64         // at most, at batch 1
	Params  int64         // at most
	Quality float64       // at least, in the unit of Accuracy's metric; at most where lower values are better
}

// most returns the limits of quantities, in the units of their metrics.
func (l Limits) most() (map[Quantity]int64, error) {
	out := map[Quantity]int64{}
	var errs []error
	for _, x := range []struct {
		Quantity
		most float64
	}{
		{Latency, float64(l.Latency)}, {Energy, l.Energy * Energy.Unit().Per},
		{Memory, float64(l.Memory)}, {MACs, float64(l.MACs)}, {Params, float64(l.Params)},
	} {
		const largest = 1 << 60 // leaves room for factors
		switch {
		case !(x.most >= 0 && x.most < largest):
			errs = append(errs, fmt.Errorf("limit %s: %v is not a valid limit; want more than 0, or 0 for none", x.Quantity, x.most))
		case x.most > 0:
			out[x.Quantity] = max(1, int64(x.most))
		}
	}
	if !(l.Quality >= 0) {
		errs = append(errs, fmt.Errorf("limit quality: %v is not a valid limit; want more than 0, or 0 for none", l.Quality))
	}
	return out, errors.Join(errs...)
}

// Search describes a search for the cheapest and best SubNets within limits.
type Search[S SubNet] struct {
	LUT      *LUT[S]      // of the device; without it latency and energy are unknown
	Accuracy *Accuracy[S] // without it all SubNets count as equally good
	Limits   Limits
	Against  Quantity       // the cost that quality is traded against; "" means Latency, or MACs when there is no LUT
	Options  search.Options // bounds on the work; the zero Options suit everyday use
}

func (q Search[S]) against() Quantity {
	switch {
	case q.Against != "":
		return q.Against
	case q.LUT != nil:
		return Latency
	}
	return MACs
}

// Point is a SubNet with its predictions.
type Point[S SubNet] struct {
	SubNet  S
	Latency time.Duration // 0 without a LUT
	Quality Quality       // unknown without Accuracy
}

// Front is a Pareto front: from point to point the cost rises and the quality gets better.
type Front[S SubNet] struct {
	Points      []Point[S]
	Certificate search.Certificate // says how exact the front is

	cost func(S) int64
}

// Front returns the Pareto front of the SubNets within q's limits, the cheapest first. SubNets that are predicted to be no better than guessing are left out, unless
// there are no better ones. If ctx ends early, it returns the points that were found, together with the context's error. If no SubNet is within the limits, the
// error is a *search.InfeasibleError, a *search.LimitsError or a *QualityError. It names the nearest SubNet.
func (n *Net[S]) Front(ctx context.Context, q Search[S]) (*Front[S], error) {
	p, budget, err := n.problem(q)
	if err != nil {
		return nil, err
	}
	r, stopped := search.Front(ctx, p, q.Options)
	if stopped != nil && len(r.Points) == 0 {
		return nil, Explain(stopped, q.against())
	}
	points := r.Points
	if budget > 0 {
		if _, err := r.Best(budget); err != nil {
			return nil, errors.Join(Explain(err, q.against()), stopped)
		}
		points = points[:sort.Search(len(points), func(i int) bool { return points[i].Cost > budget })]
	}
	if points, err = n.aboveChance(points, q.Accuracy); err != nil {
		return nil, err
	}
	f := &Front[S]{Certificate: r.Certificate, cost: func(s S) int64 { return n.at(s, p.Cost) }}
	for _, x := range points {
		f.Points = append(f.Points, q.point(n.subNet(x.Genes)))
	}
	if err := f.limit(q.Limits.Quality); err != nil {
		return nil, errors.Join(err, stopped)
	}
	return f, stopped
}

// aboveChance leaves out the points that are predicted to be no better than guessing. The best point always stays.
func (n *Net[S]) aboveChance(points []search.Point, a *Accuracy[S]) ([]search.Point, error) {
	if a == nil || len(points) == 0 {
		return points, nil
	}
	from, _, err := a.table.AboveChance(n.definition, len(points), func(i int) int64 { return points[i].Penalty })
	return points[min(from, len(points)-1):], err
}

// Best returns the best SubNet within q's limits. If several are equally good, it returns the cheapest. Its errors are those of Front.
func (n *Net[S]) Best(ctx context.Context, q Search[S]) (Point[S], error) {
	f, err := n.Front(ctx, q)
	if err != nil {
		return Point[S]{}, err
	}
	return f.Points[len(f.Points)-1], nil
}

// Genetic returns the best SubNet that an evolutionary search finds within the limit on the cost. It is the paper's search, for comparison.
func (n *Net[S]) Genetic(ctx context.Context, q Search[S], o search.GeneticOptions) (Point[S], error) {
	p, budget, err := n.problem(q)
	if err != nil {
		return Point[S]{}, err
	}
	if len(p.Limits) > 0 || budget == 0 || q.Limits.Quality > 0 {
		return Point[S]{}, fmt.Errorf("genetic search needs a limit of %s, and knows no other limits: Best does", q.against())
	}
	x, err := search.Genetic(ctx, p, budget, o)
	if x.Genes == nil {
		return Point[S]{}, Explain(err, q.against())
	}
	return q.point(n.subNet(x.Genes)), err
}

// problem returns q without the limit on the cost, and that limit as the budget, 0 for none. A front without other limits is found fastest.
func (n *Net[S]) problem(q Search[S]) (p search.Problem, budget int64, err error) {
	limits, err := q.Limits.most()
	if err != nil {
		return p, 0, err
	}
	if q.Limits.Quality > 0 && q.Accuracy == nil {
		return p, 0, errors.New("limit quality: it is unknown without Accuracy")
	}
	budget = limits[q.against()]
	delete(limits, q.against())
	m := Metrics{}
	maps.Copy(m, n.counted().metrics)
	maps.Copy(m, q.LUT.known())
	var penalty *space.Sum
	if q.Accuracy != nil {
		penalty = q.Accuracy.penalty
	}
	p, err = m.Problem(n.definition.Choices, q.against(), penalty, limits)
	return p, budget, err
}

// known returns the metrics of the table, none if t is nil.
func (t *LUT[S]) known() Metrics {
	if t == nil {
		return nil
	}
	return t.metrics
}

// point is s with the predictions of q's tables.
func (q Search[S]) point(s S) Point[S] {
	p := Point[S]{SubNet: s}
	if q.LUT != nil {
		p.Latency = q.LUT.Latency(s)
	}
	if q.Accuracy != nil {
		p.Quality = Quality{q.Accuracy.Predict(s), q.Accuracy.Metric()}
	}
	return p
}

// limit drops the points whose quality is worse than least, unless least is 0. The remaining points are the front of the SubNets of that quality.
func (f *Front[S]) limit(least float64) error {
	if least == 0 {
		return nil
	}
	i := slices.IndexFunc(f.Points, func(p Point[S]) bool { return !p.Quality.Better(least, p.Quality.Value) })
	if i < 0 {
		best := f.Points[len(f.Points)-1]
		return &QualityError{Want: Quality{least, best.Quality.Metric}, Best: best.Quality, SubNet: best.SubNet.String()}
	}
	f.Points = f.Points[i:]
	return nil
}

// Neighbours returns the nearest points of the front: up to n that cost less than s, and up to n that cost more, the cheapest first. They show the gain
// and loss of moving along the front. s itself need not be on the front.
func (f *Front[S]) Neighbours(s S, n int) (cheaper, dearer []Point[S]) {
	cost, n := f.cost(s), max(n, 0)
	from := sort.Search(len(f.Points), func(i int) bool { return f.cost(f.Points[i].SubNet) >= cost })
	to := sort.Search(len(f.Points), func(i int) bool { return f.cost(f.Points[i].SubNet) > cost })
	return slices.Clone(f.Points[max(0, from-n):from]), slices.Clone(f.Points[to:min(len(f.Points), to+n)])
}
