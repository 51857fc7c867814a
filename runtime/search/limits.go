package search

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/space"
)

// Metric is a quantity of a SubNet, to be small: Scale times a sum, plus a maximum. Either may be nil.
type Metric struct {
	Name  string
	Sum   *space.Sum
	Scale int64 // of the sum; 0 means 1
	Max   *space.Max
}

// At returns the metric for g.
func (m Metric) At(g []uint8) int64 {
	v := int64(0)
	if m.Sum != nil {
		v = m.scale() * m.Sum.At(g)
	}
	if m.Max != nil {
		v += m.Max.At(g)
	}
	return v
}

func (m Metric) scale() int64 { return int64(positive(int(m.Scale), 1)) }

// Limit is a constraint: the metric is at most Most.
type Limit struct {
	Metric
	Most int64
}

// LimitsError says that no SubNet keeps all limits.
type LimitsError struct {
	Tightest Limit // the one that the nearest SubNet exceeds by the largest factor
	Value    int64 // of the nearest SubNet
	Nearest  Point
	Text     string // of the nearest SubNet
	Factor   float64
}

// Error names the tightest limit and the SubNet that needs the least slack.
func (e *LimitsError) Error() string {
	return fmt.Sprintf("no SubNet keeps all limits; the tightest is %s of at most %d: the nearest SubNet, %s, has %d (every limit %.1f %% higher would do)",
		e.Tightest.Name, e.Tightest.Most, e.Text, e.Value, 100*(e.Factor-1))
}

// checkLimits reports limits of another space.
func (p Problem) checkLimits() error {
	var errs []error
	cards := space.Cards(p.Choices)
	for _, l := range p.Limits {
		if l.Sum != nil && !slices.Equal(l.Sum.Cards(), cards) || l.Max != nil && !slices.Equal(l.Max.Cards(), cards) {
			errs = append(errs, fmt.Errorf("search: limit %q is of another space", l.Name))
		}
		if l.Sum == nil && l.Max == nil {
			errs = append(errs, fmt.Errorf("search: limit %q has no metric", l.Name))
		}
	}
	return errors.Join(errs...)
}

// limited returns the front of those SubNets that keep p's limits, or a *LimitsError.
func limited(ctx context.Context, p Problem, o Options) (Result, error) {
	v, err := newVector(p, p.Limits, true, o)
	if err != nil {
		return Result{}, err
	}
	points, err := v.solve(ctx)
	r := Result{Points: cull(points), Certificate: v.cert}
	if err == nil && len(points) == 0 {
		err = p.nearest(ctx, o)
	}
	r.fastest = r.Exact
	return r, err
}

// nearest returns the *LimitsError with the SubNet that needs the smallest factor on all limits, found by bisection.
func (p Problem) nearest(ctx context.Context, o Options) error {
	g := make([]uint8, len(p.Choices))
	worst := func(g []uint8) float64 {
		f := 0.0
		for _, l := range p.Limits {
			f = max(f, float64(l.At(g))/float64(max(l.Most, 1)))
		}
		return f
	}
	lo, hi := 1.0, worst(g)
	for range 40 {
		if hi/lo < 1.0005 {
			break
		}
		mid := math.Sqrt(lo * hi)
		limits := slices.Clone(p.Limits)
		for i := range limits {
			limits[i].Most = int64(mid * float64(max(limits[i].Most, 1)))
		}
		v, err := newVector(p, limits, false, o)
		if err != nil {
			return err
		}
		points, err := v.solve(ctx)
		if err != nil {
			return err
		}
		if len(points) == 0 {
			lo = mid
			continue
		}
		for _, q := range points {
			if f := worst(q.Genes); f < hi {
				g, hi = q.Genes, f
			}
		}
		hi = min(hi, mid)
	}
	e := &LimitsError{Nearest: p.point(g), Text: space.Format(p.Choices, g), Factor: worst(g)}
	for _, l := range p.Limits {
		if v := l.At(g); float64(v)/float64(max(l.Most, 1)) >= e.Factor {
			e.Tightest, e.Value = l, v
		}
	}
	return e
}
