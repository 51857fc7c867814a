package cli

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/autotailor/autotailor/internal/rowfile"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/measure/profile"
	"github.com/autotailor/autotailor/runtime/space"
)

// agreed is the result of `check`.
type agreed struct {
	Package string `json:"package"`
	Engine  string `json:"engine"`
	profile.Agreement
	Plain   *profile.Agreement `json:"plain,omitempty"` // of the table that is given with --plain
	Uniform profile.Agreement  `json:"uniform"`         // of the SubNets that were drawn uniformly
	Noise   float64            `json:"noise"`           // deviation of the reference SubNet, measured again and again
	Drift   float64            `json:"drift"`           // of the machine's speed meanwhile
	SubNets []checkedSubNet    `json:"subnets"`
}

type checkedSubNet struct {
	SubNet    string  `json:"subnet"`
	Predicted float64 `json:"predicted_ms"`
	Measured  float64 `json:"measured_ms"`
}

// every is the number of SubNets between two measurements of the reference.
const every = 10

func runCheck(c *call) error {
	latencies := c.flags.String("lut", "", "`file` with latencies, from profile")
	plain := c.flags.String("plain", "", "`file` with latencies under other fusion rules, to compare with")
	model := c.modelFlag()
	n := c.flags.Int("subnets", 100, "random SubNets to measure, uniform over the candidates of all choices")
	sized := c.flags.Int("sized", 40, "random SubNets besides, of all sizes between the smallest and the original")
	seed := c.flags.Uint64("seed", 1, "of the random SubNets")
	rounds := c.flags.Int("rounds", 60, "rounds of two runs of each SubNet")
	limit := c.flags.Duration("limit", 4*time.Second, "time for each SubNet; slower ones have fewer rounds, at least 5")
	out := c.flags.String("out", "", "`file` for what is measured; a later check goes on with it")
	engineName := c.flags.String("engine", "", "`name` of the engine, instead of the table's")
	if err := c.parse("lut"); err != nil {
		return err
	}
	t, err := c.latencies(*latencies)
	if err != nil {
		return err
	}
	threads, name := t.Header.Threads, cmp.Or(*engineName, engineOf(t.Header))
	engines, err := c.open(engineFlags{&name, &threads})
	if err != nil {
		return err
	}
	defer c.closeEngines(engines)
	w, err := c.weightsIfAny(*model)
	if err != nil {
		return err
	}
	clock, err := profile.NewClock(c.net, engines[0], w, t.Header.Reference)
	if err != nil {
		return err
	}
	defer clock.Close()
	known, journal, err := c.openChecked(*out, t)
	if err != nil {
		return err
	}
	k := &checking{call: c, clock: clock, known: known, journal: journal, rounds: *rounds, limit: *limit, total: *n + *sized + (*n+*sized+every-1)/every, start: time.Now(), p: c.progress("check")}
	r, err := k.run(t, *n, *sized, *seed)
	if err := errors.Join(err, closeJournal(journal)); err != nil {
		return err
	}
	if *plain != "" {
		if r.Plain, err = c.plain(*plain, clock, r.SubNets); err != nil {
			return err
		}
	}
	return c.printChecked(r)
}

// checking measures SubNets, each once.
type checking struct {
	*call
	clock   *profile.Clock
	known   map[string]time.Duration
	journal *rowfile.Journal
	rounds  int
	limit   time.Duration
	done    int
	total   int
	start   time.Time
	p       *progress
}

func (k *checking) run(t *lut.Table, n, sized int, seed uint64) (*agreed, error) {
	sum, err := t.Sum(k.net)
	if err != nil {
		return nil, err
	}
	reference, err := k.net.Parse(k.clock.Reference)
	if err != nil {
		return nil, err
	}
	r := &agreed{Package: k.net.Package, Engine: t.Header.Engine}
	var predicted, measured, again []float64
	rng := rand.New(rand.NewPCG(seed, 7))
	for i := range n + sized {
		if i%every == 0 {
			d, err := k.measure(fmt.Sprintf("reference%d", i/every), reference)
			if err != nil {
				return nil, err
			}
			again = append(again, float64(d))
		}
		draw := space.Random
		if i >= n {
			draw = space.Sized
		}
		g := draw(k.net.Choices, rng)
		text := space.Format(k.net.Choices, g)
		d, err := k.measure(text, g)
		if err != nil {
			return nil, fmt.Errorf("SubNet %s: %w", text, err)
		}
		predicted, measured = append(predicted, float64(sum.At(g))), append(measured, float64(d))
		r.SubNets = append(r.SubNets, checkedSubNet{text, float64(sum.At(g)) / 1e6, milliseconds(d)})
	}
	r.Agreement, r.Uniform = profile.Agree(predicted, measured), profile.Agree(predicted[:n], measured[:n])
	r.Noise, r.Drift = deviation(again), k.clock.Drift()
	return r, nil
}

