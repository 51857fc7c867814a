package profile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// covering measures operators inside whole SubNets, few of which have all of them.
type covering struct {
	*places
	engine engine.Tracer
	clock  *Clock
	o      Options
	seen   [][]sighting   // of each SubNet
	joined map[string]int // operator sequences and how often they were seen, see notice
}

// sighting is an operator inside a SubNet that was measured: of one or several places, each a sighting.
type sighting struct {
	id  supernet.ID
	row lut.Row
}

// runCovering fills a table by covering SubNets. Beside the table's file stands one with .part at its end, a line for each SubNet that was
// measured; it goes away when the table is complete.
func runCovering(ctx context.Context, net *supernet.Net, e engine.Tracer, path string, o Options) (*lut.Table, error) {
	t, err := begun(net, e, path, o)
	if err != nil {
		return nil, err
	}
	missing, err := t.Missing(net)
	if err != nil {
		return t, err
	}
	if len(missing) == 0 && t.Header.Calibration.Networks > 0 { // all rows may be those of o.From, which is another file
		return t, t.WriteFile(path)
	}
	p, err := placesOf(net, t.Header.Rules)
	if err != nil {
		return nil, err
	}
	c := &covering{places: p, engine: e, o: o, joined: map[string]int{}}
	part, err := openPart(ctx, path+".part", t.Header, missing, c)
	if err != nil {
		return nil, err
	}
	defer c.clock.Close()
	if err := errors.Join(c.measure(ctx, missing, part), part.file.Close()); err != nil {
		return nil, err
	}
	c.fill(t, missing)
	t.Header.Reference, t.Header.Kernels = c.clock.Header(), kernelText(c.joined)
	t.Header.Protocol = protocol(c.rounds(), part.contexts)
	if err := calibrate(ctx, t, c.clock, c.context()); err != nil {
		return nil, err
	}
	if err := t.WriteFile(path); err != nil {
		return nil, err
	}
	return t, outfile.Remove(path + ".part")
}

// begun is the table to fill: that at path, or a new one with the rows of o.From.
func begun(net *supernet.Net, e engine.Engine, path string, o Options) (*lut.Table, error) {
	h := Header(net, e, o)
	if f, err := infile.Open(path); err == nil {
		old, err := lut.Read(f, net)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if err := SameDevice(old.Header, h); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return old, nil
	}
	t := lut.New(net, h)
	if o.From != nil {
		if err := SameDevice(o.From.Header, h); err != nil {
			return nil, err
		}
		t, _ = lut.Migrate(o.From, net)
	}
	return t, nil
}

// SameDevice tells why rows that were measured under one header cannot stand beside rows under another.
func SameDevice(old, now lut.Header) error {
	var errs []error
	for _, f := range []struct{ what, old, now string }{
		{"device", old.Device, now.Device}, {"engine", old.Engine, now.Engine}, {"version", old.Version, now.Version}, {"precision", old.Precision, now.Precision},
		{"rules", old.Rules, now.Rules}, {"method", old.Method, now.Method}, {"threads", fmt.Sprint(old.Threads), fmt.Sprint(now.Threads)},
		{"options", old.Options, now.Options}, {"cores", cmp.Or(old.Cores, now.Cores), cmp.Or(now.Cores, old.Cores)},
		{"governor", cmp.Or(old.Governor, now.Governor), cmp.Or(now.Governor, old.Governor)},
	} {
		if f.old != f.now {
			errs = append(errs, fmt.Errorf("the table is of %s %q, this is %q: finish it with its own settings, or write to another file", f.what, f.old, f.now))
		}
	}
	return errors.Join(errs...)
}

// measure traces the SubNets that part does not have.
func (c *covering) measure(ctx context.Context, ids []supernet.ID, part *part) error {
	list := c.design(ids, part.contexts)
	start, fresh := time.Now(), 0
	for k, g := range list {
		text := space.Format(c.net.Choices, g)
		if k < len(part.done) {
			if part.done[k] != text {
				return fmt.Errorf("%s: network %d is %s, want %s: remove the file to begin anew", part.path, k, part.done[k], text)
			}
			continue
		}
		seen, err := c.trace(ctx, g)
		if err != nil {
			return fmt.Errorf("SubNet %s: %w", text, err)
		}
		if err := part.add(text, seen); err != nil {
			return err
		}
		c.seen = append(c.seen, seen)
		fresh++
		if c.o.Progress != nil {
			elapsed := time.Since(start)
			c.o.Progress(Progress{
				Done: k + 1, Total: len(list), Key: text, Elapsed: elapsed, Remaining: elapsed * time.Duration(len(list)-k-1) / time.Duration(fresh),
			})
		}
	}
	return nil
}

