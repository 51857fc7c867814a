package profile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Meter measures energy.
type Meter interface {
	// Measure calls run and returns the millijoules that the device took meanwhile.
	Measure(run func() error) (float64, error)
	// Window is how long run should take for the meter to resolve it.
	Window() time.Duration
}

// meter runs the measured operators of rows once more, each for as long as the meter needs, and stores the energy of a run.
// Devices elsewhere tell their energy themselves.
func meter(ctx context.Context, net *supernet.Net, e engine.Engine, ids []supernet.ID, rows []lut.Row, o Options) error {
	if _, elsewhere := e.(engine.Measurer); o.Meter == nil || elsewhere {
		return nil
	}
	for k, id := range ids {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !rows[k].Measured() {
			continue
		}
		p, err := newProbe(net, id, e, o)
		if err != nil {
			return err
		}
		energy, err := p.energy(o.Meter)
		if err = errors.Join(err, p.session.Close()); err != nil {
			return fmt.Errorf("energy of operator %q: %w", net.Ops[id].Key(), err)
		}
		rows[k].Energy = nanojoules(energy)
	}
	return nil
}

// energy returns the millijoules of a run.
func (p *probe) energy(m Meter) (float64, error) {
	runs := 0
	total, err := m.Measure(func() error {
		for start := time.Now(); runs == 0 || time.Since(start) < m.Window(); runs++ {
			if _, err := p.session.Run(p.in...); err != nil {
				return err
			}
		}
		return nil
	})
	return total / float64(runs), err
}

// nanojoules rounds millijoules up, since 0 means that the energy is not known.
func nanojoules(mJ float64) int64 { return int64(math.Ceil(1e6 * mJ)) }