// measure measures a SubNet unless the file has it.
func (k *checking) measure(name string, g space.Genes) (time.Duration, error) {
	k.done++
	if d, ok := k.known[name]; ok {
		return d, nil
	}
	row, err := k.clock.Network(k.ctx, g, k.rounds, k.limit)
	if err != nil {
		return 0, err
	}
	k.known[name] = row.Median
	k.p.at(k.done, k.total, time.Since(k.start))
	if k.journal == nil {
		return row.Median, nil
	}
	return row.Median, k.journal.Append(fmt.Sprintf("%s %d", name, row.Median.Nanoseconds()))
}

// deviation is the relative standard deviation.
func deviation(list []float64) float64 {
	var sum, squares float64
	for _, v := range list {
		sum += v
	}
	mean := sum / float64(len(list))
	for _, v := range list {
		squares += (v/mean - 1) * (v/mean - 1)
	}
	return math.Sqrt(squares / float64(max(len(list)-1, 1)))
}

// openChecked opens the file with earlier measurements. They must be of the same device and reference.
func (c *call) openChecked(path string, t *lut.Table) (map[string]time.Duration, *rowfile.Journal, error) {
	known := map[string]time.Duration{}
	if path == "" {
		return known, nil, nil
	}
	h := t.Header
	var fields []rowfile.Field
	for _, f := range [][2]string{
		{"format", "autotailor measured SubNets 2"}, {"package", h.Package}, {"device", h.Device}, {"engine", h.Engine}, {"version", h.Version}, {"threads", strconv.Itoa(h.Threads)}, {"reference", h.Reference},
	} {
		fields = append(fields, rowfile.Field{Key: f[0], Text: &f[1]})
	}
	j, lines, err := rowfile.OpenJournal(path, rowfile.AppendHeader(nil, fields))
	if err != nil {
		return nil, nil, err
	}
	for _, l := range lines {
		name, ns, _ := strings.Cut(l.Text, " ")
		n, err := strconv.ParseInt(ns, 10, 64)
		if err != nil || n <= 0 {
			return nil, nil, errors.Join(fmt.Errorf("%s: line %d: want a SubNet and nanoseconds", path, l.Number), j.Close())
		}
		known[name] = time.Duration(n)
	}
	return known, j, nil
}

func closeJournal(j *rowfile.Journal) error {
	if j == nil {
		return nil
	}
	return j.Close()
}

// plain compares another table's predictions with the same measurements.
func (c *call) plain(path string, clock *profile.Clock, list []checkedSubNet) (*profile.Agreement, error) {
	t, err := c.latencies(path)
	if err != nil {
		return nil, err
	}
	unit, err := clock.Unit(t.Header)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	sum, err := t.Sum(c.net)
	if err != nil {
		return nil, err
	}
	var predicted, measured []float64
	for _, s := range list {
		g, err := c.net.Parse(s.SubNet)
		if err != nil {
			return nil, err
		}
		predicted, measured = append(predicted, unit*float64(sum.At(g))/1e6), append(measured, s.Measured)
	}
	a := profile.Agree(predicted, measured)
	return &a, nil
}

func (c *call) printChecked(r *agreed) error {
	if *c.json {
		return c.print(r)
	}
	fmt.Fprintf(c.out, "%d random SubNets on %s: %.1f %% are predicted within 10 %%, %.1f %% within 5 %%; Kendall's tau %.3f, median %+.1f %%, worst %.1f %%\n",
		r.N, r.Engine, 100*r.Within10, 100*r.Within5, r.Tau, 100*r.Bias, 100*r.Worst)
	if u := r.Uniform; u.N < r.N {
		fmt.Fprintf(c.out, "of these the %d that were drawn uniformly: %.1f %% within 10 %%, %.1f %% within 5 %%, tau %.3f\n", u.N, 100*u.Within10, 100*u.Within5, u.Tau)
	}
	fmt.Fprintf(c.out, "of the fastest tenth %.1f %% within 10 %%, %.1f %% within 5 %%, of the slowest %.1f %% and %.1f %%\n",
		100*r.Small10, 100*r.Small5, 100*r.Large10, 100*r.Large5)
	if p := r.Plain; p != nil {
		fmt.Fprintf(c.out, "by the other table: %.1f %% within 10 %%, %.1f %% within 5 %%, tau %.3f, median %+.1f %%\n", 100*p.Within10, 100*p.Within5, p.Tau, 100*p.Bias)
	}
	_, err := fmt.Fprintf(c.out, "the reference SubNet, measured again and again, deviates by %.1f %%; the machine's speed changed by %.0f %%\n", 100*r.Noise, 100*r.Drift)
	return err
}
