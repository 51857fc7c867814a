package profile

import (
	"context"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Estimate tells what Run would do.
type Estimate struct {
	Method    string
	Operators int           // to be measured
	Networks  int           // covering SubNets that have them, 0 when they are measured alone
	Time      time.Duration // from a sample
}

// Predict estimates a run with the same arguments. It measures a sample, and stores nothing.
func Predict(ctx context.Context, net *supernet.Net, e engine.Engine, path string, o Options) (Estimate, error) {
	o = o.withDefaults()
	t, err := begun(net, e, path, o)
	if err != nil {
		return Estimate{}, err
	}
	ids, err := t.Missing(net)
	out := Estimate{Method: o.method(e), Operators: len(ids)}
	if err != nil || len(ids) == 0 {
		return out, err
	}
	tracer, ok := e.(engine.Tracer)
	start := time.Now()
	switch {
	case ok && out.Method == lut.Covering:
		p, err := placesOf(net, t.Header.Rules)
		if err != nil {
			return out, err
		}
		c := &covering{places: p, engine: tracer, o: o, joined: map[string]int{}}
		if c.clock, err = NewClock(net, e, o.Weights, t.Header.Reference); err != nil {
			return out, err
		}
		defer c.clock.Close()
		contexts, each, err := c.plan(ctx, ids)
		if err != nil {
			return out, err
		}
		out.Networks = len(c.design(ids, contexts))
		out.Time = each * time.Duration(out.Networks+calibrationNetworks)
	default:
		sample := ids[:min(together, len(ids))]
		if len(ids) > together { // spread, since neighbours in the table are alike
			for k := range sample {
				sample[k] = ids[k*(len(ids)-1)/(together-1)]
			}
		}
		if _, err := take(ctx, net, e, sample, o); err != nil {
			return out, err
		}
		out.Time = time.Since(start) * time.Duration(len(ids)) / time.Duration(len(sample))
	}
	return out, nil
}

// Limits of what a plan decides on itself.
const (
	plenties = 6                 // SubNets for each operator are enough
	patience = 500 * time.Second // more than one for each operator should not take longer
)

// plan decides in how many SubNets to measure each operator, from how long two of them take each.
func (c *covering) plan(ctx context.Context, ids []supernet.ID) (contexts int, each time.Duration, err error) {
	list := c.design(ids, 1)
	if len(list) == 0 {
		return 1, 0, nil
	}
	start := time.Now()
	const samples = 2
	for k := range samples {
		if _, err := c.trace(ctx, list[k*(len(list)-1)/samples]); err != nil {
			return 0, 0, err
		}
	}
	clear(c.joined)
	each = time.Since(start) / samples
	if contexts = c.o.Contexts; contexts < 1 {
		contexts = min(max(int(patience/(each*time.Duration(len(list)))), 1), plenties)
	}
	return contexts, each, nil
}
