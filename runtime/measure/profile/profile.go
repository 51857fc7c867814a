// Package profile measures what a package's operators cost on a device (paper, section 4.2): each distinct operator, however many
// SubNets have it. There are two methods. Isolated: every operator alone. Covering: whole SubNets, few that together have all
// operators, where the engine tells what each kernel took; so operators have the neighbours, layouts and caches that they will have.
package profile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/autotailor/autotailor/internal/cpu"
	"github.com/autotailor/autotailor/internal/release"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Options are the protocol of a measurement. The zero Options are meant for everyday use.
type Options struct {
	Warmup int // runs before the first that counts, below 1 means 5
	Runs   int // runs that count, below 1 means 30
	// MaxPerOp bounds the time that an operator may run, below 1 means 10 s. One that is slower keeps what it
	// has then, at least one run, and its row says how many.
	MaxPerOp time.Duration
	Progress func(Progress) // called after every few operators or each SubNet, may be nil
	Method   string         // lut.Isolated or lut.Covering; "" means covering where the engine can
	Contexts int            // SubNets that each operator is measured in at least, below 1 means 1 to 12, as time allows
	Rounds   int            // rounds of two runs of each SubNet, below 1 means 6
	Weights  nn.Weights     // the model, for whole numbers among its parameters; may be nil
	From     *lut.Table     // rows that need not be measured, of a table of the same device; may be nil
	Rules    string         // fusion rules, "" means the engine's
	Meter    Meter          // of the device's energy, for engines of this process; may be nil
}

// Progress tells how far a measurement is.
type Progress struct {
	Done, Total int
	Key         string // of the operator that was measured last
	Elapsed     time.Duration
	Remaining   time.Duration // estimate
}

// The usual options.
const (
	maxPerOp    = 10 * time.Second
	usualRounds = 6
)

// method is how e is measured under o.
func (o Options) method(e engine.Engine) string {
	if _, ok := e.(engine.Tracer); ok && o.Method == "" && o.Meter == nil { // meters need operators one by one
		return lut.Covering
	}
	return cmp.Or(o.Method, lut.Isolated)
}

func (o Options) withDefaults() Options {
	o.Warmup, o.Runs = cmp.Or(max(o.Warmup, 0), 5), cmp.Or(max(o.Runs, 0), 30)
	o.MaxPerOp = cmp.Or(max(o.MaxPerOp, 0), maxPerOp)
	o.Rounds = cmp.Or(max(o.Rounds, 0), usualRounds)
	return o
}

// together is how many operators take turns: noise that comes and goes hits several of them a little, not one a lot.
const together = 8

// Header describes a measurement of net on e under options o.
func Header(net *supernet.Net, e engine.Engine, o Options) lut.Header {
	o = o.withDefaults()
	i := e.Info()
	h := lut.HeaderOf(net)
	h.Device, h.Engine, h.Version, h.Threads, h.Precision, h.Rules = i.Device, i.Name, i.Version, i.Threads, i.Precision, i.Rules
	h.Cores, h.Governor, h.Options = i.Cores, i.Governor, i.Options
	if _, elsewhere := e.(engine.Measurer); !elsewhere {
		h.Cores, h.Governor = cpu.Cores(), cpu.Governor()
	}
	h.Method, h.Tool = o.method(e), release.Version
	if o.Rules != "" {
		h.Rules = o.Rules
	}
	h.Date = time.Now().UTC().Format(time.DateOnly)
	if h.Method == lut.Covering {
		return h
	}
	h.Protocol = fmt.Sprintf("isolated operators, median of %d runs after %d, %d take turns", o.Runs, o.Warmup, together)
	if o.MaxPerOp != maxPerOp {
		h.Protocol += fmt.Sprintf(", at most %v each", o.MaxPerOp)
	}
	return h
}

// Run measures the operators of net that e runs, which its fusion rules say, into the file at path. What the file has
// already is not measured again, so that an interrupted run goes on where it was. An operator that e cannot run becomes a
// row that says why; when ctx ends, Run returns its error and the file keeps what was measured.
func Run(ctx context.Context, net *supernet.Net, e engine.Engine, path string, o Options) (t *lut.Table, err error) {
	o = o.withDefaults()
	if tracer, ok := e.(engine.Tracer); ok && o.method(e) == lut.Covering {
		return runCovering(ctx, net, tracer, path, o)
	} else if o.method(e) != lut.Isolated {
		return nil, fmt.Errorf("%s cannot be measured by method %q: it does not tell what its kernels take inside a network", e.Info().Name, o.Method)
	}
	return runIsolated(ctx, net, e, path, o)
}

