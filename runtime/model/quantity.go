package model

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Quantity is something that is predicted for every SubNet and is better when it is smaller.
type Quantity string

// The quantities. Latency and Energy need a device's table, the others follow from the package alone.
const (
	Latency Quantity = "latency" // of a run at batch 1, in nanoseconds
	Energy  Quantity = "energy"  // of a run at batch 1, in nanojoules
	MACs    Quantity = "macs"    // multiply-accumulates at batch 1
	FLOPs   Quantity = "flops"   // two for each multiply-accumulate
	Params  Quantity = "params"  // parameters
	Size    Quantity = "size"    // bytes of the parameters in single precision
	Memory  Quantity = "memory"  // bytes that inference at batch 1 needs at its peak, see PeakMemory
)

// Unit says how values of a quantity are shown: in units called Name, each of which is Per of the stored values.
type Unit struct {
	Name string // "" for counts
	Per  float64
}

// units has every quantity, in the order in which they are listed.
var units = []struct {
	Quantity
	Unit
}{
	{Latency, Unit{"ms", 1e6}},
	{Energy, Unit{"mJ", 1e6}},
	{MACs, Unit{"", 1}},
	{FLOPs, Unit{"", 1}},
	{Params, Unit{"", 1}},
	{Size, Unit{"bytes", 1}},
	{Memory, Unit{"bytes", 1}},
}

// Quantities lists all, Latency first.
func Quantities() []Quantity {
	var out []Quantity
	for _, u := range units {
		out = append(out, u.Quantity)
	}
	return out
}

// OfDevice tells whether q needs a device's table.
func (q Quantity) OfDevice() bool { return q == Latency || q == Energy }

// Unit returns how values of q are shown.
func (q Quantity) Unit() Unit {
	for _, u := range units {
		if u.Quantity == q {
			return u.Unit
		}
	}
	return Unit{"", 1}
}

// Format writes a value of q with its unit.
func (q Quantity) Format(v int64) string {
	u := q.Unit()
	text := strconv.FormatFloat(float64(v)/u.Per, 'g', -1, 64)
	if u.Name != "" {
		text += " " + u.Name
	}
	return text
}

// Metrics are the quantities that can be predicted with the available tables.
type Metrics map[Quantity]*search.Metric

// floatBytes is the size of a parameter in single precision.
const floatBytes = 4

// Counted returns the quantities that follow from net alone.
func Counted(net *supernet.Net) (Metrics, error) {
	macs, err := net.MACs()
	if err != nil {
		return nil, err
	}
	peak, err := net.Peak()
	if err != nil {
		return nil, err
	}
	out := Metrics{}
	out.add(MACs, search.Metric{Sum: macs})
	out.add(FLOPs, search.Metric{Sum: macs, Scale: 2})
	out.add(Params, search.Metric{Sum: peak.Params})
	out.add(Size, search.Metric{Sum: peak.Params, Scale: floatBytes})
	out.add(Memory, search.Metric{Sum: peak.Params, Scale: floatBytes, Max: peak.Activations})
	return out, nil
}

// Measured returns the quantities that net's table t predicts: the latency, and the energy if t has it or if watts states a constant power.
func Measured(net *supernet.Net, t *lut.Table, watts float64) (Metrics, error) {
	latency, err := t.Sum(net)
	if err != nil {
		return nil, err
	}
	out := Metrics{}
	out.add(Latency, search.Metric{Sum: latency})
	energy, err := t.Energy(net, watts)
	var unknown *lut.NoEnergyError
	switch {
	case errors.As(err, &unknown): // it is an error only if it is asked for
		return out, nil
	case err != nil:
		return nil, err
	}
	out.add(Energy, search.Metric{Sum: energy})
	return out, nil
}

func (m Metrics) add(q Quantity, x search.Metric) {
	x.Name = string(q)
	m[q] = &x
}

// UnknownError says that a quantity cannot be predicted.
type UnknownError struct {
	Quantity Quantity
	Table    bool // there is a device's table, but it lacks the quantity
}

// Error says what is missing.
func (e *UnknownError) Error() string {
	switch {
	case !slices.Contains(Quantities(), e.Quantity):
		return fmt.Sprintf("there is no quantity %q; quantities are %q", string(e.Quantity), Quantities())
	case e.Table:
		return fmt.Sprintf("%s is not in the latency table: profile a device that tells its energy, or state a constant power", e.Quantity)
	}
	return fmt.Sprintf("%s needs a device's latency table", e.Quantity)
}

// MaximumError says that quality cannot be traded against a quantity, because the quantity is a maximum of parts and not their sum.
type MaximumError struct{ Quantity Quantity }

// Error says how the quantity can be used instead.
func (e *MaximumError) Error() string {
	return fmt.Sprintf("%s is a maximum, not a sum: it can be limited, but nothing can be traded against it", e.Quantity)
}

// Metric returns the metric of q, or an *UnknownError.
func (m Metrics) Metric(q Quantity) (*search.Metric, error) {
	if x := m[q]; x != nil {
		return x, nil
	}
	return nil, &UnknownError{q, m[Latency] != nil}
}

// Problem is the search for SubNets with a small cost, in one quantity, and a small penalty (nil for none). limits has the largest allowed value of each quantity.
func (m Metrics) Problem(choices []space.Choice, against Quantity, penalty *space.Sum, limits map[Quantity]int64) (search.Problem, error) {
	p := search.Problem{Choices: choices, Penalty: penalty}
	cost, err := m.Metric(against)
	if err != nil {
		return p, err
	}
	if cost.Max != nil {
		return p, &MaximumError{against}
	}
	p.Cost = cost.Sum
	for _, q := range Quantities() {
		most, ok := limits[q]
		if !ok {
			continue
		}
		x, err := m.Metric(q)
		if err != nil {
			return p, err
		}
		p.Limits = append(p.Limits, search.Limit{Metric: *x, Most: most})
	}
	if penalty == nil {
		p.Penalty, err = space.NewSum(space.Cards(choices), 0, nil)
	}
	return p, err
}