// trace measures one SubNet and tells what each of its places took.
func (c *covering) trace(ctx context.Context, g space.Genes) ([]sighting, error) {
	graph, site, node, w, err := c.placed(g)
	if err := errors.Join(err, c.clock.compiles()); err != nil {
		return nil, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	turns, runs := &turns{clock: c.clock}, c.rounds()*round
	trace, err := c.engine.Trace(ctx, graph, w, runs, turns.before)
	if err != nil {
		return nil, err
	}
	rates, err := turns.rates(runs)
	if err != nil {
		return nil, err
	}
	work, layout := map[int]*taken{}, map[int]*taken{}
	var all []*taken
	for _, k := range trace.Kernels {
		to := work
		if k.Layout {
			to = layout
		}
		s := site[node[k.Node]]
		if to[s] == nil {
			to[s] = &taken{}
			all = append(all, to[s])
		}
		to[s].add(k.Times)
	}
	clock, err := c.overhead(ctx, graph, w, all, rates)
	if err != nil {
		return nil, err
	}
	c.notice(graph, trace, func(n int) int { return site[node[n]] })
	var out []sighting
	for _, s := range c.live(g) {
		row := lut.Row{N: len(corrected(trace.Total, rates)), Elided: true}
		if t, ok := work[s]; ok {
			row = t.row(rates, clock)
		}
		if t, ok := layout[s]; ok {
			l := t.row(rates, clock)
			row.Layout = lut.Layout{N: l.N, Min: l.Min, Median: l.Median, Spread: l.Spread}
		}
		out = append(out, sighting{c.op(s, g), row})
	}
	return out, nil
}

// fewRounds are enough where runs are long: their times scatter less.
const fewRounds = 4

// rounds is how many rounds a SubNet is traced for.
func (c *covering) rounds() int {
	if c.clock.Nominal > slowReference/2 {
		return min(c.o.Rounds, fewRounds)
	}
	return c.o.Rounds
}

// plus adds times run by run.
func plus(a, b []time.Duration) []time.Duration {
	if a == nil {
		return slices.Clone(b)
	}
	for i := range a {
		a[i] += b[i]
	}
	return a
}

// fill makes rows of what was seen: the medians over places, of which the device may treat some differently.
func (c *covering) fill(t *lut.Table, ids []supernet.ID) {
	by := map[supernet.ID][]lut.Row{}
	for _, list := range c.seen {
		for _, s := range list {
			by[s.id] = append(by[s.id], s.row)
		}
	}
	for _, id := range ids {
		row := merge(by[id])
		row.Key = t.Rows[id].Key
		t.Rows[id] = row
	}
}

// merge is the row of an operator that was seen in several places.
func merge(rows []lut.Row) lut.Row {
	if len(rows) == 0 {
		return lut.Row{Failed: "no SubNet has it"}
	}
	var work, bounds []lut.Row
	out := lut.Row{}
	for _, r := range rows {
		out.N += r.N
		if !r.Elided {
			work = append(work, r)
		}
		if l := r.Layout; l.N > 0 {
			bounds = append(bounds, lut.Row{N: l.N, Min: l.Min, Median: l.Median, Spread: l.Spread})
		}
	}
	if 2*len(bounds) > len(rows) {
		l := pooled(bounds)
		out.Layout = lut.Layout{N: l.N, Min: l.Min, Median: l.Median, Spread: l.Spread}
	}
	if 2*len(work) <= len(rows) {
		out.Elided = true
		return out
	}
	p := pooled(work)
	p.Layout = out.Layout
	return p
}

// pooled is the median of medians, the least minimum and the median of spreads.
func pooled(rows []lut.Row) lut.Row {
	out := lut.Row{Min: rows[0].Min}
	var medians, spreads []time.Duration
	for _, r := range rows {
		out.N += r.N
		out.Min = min(out.Min, r.Min)
		medians, spreads = append(medians, r.Median), append(spreads, r.Spread)
	}
	out.Median, out.Spread = median(medians), median(spreads)
	return out
}

// protocol describes how a table was filled.
func protocol(rounds, contexts int) string {
	return fmt.Sprintf("inside whole SubNets, at least %d for each operator, %d rounds of %d runs in turns with the reference, less what the clock of kernels takes", contexts, rounds, round-1)
}
