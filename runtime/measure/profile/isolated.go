package profile

import (
	"context"
	"errors"
	"time"

	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// runIsolated fills a table by measuring each operator alone. An engine that tells what its kernels take is measured by that clock, without
// the costs of a session, and interleaved with the reference; then the table is calibrated.
func runIsolated(ctx context.Context, net *supernet.Net, e engine.Engine, path string, o Options) (*lut.Table, error) {
	h := Header(net, e, o)
	tracer, ok := e.(engine.Tracer)
	var clock *Clock
	if ok {
		var err error
		if clock, err = NewClock(net, e, o.Weights, referenceOf(path)); err != nil {
			return nil, err
		}
		defer clock.Close()
		h.Reference = clock.Header()
	}
	j, t, err := lut.OpenJournal(path, net, h)
	if err != nil {
		return nil, err
	}
	if o.From != nil {
		if err := adopt(j, t, net, o.From, h); err != nil {
			return nil, errors.Join(err, j.Close())
		}
	}
	missing, err := t.Missing(net)
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	measured := func(ids []supernet.ID) ([]lut.Row, error) { return take(ctx, net, e, ids, o) }
	if ok {
		measured = func(ids []supernet.ID) ([]lut.Row, error) { return takeTraced(ctx, net, tracer, clock, ids, o) }
	}
	err = measure(ctx, net, e, j, missing, o, measured)
	if err := errors.Join(err, j.Close()); err != nil {
		return t, err
	}
	if _, err := t.Sum(net); ok && err == nil { // failed rows are the caller's to see
		if err := calibrate(ctx, t, clock, 0); err != nil {
			return t, err
		}
	}
	return t, t.WriteFile(path)
}

// referenceOf is the reference of a measurement that was begun, "" when there is none.
func referenceOf(path string) string {
	f, err := infile.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	t, err := lut.Parse(f)
	if err != nil {
		return ""
	}
	return t.Header.Reference
}

// adopt stores the rows that an older table has.
func adopt(j *lut.Journal, t *lut.Table, net *supernet.Net, from *lut.Table, h lut.Header) error {
	if err := SameDevice(from.Header, h); err != nil {
		return err
	}
	old, _ := lut.Migrate(from, net)
	for id, r := range old.Rows {
		if r.Measured() && !t.Rows[id].Measured() {
			if err := j.Add(supernet.ID(id), r); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeTraced measures a few operators, each as a network of its own, by the engine's clock of kernels. Changes of layout at its borders do not
// count: inside a network its neighbours have its layout, as far as this method can know.
func takeTraced(ctx context.Context, net *supernet.Net, e engine.Tracer, c *Clock, ids []supernet.ID, o Options) ([]lut.Row, error) {
	rows, samples := make([]lut.Row, len(ids)), make([][]time.Duration, len(ids))
	from, err := c.tick()
	if err != nil {
		return nil, err
	}
	for k, id := range ids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if samples[k], err = alone(ctx, net, id, e, o); err != nil {
			rows[k].Failed = err.Error()
		} else if samples[k] == nil {
			rows[k] = lut.Row{N: o.Runs, Elided: true}
		}
	}
	to, err := c.tick()
	if err != nil {
		return nil, err
	}
	rate := 2 * float64(c.Nominal) / float64(max(from+to, 1))
	for k := range ids {
		if samples[k] != nil && rows[k].Failed == "" {
			for i := range samples[k] {
				samples[k][i] = time.Duration(float64(samples[k][i]) * rate)
			}
			rows[k] = summary(samples[k])
		}
	}
	return rows, nil
}

// alone runs operator id as a network of its own and tells what its kernels took.
func alone(ctx context.Context, net *supernet.Net, id supernet.ID, e engine.Tracer, o Options) ([]time.Duration, error) {
	g, err := net.Alone(id)
	if err != nil || len(g.Inputs) == 0 { // of parameters alone: engines that trace compute it once, before the first run
		return nil, err
	}
	w, err := standIns(g, nil)
	if err != nil {
		return nil, err
	}
	t, err := e.Trace(ctx, g, w, o.Warmup+o.Runs, func(int) error { return nil })
	if err != nil {
		return nil, err
	}
	var out []time.Duration
	for _, k := range t.Kernels {
		if !k.Layout {
			out = plus(out, k.Times[o.Warmup:])
		}
	}
	return out, nil
}
