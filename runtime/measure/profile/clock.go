package profile

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Clock interleaves all measurements with those of one fixed SubNet, the reference. It states every time as if the reference had taken its nominal time.
// The speed of a shared or warm machine changes by tens of percent within seconds; the ratio to a network that ran right before and
// after does not.
type Clock struct {
	Reference string // SubNet
	Nominal   time.Duration

	net      *supernet.Net
	engine   engine.Engine
	weights  nn.Weights
	graph    *nn.Graph // of the reference, with params
	params   nn.Weights
	sessions []engine.Session // of the reference; they take turns
	in       []nn.Tensor
	ticks    []time.Duration
	compiled int // other networks
}

// placements is how often the reference is compiled at a time. Where a session's tensors lie in memory makes a percent, which would be in all
// that is measured by the clock of one process.
const placements = 4

// slowReference is the time above which a smaller network is the reference.
const slowReference = 40 * time.Millisecond

// NewClock starts a clock for net's networks on e. The reference is one of middle size, or that of a table's header, which is "" when there is
// none. Weights may be nil; they are needed for the whole numbers among a model's parameters only.
func NewClock(net *supernet.Net, e engine.Engine, w nn.Weights, reference string) (*Clock, error) {
	c := &Clock{net: net, engine: e, weights: w}
	if reference != "" {
		var err error
		if c.Reference, c.Nominal, err = parseReference(reference); err != nil {
			return nil, err
		}
		return c, c.start()
	}
	for _, size := range []func(n int) int{func(n int) int { return n / 2 }, func(n int) int { return n - 1 }} {
		g := make(space.Genes, len(net.Choices))
		for i, choice := range net.Choices {
			g[i] = uint8(size(len(choice.Values)))
		}
		space.Canonical(net.Choices, g)
		c.Reference = space.Format(net.Choices, g)
		if err := errors.Join(c.Close(), c.start()); err != nil {
			return nil, err
		}
		for range 4 * placements {
			if _, err := c.tick(); err != nil {
				return nil, err
			}
		}
		if c.Nominal = median(c.ticks); c.Nominal <= slowReference {
			break
		}
	}
	return c, nil
}

// parseReference is the inverse of Header.
func parseReference(text string) (subnet string, nominal time.Duration, err error) {
	subnet, ns, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(ns, 10, 64)
	if err != nil || n <= 0 {
		return "", 0, fmt.Errorf("reference %q: want a SubNet and nanoseconds", text)
	}
	return subnet, time.Duration(n), nil
}

// Unit is the factor that tells another table's times by this clock: that table's reference took another nominal time, as fast as the machine
// was when it was begun.
func (c *Clock) Unit(of lut.Header) (float64, error) {
	if of.Reference == "" {
		return 1, nil
	}
	subnet, nominal, err := parseReference(of.Reference)
	if err == nil && subnet != c.Reference {
		err = fmt.Errorf("its times are interleaved with the reference SubNet %s, these with %s", subnet, c.Reference)
	}
	return float64(c.Nominal) / float64(nominal), err
}

// Header is what a table's header says about the clock.
func (c *Clock) Header() string { return fmt.Sprintf("%s %d", c.Reference, c.Nominal.Nanoseconds()) }

// start compiles the reference.
func (c *Clock) start() error {
	g, err := c.net.Parse(c.Reference)
	if err != nil {
		return fmt.Errorf("reference SubNet: %w", err)
	}
	if c.graph, c.params, err = c.network(g); err != nil {
		return err
	}
	c.in, c.ticks = nn.Feed{Weights: c.params}.Inputs(c.graph), nil
	for range placements {
		s, err := c.engine.Compile(c.graph, c.params)
		if err != nil {
			return errors.Join(err, c.Close())
		}
		c.sessions = append(c.sessions, s)
	}
	for range placements {
		if _, err := c.tick(); err != nil {
			return errors.Join(err, c.Close())
		}
	}
	c.ticks = nil
	return nil
}

// often is after how many other networks a session of the reference is compiled anew.
const often = 4

// compiles is called before a network is compiled, and compiles one of the reference's sessions anew from time to time. What a process compiles
// late is up to 3 % slower than what it compiled first, so the reference must not stay the oldest of all networks.
func (c *Clock) compiles() error {
	if c.compiled++; c.compiled%often > 0 {
		return nil
	}
	k := (c.compiled/often - 1) % placements
	fresh, err := c.engine.Compile(c.graph, c.params)
	if err != nil {
		return err
	}
	old := c.sessions[k]
	c.sessions[k] = fresh
	_, err = timed(fresh, c.in)
	return errors.Join(err, old.Close())
}

// network records a SubNet at batch 1 as it is exported, with weights of the right shapes.
func (c *Clock) network(g space.Genes) (*nn.Graph, nn.Weights, error) {
	graph, err := c.net.Record(g)
	if err != nil {
		return nil, nil, err
	}
	return exported(graph.Bind(1), c.weights)
}

// exported is a network with its normalisations folded, as export writes it, on made-up weights.
func exported(g *nn.Graph, model nn.Weights) (*nn.Graph, nn.Weights, error) {
	w, err := standIns(g, model)
	if err != nil {
		return nil, nil, err
	}
	return nn.FoldBatchNorm(g, w)
}

