package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/memory"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/terms"
)

// quantity is something that can be an objective or be limited.
type quantity struct {
	name, limit string // of the flag's value, such as 2ms
	unit        string // of what is printed
	per         float64
	device      bool // needs --lut
	units       map[string]float64
}

// The units of values on the command line, in those that sums count.
var (
	times    = map[string]float64{"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}
	energies = map[string]float64{"nJ": 1, "uJ": 1e3, "µJ": 1e3, "mJ": 1e6, "J": 1e9}
	counts   = map[string]float64{"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
	sizes    = map[string]float64{"": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
)

// quantities lists them; latency is the first.
func quantities() []quantity {
	return []quantity{
		{"latency", "2ms", "ms", 1e6, true, times},
		{"energy", "5mJ", "mJ", 1e6, true, energies},
		{"macs", "300M", "macs", 1, false, counts},
		{"flops", "600M", "flops", 1, false, counts},
		{"params", "1e6", "params", 1, false, counts},
		{"size", "4MB", "bytes", 1, false, sizes},
		{"memory", "3MB", "bytes", 1, false, sizes},
	}
}

// key is the quantity's name in JSON.
func (q quantity) key() string {
	if q.name == q.unit {
		return q.name
	}
	return q.name + "_" + q.unit
}

// parse reads a limit with its unit.
func (q quantity) parse(text string) (int64, error) {
	v, ok := scaled(text, q.units)
	if !ok || v == 0 {
		return 0, usageError{fmt.Errorf("--max-%s %s: want a positive number with its unit, such as %s", q.name, text, q.limit)}
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
		flags[q.name] = c.flags.String("max-"+q.name, "", fmt.Sprintf("keep %s at most this `value`, such as %s", q.name, q.limit))
	}
	return flags
}

// models are the predictors that the files on the command line make possible.
type models struct {
	latencies  *lut.Table
	accuracies *accuracy.Table
	watts      float64
	metrics    map[string]search.Metric
}

// models reads the tables that are named; a quantity without its table has no metric.
func (c *call) models(latencies, accuracies, power string) (*models, error) {
	m := &models{metrics: map[string]search.Metric{}}
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
	if power != "" {
		if m.watts, err = strconv.ParseFloat(strings.TrimSuffix(power, "W"), 64); err != nil || !(m.watts > 0) {
			return nil, usageError{fmt.Errorf("--power %s: want a power above 0, such as 3.5W", power)}
		}
	}
	return m, m.predict(c)
}

// predict fills in the metrics.
func (m *models) predict(c *call) error {
	macs, err := c.net.MACs()
	if err != nil {
		return err
	}
	peak, err := memory.Of(c.net)
	if err != nil {
		return err
	}
	for _, x := range []search.Metric{
		{Name: "macs", Sum: macs}, {Name: "flops", Sum: macs, Scale: 2}, {Name: "params", Sum: peak.Params},
		{Name: "size", Sum: peak.Params, Scale: 4}, {Name: "memory", Sum: peak.Params, Scale: 4, Max: peak.Activations},
	} {
		m.metrics[x.Name] = x
	}
	if m.latencies == nil {
		return nil
	}
	sum, err := m.latencies.Sum(c.net)
	if err != nil {
		return err
	}
	m.metrics["latency"] = search.Metric{Name: "latency", Sum: sum}
	energy, err := m.latencies.Energy(c.net, m.watts)
	var unknown *lut.NoEnergyError
	switch {
	case errors.As(err, &unknown): // it is missed where it is asked for
		return nil
	case err != nil:
		return err
	}
	m.metrics["energy"] = search.Metric{Name: "energy", Sum: energy}
	return nil
}

// metric returns a quantity's metric or says what is missing for it.
func (m *models) metric(q quantity) (search.Metric, error) {
	x, ok := m.metrics[q.name]
	switch {
	case ok:
		return x, nil
	case m.latencies == nil:
		return x, usageError{fmt.Errorf("%s needs a device's latencies: give --lut", q.name)}
	}
	return x, usageError{fmt.Errorf("%s is not in the table: profile with --meter or a device that tells its energy, or state a constant power, such as --power 3.5W", q.name)}
}

// problem makes the objective, the accuracy and the limits one search problem.
func (m *models) problem(c *call, objective string, limits map[string]*string) (search.Problem, error) {
	p := search.Problem{Choices: c.net.Choices}
	var names []string
	for _, q := range quantities() {
		names = append(names, q.name)
		text := *limits[q.name]
		if q.name != objective && text == "" {
			continue
		}
		x, err := m.metric(q)
		if err != nil {
			return p, err
		}
		if q.name == objective {
			if p.Cost = x.Sum; x.Max != nil {
				return p, usageError{fmt.Errorf("--objective %s is a maximum, not a sum: use it as a limit, --max-%s", q.name, q.name)}
			}
		}
		if text != "" {
			most, err := q.parse(text)
			if err != nil {
				return p, err
			}
			p.Limits = append(p.Limits, search.Limit{Metric: x, Most: most})
		}
	}
	if p.Cost == nil {
		return p, usageError{fmt.Errorf("--objective %s: objectives are %s", objective, strings.Join(names, ", "))}
	}
	var err error
	if m.accuracies == nil {
		p.Penalty, err = terms.New(space.Cards(p.Choices), 0, nil)
	} else {
		p.Penalty, err = m.accuracies.Penalty(c.net)
	}
	return p, err
}

// describe returns all predictions for g, by their names in JSON.
func (m *models) describe(g space.Genes) map[string]float64 {
	out := map[string]float64{}
	for _, q := range quantities() {
		if x, ok := m.metrics[q.name]; ok {
			out[q.key()] = float64(x.At(g)) / q.per
		}
	}
	return out
}

// limitsError writes a value with its unit in an error about limits.
type limitsError struct{ *search.LimitsError }

func (e limitsError) Error() string {
	for _, q := range quantities() {
		if q.name == e.Tightest.Name {
			return fmt.Sprintf("no SubNet keeps all limits; the tightest is %s: at most %g %s, but the nearest SubNet has %g: %s; it would do if every limit were %.1f %% higher",
				q.name, float64(e.Tightest.Most)/q.per, q.unit, float64(e.Value)/q.per, e.Text, 100*(e.Factor-1))
		}
	}
	return e.LimitsError.Error()
}

// Unwrap returns the search's own error.
func (e limitsError) Unwrap() error { return e.LimitsError }
