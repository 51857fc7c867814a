package model

import (
	"errors"
	"fmt"
	"time"

	"github.com/autotailor/autotailor/runtime/search"
)

// Explain returns an error of package search with units, if it is about limits or about costs. Costs are in units of the quantity against. The returned error
// wraps err.
func Explain(err error, against Quantity) error {
	var none *search.InfeasibleError
	if errors.As(err, &none) {
		return budgetError{none, against}
	}
	var limits *search.LimitsError
	if errors.As(err, &limits) {
		return limitsError{limits}
	}
	return err
}

// budgetError is an infeasible budget with units.
type budgetError struct {
	*search.InfeasibleError
	against Quantity
}

func (e budgetError) Error() string {
	none, found := "no SubNet", ""
	if !e.Proven {
		none, found = "found no SubNet that", " found"
	}
	if e.against == Latency {
		return fmt.Sprintf("%s takes at most %v; the fastest%s takes %v: %s", none, time.Duration(e.Budget), found, time.Duration(e.Fastest.Cost), e.Text)
	}
	return fmt.Sprintf("%s has at most %s of %s; the least%s is %s: %s", none, e.against.Format(e.Budget), e.against, found, e.against.Format(e.Fastest.Cost), e.Text)
}

// Unwrap returns the search's own error.
func (e budgetError) Unwrap() error { return e.InfeasibleError }

// limitsError is about limits, with units.
type limitsError struct{ *search.LimitsError }

func (e limitsError) Error() string {
	q := Quantity(e.Tightest.Name)
	return fmt.Sprintf("no SubNet keeps all limits; the tightest is %s: at most %s, but the nearest SubNet has %s: %s; it would do if every limit were %.1f %% higher",
		q, q.Format(e.Tightest.Most), q.Format(e.Value), e.Text, 100*(e.Factor-1))
}

// Unwrap returns the search's own error.
func (e limitsError) Unwrap() error { return e.LimitsError }

// QualityError says that no SubNet within the other limits is as good as wanted.
type QualityError struct {
	Want, Best Quality
	SubNet     string // the SubNet that has Best, in text form
}

// Error names the best SubNet.
func (e *QualityError) Error() string {
	return fmt.Sprintf("no SubNet within the limits has %v; the best has %v: %s", e.Want, e.Best, e.SubNet)
}
