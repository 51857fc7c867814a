package cli

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// quantity is something that can be an objective or be limited.
type quantity struct {
	model.Quantity
	limit string // of the flag's value, such as 2ms
	units map[string]float64
}

// The units of values on the command line, as multiples of the units of sums.
var (
	times    = map[string]float64{"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}
	energies = map[string]float64{"nJ": 1, "uJ": 1e3, "µJ": 1e3, "mJ": 1e6, "J": 1e9}
	counts   = map[string]float64{"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
	sizes    = map[string]float64{"": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
)

// quantities lists them; latency is the first.
func quantities() []quantity {
	return []quantity{
		{model.Latency, "2ms", times},
		{model.Energy, "5mJ", energies},
		{model.MACs, "300M", counts},
		{model.FLOPs, "600M", counts},
		{model.Params, "1e6", counts},
		{model.Size, "4MB", sizes},
		{model.Memory, "3MB", sizes},
	}
}

// key is a quantity's name in JSON.
func key(q model.Quantity) string {
	if u := q.Unit().Name; u != "" {
		return string(q) + "_" + u
	}
	return string(q)
}

// parse reads a limit with its unit.
func (q quantity) parse(text string) (int64, error) {
	v, ok := scaled(text, q.units)
	if !ok || v == 0 {
		return 0, usageError{fmt.Errorf("--max-%s %s: want a positive number with its unit, such as %s", q.Quantity, text, q.limit)}
	}
	return v, nil
}

// scaled reads a number, at least 0, with one of the units.
func scaled(text string, units map[string]float64) (v int64, ok bool) {
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZµ")
	scale, known := units[text[len(number):]]
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || !known || !(f >= 0) || f*scale > math.MaxInt64/8 {
		return 0, false
	}
	return int64(f * scale), true
}

// limitFlags adds a flag for each quantity's limit.
func (c *call) limitFlags() map[string]*string {
	flags := map[string]*string{}
	for _, q := range quantities() {
		name := string(q.Quantity)
		flags[name] = c.flags.String("max-"+name, "", fmt.Sprintf("keep %s at most this `value`, such as %s", name, q.limit))
	}
	return flags
}

// models are the predictors for which the command line names files.
type models struct {
	latencies  *lut.Table
	accuracies *accuracy.Table
	joint      *accuracy.JointJournal // counted SubNets with several modifications; nil for none
	single     *space.Sum             // what the sensitivities alone predict, where joint is not nil
	metrics    model.Metrics
}

// models reads the tables that are named. A quantity whose table is missing has no metric.
func (c *call) models(latencies, accuracies, power string) (*models, error) {
	m := &models{}
	var err error
	if latencies != "" {
		if m.latencies, err = c.latencies(latencies); err != nil {
			return nil, err
		}
	}
	if accuracies != "" {
		if m.accuracies, err = c.accuracies(accuracies); err != nil {
			return nil, err
		}
	}
	watts := 0.0
	if power != "" {
		if watts, err = strconv.ParseFloat(strings.TrimSuffix(power, "W"), 64); err != nil || !(watts > 0) {
			return nil, usageError{fmt.Errorf("--power %s: want a power above 0, such as 3.5W", power)}
		}
	}
	if m.metrics, err = model.Counted(c.net); err != nil || m.latencies == nil {
		return m, err
	}
	measured, err := model.Measured(c.net, m.latencies, watts)
	maps.Copy(m.metrics, measured)
	return m, err
}

// problem makes the objective, the accuracy and the limits one search problem.
func (m *models) problem(c *call, objective string, limits map[string]*string) (search.Problem, error) {
	most := map[model.Quantity]int64{}
	for _, q := range quantities() {
		if text := *limits[string(q.Quantity)]; text != "" {
			v, err := q.parse(text)
			if err != nil {
				return search.Problem{}, err
			}
			most[q.Quantity] = v
		}
	}
	var penalty *space.Sum
	if m.accuracies != nil {
		var err error
		var counted []accuracy.Joint
		if m.joint != nil {
			counted = m.joint.List()
		}
		if penalty, err = m.accuracies.Corrected(c.net, counted); err != nil {
			return search.Problem{}, err
		}
	}
	if penalty == nil {
		var err error
		if penalty, err = m.size(); err != nil {
			return search.Problem{}, err
		}
	}
	p, err := m.metrics.Problem(c.net.Choices, model.Quantity(objective), penalty, most)
	if err != nil {
		return p, usageError{inFlags(err)}
	}
	return p, nil
}

// sizeSteps is the number of steps in which multiply-accumulates are counted if no accuracies are known. It keeps fronts short enough to be exact.
const sizeSteps = 1000

// size replaces accuracies if none were counted. It is the share of the original's multiply-accumulates that a SubNet lacks. Of SubNets with the same cost, the largest
// one is the best guess.
func (m *models) size() (*space.Sum, error) {
	macs, err := m.metrics.Metric(model.MACs)
	if err != nil {
		return nil, err
	}
	s := macs.Sum
	whole := max(s.At(make(space.Genes, len(s.Cards()))), 1)
	share := func(v int64) int64 { return -int64(math.Round(float64(v) / float64(whole) * sizeSteps)) }
	terms := s.Terms()
	for k := range terms {
		terms[k].Table = slices.Clone(terms[k].Table)
		for i, v := range terms[k].Table {
			terms[k].Table[i] = share(v)
		}
	}
	return space.NewSum(s.Cards(), share(s.Base()), terms)
}

// inFlags adds to an error the flags that correct it.
func inFlags(err error) error {
	var unknown *model.UnknownError
	var maximum *model.MaximumError
	switch {
	case errors.As(err, &maximum):
		return fmt.Errorf("--objective %s is a maximum, not a sum: use it as a limit, --max-%s", maximum.Quantity, maximum.Quantity)
	case !errors.As(err, &unknown):
		return err
	case !slices.Contains(model.Quantities(), unknown.Quantity):
		return fmt.Errorf("--objective %s: objectives are %s", unknown.Quantity, join(model.Quantities()))
	case unknown.Table:
		return fmt.Errorf("%s is not in the table: profile with --meter or a device that tells its energy, or state a constant power, such as --power 3.5W", unknown.Quantity)
	}
	return fmt.Errorf("%s needs a device's latencies: give --lut", unknown.Quantity)
}

func join(list []model.Quantity) string {
	var names []string
	for _, q := range list {
		names = append(names, string(q))
	}
	return strings.Join(names, ", ")
}

// describe returns all predictions for g, by their names in JSON.
func (m *models) describe(g space.Genes) map[string]float64 {
	out := map[string]float64{}
	for q, x := range m.metrics {
		out[key(q)] = float64(x.At(g)) / q.Unit().Per
	}
	return out
}
