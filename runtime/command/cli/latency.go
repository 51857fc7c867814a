package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/measure/profile"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// predicting compares the latency that a table predicts of a SubNet with what its engine takes.
type predicting struct {
	table  *lut.Table
	genes  space.Genes
	engine engine.Engine // the table's
	ms     float64
}

// predicting reads the table, which must be of one of the engines.
func (c *call) predicting(path string, g space.Genes, engines []engine.Engine) (*predicting, error) {
	t, err := c.latencies(path)
	if err != nil {
		return nil, err
	}
	sum, err := t.Sum(c.net)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, e := range engines {
		if i := e.Info(); i.Name == t.Header.Engine && i.Threads == t.Header.Threads {
			return &predicting{t, g, e, float64(sum.At(g)) / 1e6}, nil
		}
	}
	return nil, usageError{fmt.Errorf("%s was measured on %s with %d threads, this is %s; give --engine %s --threads %d to compare", path, t.Header.Engine, t.Header.Threads, namesOf(engines), engineOf(t.Header), t.Header.Threads)}
}

// namesOf names engines, with their threads.
func namesOf(engines []engine.Engine) string {
	var out []string
	for _, e := range engines {
		out = append(out, fmt.Sprintf("%s with %d", e.Info().Name, e.Info().Threads))
	}
	return strings.Join(out, " and ")
}

// verifyLimit is the time that the runs of one network may take.
const verifyLimit = 20 * time.Second

// latency measures a SubNet on an engine. Where a table has a reference SubNet, runs on its engine are in turns with that one, as when the table was
// made: a machine that is busy now does not look like a wrong table.
func (c *call) latency(g *nn.Graph, w nn.Weights, e engine.Engine, runs int, p *predicting) (measured, error) {
	m := measured{Engine: e.Info().Name}
	row, err := lut.Row{}, error(nil)
	if p != nil && p.engine == e && p.table.Header.Reference != "" {
		m.Interleaved = true
		var clock *profile.Clock
		if clock, err = profile.NewClock(c.net, e, w, p.table.Header.Reference); err == nil {
			row, err = clock.Network(c.ctx, p.genes, runs, verifyLimit)
			err = errors.Join(err, clock.Close())
		}
	} else {
		row, err = profile.Network(c.ctx, g, w, e, profile.Options{Runs: runs})
	}
	m.MedianMS, m.MinMS, m.SpreadMS, m.Runs = milliseconds(row.Median), milliseconds(row.Min), milliseconds(row.Spread), row.N
	return m, err
}

// compare adds the prediction, where the table's engine took part.
func (p *predicting) compare(v *verified) {
	if p == nil {
		return
	}
	v.Predicted = &p.ms
	for _, m := range v.Engines {
		if m.Engine == p.engine.Info().Name {
			off := p.ms/m.MedianMS - 1
			v.Error = &off
			return
		}
	}
}
