// Package search finds the SubNets that are best for their cost.
//
// Front computes the whole Pareto front of cost and penalty exactly, by dynamic programming over the
// graph of interacting genes; its Certificate says so, or bounds what was lost. Genetic and Random are the
// customary heuristics, seeded and terminating.
package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/autotailor/autotailor/runtime/space"
)

// Problem is a space and two functions of its genes, both to be small.
type Problem struct {
	Choices []space.Choice
	Cost    *space.Sum // such as nanoseconds or MACs
	Penalty *space.Sum // such as wrongly classified images more than the original's; may be negative
	Limits  []Limit    // what a SubNet must keep besides; Front takes them into account
}

// Options bound the work of Front. The zero Options are meant for everyday use.
type Options struct {
	Workers int // goroutines; 0 means one per core. The result does not depend on it
	// States bounds the number of table entries, over all; beyond, bounds and local search replace dynamic programming.
	States int
	// Labels bounds the number of labels that a worker holds; beyond, close ones are thinned out.
	Labels int
}

// Point is a SubNet by its canonical genes.
type Point struct {
	Genes         []uint8
	Cost, Penalty int64
}

// Result is a Pareto front: cost rises and penalty falls strictly from point to point.
type Result struct {
	Points []Point
	Certificate
	choices []space.Choice
	fastest bool // no SubNet costs less than the first point
}

// Genes lists the SubNets of the points.
func (r Result) Genes() []space.Genes {
	list := make([]space.Genes, len(r.Points))
	for i, p := range r.Points {
		list[i] = p.Genes
	}
	return list
}

// Certificate tells how good a front is.
type Certificate struct {
	// Exact says that the points are the whole Pareto front.
	Exact bool
	// Gap bounds what an inexact front loses: at any budget from the first point's cost on, no SubNet's
	// penalty is lower than the front's by more. -1 means unknown.
	Gap     int64
	States  int // table entries computed
	Labels  int // partial SubNets kept in them
	Method  string
	Elapsed time.Duration
}

// InfeasibleError says that no SubNet is within the budget.
type InfeasibleError struct {
	Budget  int64
	Fastest Point  // the SubNet of lowest cost
	Text    string // its text form
	Proven  bool   // Fastest is known to be the fastest of all
}

// Error names the fastest SubNet.
func (e *InfeasibleError) Error() string {
	if !e.Proven {
		return fmt.Sprintf("found no SubNet that costs at most %d: the fastest found, %s, costs %d", e.Budget, e.Text, e.Fastest.Cost)
	}
	return fmt.Sprintf("no SubNet costs at most %d: the fastest, %s, costs %d", e.Budget, e.Text, e.Fastest.Cost)
}

// Best returns the point of lowest penalty whose cost is at most budget, or an *InfeasibleError.
func (r Result) Best(budget int64) (Point, error) {
	i, _ := slices.BinarySearchFunc(r.Points, budget, func(p Point, budget int64) int {
		if p.Cost <= budget {
			return -1
		}
		return 1
	})
	switch {
	case len(r.Points) == 0:
		return Point{}, errors.New("the front is empty: its search was stopped early")
	case i == 0:
		return Point{}, r.infeasible(budget)
	}
	return r.Points[i-1], nil
}

func (r Result) infeasible(budget int64) error {
	p := r.Points[0]
	return &InfeasibleError{Budget: budget, Fastest: p, Text: space.Format(r.choices, p.Genes), Proven: r.fastest}
}

// Check reports what makes p unusable.
func (p Problem) Check() error {
	errs := []error{space.Check(p.Choices)}
	cards := space.Cards(p.Choices)
	for _, f := range []struct {
		name string
		sum  *space.Sum
	}{{"cost", p.Cost}, {"penalty", p.Penalty}} {
		if f.sum == nil {
			errs = append(errs, fmt.Errorf("search: no %s", f.name))
		} else if !slices.Equal(f.sum.Cards(), cards) {
			errs = append(errs, fmt.Errorf("search: the %s is of another space: it has candidates %v, the choices have %v", f.name, f.sum.Cards(), cards))
		}
	}
	return errors.Join(append(errs, p.checkLimits())...)
}

// point evaluates the canonical form of g.
func (p Problem) point(g []uint8) Point {
	space.Canonical(p.Choices, g)
	return Point{Genes: g, Cost: p.Cost.At(g), Penalty: p.Penalty.At(g)}
}

// Front returns the Pareto front of p. When ctx ends early, it returns what it found together with the
// context's error.
func Front(ctx context.Context, p Problem, o Options) (Result, error) {
	start := time.Now()
	if err := p.Check(); err != nil {
		return Result{}, err
	}
	if len(p.Limits) > 0 {
		r, err := limited(ctx, p, o)
		r.Elapsed, r.choices = time.Since(start), p.Choices
		return r, err
	}
	pl := choosePlan(compile(p), space.Cards(p.Choices), o.states())
	r, err := run(ctx, p, pl, o)
	r.Method = pl.describe(p.Choices)
	if !pl.relaxed && r.Gap > 0 {
		r.Method += ", close partial SubNets thinned out"
	}
	r.Elapsed = time.Since(start)
	r.choices = p.Choices
	return r, err
}

// cull returns the Pareto front of ps. Of equal points the one whose genes come first is kept.
func cull(ps []Point) []Point {
	slices.SortFunc(ps, Point.compare)
	return mergeFronts(ps, nil)
}

// mergeFronts returns the Pareto front of two lists of points in order.
func mergeFronts(x, y []Point) []Point {
	front := make([]Point, 0, len(x)+len(y))
	for len(x) > 0 || len(y) > 0 {
		var p Point
		if len(y) == 0 || len(x) > 0 && x[0].compare(y[0]) <= 0 {
			p, x = x[0], x[1:]
		} else {
			p, y = y[0], y[1:]
		}
		if len(front) == 0 || p.Penalty < front[len(front)-1].Penalty {
			front = append(front, p)
		}
	}
	return front
}

// compare orders points by cost, penalty and genes.
func (p Point) compare(q Point) int {
	return orders(p.Cost, q.Cost, p.Penalty, q.Penalty, p.Genes, q.Genes)
}
