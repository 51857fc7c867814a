package model

import (
	"fmt"
	"io"
	"time"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/space"
)

// LUT predicts latencies, and energies, from a device's table. It is immutable.
type LUT[S SubNet] struct {
	net     *Net[S]
	table   *lut.Table
	metrics Metrics
	latency *space.Sum
}

// ReadLUT reads a latency table. The error is a *lut.MismatchError for a table of another SuperNet or of other operators, and a *lut.MissingError for a table that
// lacks operators.
func (n *Net[S]) ReadLUT(r io.Reader) (*LUT[S], error) {
	t, err := lut.Read(r, n.definition)
	if err != nil {
		return nil, err
	}
	return n.lut(t, 0)
}

func (n *Net[S]) lut(t *lut.Table, watts float64) (*LUT[S], error) {
	m, err := Measured(n.definition, t, watts)
	if err != nil {
		return nil, err
	}
	return &LUT[S]{n, t, m, m[Latency].Sum}, nil
}

// Header says what was measured, where and how.
func (t *LUT[S]) Header() lut.Header { return t.table.Header }

// Latency predicts the latency of s at batch 1 without allocating.
func (t *LUT[S]) Latency(s S) time.Duration { return time.Duration(t.net.at(s, t.latency)) }

// Energy predicts the energy of a run of s at batch 1, in millijoules, without allocating. The error is an *UnknownError if the table has no energies, see AtPower.
func (t *LUT[S]) Energy(s S) (millijoules float64, err error) {
	x, err := t.metrics.Metric(Energy)
	if err != nil {
		return 0, err
	}
	return float64(t.net.at(s, x.Sum)) / Energy.Unit().Per, nil
}

// AtPower returns t with the energy of a device that draws this constant power, in watts, for as long as it computes.
func (t *LUT[S]) AtPower(watts float64) (*LUT[S], error) {
	if !(watts > 0) {
		return nil, fmt.Errorf("a power of %v W, want one above 0", watts)
	}
	return t.net.lut(t.table, watts)
}

// Metric says what a quality is: its name, its unit, and which direction is better.
type Metric = accuracy.Metric

// Quality is how good a SubNet is at its task. The zero Quality, whose metric has no name, is unknown.
type Quality struct {
	Value float64 // in the metric's unit
	Metric
}

// String writes the metric's name, the value and the unit.
func (q Quality) String() string {
	if q.Name == "" {
		return "unknown quality"
	}
	return fmt.Sprintf("%s %.4f (%s)", q.Name, q.Value, q.Unit)
}

// Accuracy predicts qualities from measured sensitivities. It is immutable.
type Accuracy[S SubNet] struct {
	net     *Net[S]
	table   *accuracy.Table
	penalty *space.Sum
}

// ReadAccuracy reads a table of sensitivities. The error is an *accuracy.MismatchError for a table of another SuperNet, and an *accuracy.MissingError for an incomplete one.
func (n *Net[S]) ReadAccuracy(r io.Reader) (*Accuracy[S], error) {
	t, err := accuracy.Read(r, n.definition)
	if err != nil {
		return nil, err
	}
	sum, err := t.Penalty(n.definition)
	if err != nil {
		return nil, err
	}
	return &Accuracy[S]{n, t, sum}, nil
}

// Header says what was measured, on what and how.
func (a *Accuracy[S]) Header() accuracy.Header { return a.table.Header }

// Metric says what Predict predicts.
func (a *Accuracy[S]) Metric() Metric { return a.table.Metric() }

// Predict predicts the quality of s, in the metric's unit, without allocating.
func (a *Accuracy[S]) Predict(s S) float64 { return a.table.Value(a.net.at(s, a.penalty)) }