// tick runs the reference and tells how long it took, without the first run after another network.
func (c *Clock) tick() (time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	session := c.sessions[len(c.ticks)%placements]
	var total time.Duration
	for i, tries := 0, 0; i < round; tries++ {
		was := switches()
		d, err := timed(session, c.in)
		switch {
		case err != nil:
			return 0, err
		case switches() > was && tries < 3*round: // something else ran meanwhile
			continue
		case i > 0:
			total += d
		}
		i++
	}
	total /= round - 1
	c.ticks = append(c.ticks, total)
	return total, nil
}

// timed runs a session, by its own clock where it has one.
func timed(s engine.Session, in []nn.Tensor) (time.Duration, error) {
	start := time.Now()
	if _, err := s.Run(in...); err != nil {
		return 0, err
	}
	if told, ok := s.(interface{ Elapsed() time.Duration }); ok {
		return told.Elapsed(), nil
	}
	return time.Since(start), nil
}

// round is how many runs stand between two ticks; the first of them does not count, it fills the caches.
const round = 3

// turns ticks between the rounds of a network's runs.
type turns struct {
	clock     *Clock
	ticks     []time.Duration
	switches  int64
	disturbed []bool // runs, but for the last one
}

// before is called before each run, on the thread that runs it.
func (t *turns) before(run int) error {
	if run > 0 {
		t.disturbed = append(t.disturbed, switches() > t.switches)
	}
	var err error
	if run%round == 0 {
		var d time.Duration
		d, err = t.clock.tick()
		t.ticks = append(t.ticks, d)
	}
	t.switches = switches()
	return err
}

// least is how many runs without disturbance are enough to leave out the others.
const least = 5

// rates returns the factor that corrects each run, 0 for a run that does not count: the first of a round, and one during which the system gave
// the processor to something else. It is called after the last run.
func (t *turns) rates(runs int) ([]float64, error) {
	last := switches() > t.switches
	if err := t.before(0); err != nil {
		return nil, err
	}
	disturbed := append(t.disturbed, last)
	quiet := 0
	for i := range runs {
		if i%round > 0 && !disturbed[i] {
			quiet++
		}
	}
	out := make([]float64, runs)
	for i := range out {
		if i%round == 0 || disturbed[i] && quiet >= least {
			continue
		}
		out[i] = float64(t.clock.Nominal) / float64(max(t.around(i/round), 1))
	}
	return out, nil
}

// neighbours is how many ticks before and after a round tell the machine's speed: single ones are noisy, and the speed does not change as fast
// as they follow each other. All placements are among them.
const neighbours = placements

// around is the median of the ticks near a round.
func (t *turns) around(k int) time.Duration {
	return median(t.ticks[max(k+1-neighbours, 0):min(k+1+neighbours, len(t.ticks))])
}

// corrected applies rates to times and leaves out what does not count.
func corrected(times []time.Duration, rates []float64) []time.Duration {
	var out []time.Duration
	for i, d := range times {
		if rates[i] > 0 {
			out = append(out, time.Duration(float64(d)*rates[i]))
		}
	}
	return out
}

// anew is how often a network is compiled anew to be measured, fewAnew where runs are long: where its tensors lie in memory makes a percent or
// two.
const anew, fewAnew = 6, 3

// Network measures a SubNet end to end: rounds of two runs, until they are as many as asked for or take too long. It tells the median of
// sessions' medians.
func (c *Clock) Network(ctx context.Context, g space.Genes, rounds int, limit time.Duration) (lut.Row, error) {
	graph, w, err := c.network(g)
	if err != nil {
		return lut.Row{}, err
	}
	sessions := anew
	if c.Nominal > slowReference/2 {
		sessions = fewAnew
	}
	var rows []lut.Row
	for range sessions {
		row, err := c.once(ctx, graph, w, (rounds+sessions-1)/sessions, limit/time.Duration(sessions))
		if err != nil {
			return lut.Row{}, err
		}
		rows = append(rows, row)
	}
	return pooled(rows), nil
}

// once measures a network in one session, at least three rounds.
func (c *Clock) once(ctx context.Context, graph *nn.Graph, w nn.Weights, rounds int, limit time.Duration) (lut.Row, error) {
	if err := c.compiles(); err != nil {
		return lut.Row{}, err
	}
	s, err := c.engine.Compile(graph, w)
	if err != nil {
		return lut.Row{}, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	in, t := nn.Feed{Weights: w}.Inputs(graph), &turns{clock: c}
	var times []time.Duration
	start := time.Now()
	for i := 0; i < rounds*round && (i < 3*round || i%round > 0 || time.Since(start) < limit); i++ {
		err := errors.Join(ctx.Err(), t.before(i))
		if err == nil {
			var d time.Duration
			d, err = timed(s, in)
			times = append(times, d)
		}
		if err != nil {
			return lut.Row{}, errors.Join(err, s.Close())
		}
	}
	rates, err := t.rates(len(times))
	if err := errors.Join(err, s.Close()); err != nil {
		return lut.Row{}, err
	}
	return summary(corrected(times, rates)), nil
}

// Drift is how much the machine's speed changed: the ratio of the ninth to the first tenth of the reference's times, less 1.
func (c *Clock) Drift() float64 {
	if len(c.ticks) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(c.ticks))
	return float64(s[len(s)*9/10])/float64(s[len(s)/10]) - 1
}

// Close frees the reference's sessions.
func (c *Clock) Close() error {
	var errs []error
	for _, s := range c.sessions {
		errs = append(errs, s.Close())
	}
	c.sessions = nil
	return errors.Join(errs...)
}

func median[T time.Duration | float64](list []T) T {
	s := slices.Sorted(slices.Values(list))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