func measure(ctx context.Context, net *supernet.Net, e engine.Engine, j *lut.Journal, ids []supernet.ID, o Options, take func([]supernet.ID) ([]lut.Row, error)) error {
	start := time.Now()
	done := 0
	for group := range slices.Chunk(ids, together) {
		rows, lost := take(group)
		if lost == nil {
			lost = meter(ctx, net, e, group, rows, o)
		}
		for k := range rows { // those that were measured before an error are kept
			if rows[k].N == 0 && rows[k].Failed == "" {
				continue
			}
			if err := j.Add(group[k], rows[k]); err != nil {
				return errors.Join(lost, err)
			}
			done++
		}
		if lost != nil {
			return lost
		}
		if o.Progress != nil {
			elapsed := time.Since(start)
			o.Progress(Progress{
				Done: done, Total: len(ids), Key: net.Ops[group[len(group)-1]].Key(),
				Elapsed: elapsed, Remaining: elapsed * time.Duration(len(ids)-done) / time.Duration(done),
			})
		}
	}
	return nil
}

// take measures a few operators interleaved.
func take(ctx context.Context, net *supernet.Net, e engine.Engine, ids []supernet.ID, o Options) ([]lut.Row, error) {
	if m, ok := e.(engine.Measurer); ok {
		return takeFrom(ctx, net, m, ids, o)
	}
	rows := make([]lut.Row, len(ids))
	var ps []*probe
	for k, id := range ids {
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err, closeAll(ps))
		}
		p, err := newProbe(net, id, e, o)
		if err != nil {
			rows[k].Failed = err.Error()
		}
		ps = append(ps, p)
	}
	for range o.Runs {
		for k, p := range ps {
			if err := ctx.Err(); err != nil {
				return nil, errors.Join(err, closeAll(ps))
			}
			if p == nil || rows[k].Failed != "" || p.late() {
				continue
			}
			if err := p.sample(); err != nil {
				rows[k].Failed = err.Error()
			}
		}
	}
	for k, p := range ps {
		if p != nil && rows[k].Failed == "" {
			rows[k] = summary(p.samples)
		}
	}
	return rows, closeAll(ps)
}

func closeAll(ps []*probe) error {
	var errs []error
	for _, p := range ps {
		if p != nil {
			errs = append(errs, p.session.Close())
		}
	}
	return errors.Join(errs...)
}

// probe is one network under measurement.
type probe struct {
	session engine.Session
	in      []nn.Tensor
	repeat  int // runs in one sample, so that clocks can resolve it
	samples []time.Duration
	spent   time.Duration // on the clock, warm-up included
	limit   time.Duration // of spent
}

// late reports whether p has a sample and may not take more.
func (p *probe) late() bool { return len(p.samples) > 0 && p.spent >= p.limit }

// resolution is the least duration of a sample.
const resolution = 20 * time.Microsecond

// newProbe compiles operator id as a network of its own.
func newProbe(net *supernet.Net, id supernet.ID, e engine.Engine, o Options) (*probe, error) {
	g, err := net.Alone(id)
	if err != nil {
		return nil, err
	}
	return start(g, noise{}, e, o)
}

// start compiles g, warms it up and finds out how often to repeat it.
func start(g *nn.Graph, w nn.Weights, e engine.Engine, o Options) (*probe, error) {
	s, err := e.Compile(g, weightsOf(g, w))
	if err != nil {
		return nil, err
	}
	p := &probe{session: s, repeat: 1, limit: o.MaxPerOp, in: nn.Feed{Weights: w}.Inputs(g)}
	for k := 0; k < o.Warmup && !p.late(); k++ {
		if err := p.sample(); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	if best := slices.Min(p.samples); best < resolution {
		p.repeat = int(resolution/max(best, 200)) + 1
	}
	p.samples = p.samples[:0]
	return p, nil
}

// sample times some runs: in the engine where it tells, else from outside.
func (p *probe) sample() error {
	inside, tells := p.session.(interface{ Elapsed() time.Duration })
	var told time.Duration
	start := time.Now()
	for range p.repeat {
		if _, err := p.session.Run(p.in...); err != nil {
			return err
		}
		if tells {
			told += inside.Elapsed()
		}
	}
	total := time.Since(start)
	p.spent += total
	if tells {
		total = told
	}
	p.samples = append(p.samples, total/time.Duration(p.repeat))
	return nil
}

// summary is the row of some samples.
func summary(samples []time.Duration) lut.Row {
	s := slices.Sorted(slices.Values(samples))
	n := len(s)
	return lut.Row{N: n, Min: s[0], Median: (s[(n-1)/2] + s[n/2]) / 2, Spread: s[n*3/4] - s[n/4]}
}

// Network measures a whole network at batch 1 by the protocol of the operators.
func Network(ctx context.Context, g *nn.Graph, w nn.Weights, e engine.Engine, o Options) (lut.Row, error) {
	o = o.withDefaults()
	if m, ok := e.(engine.Measurer); ok {
		return networkFrom(ctx, g.Bind(1), w, m, o)
	}
	p, err := start(g.Bind(1), w, e, o)
	if err != nil {
		return lut.Row{}, err
	}
	for k := 0; k < o.Runs && !p.late(); k++ {
		err := ctx.Err()
		if err == nil {
			err = p.sample()
		}
		if err != nil {
			return lut.Row{}, errors.Join(err, p.session.Close())
		}
	}
	return summary(p.samples), p.session.Close()
}
