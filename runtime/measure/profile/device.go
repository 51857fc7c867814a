package profile

import (
	"context"
	"errors"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// takeFrom measures a few operators on a device. When the device is lost, the rows that it had measured come with the error.
func takeFrom(ctx context.Context, net *supernet.Net, m engine.Measurer, ids []supernet.ID, o Options) ([]lut.Row, error) {
	rows := make([]lut.Row, len(ids))
	var jobs []engine.Job
	var row []int // of each job
	for k, id := range ids {
		g, err := net.Alone(id)
		if err != nil {
			rows[k].Failed = err.Error()
			continue
		}
		jobs, row = append(jobs, job(g, weightsOf(g, noise{}), o)), append(row, k)
	}
	err := m.Measure(ctx, jobs, func(i int, got engine.Measurement) { rows[row[i]] = rowOf(got) })
	return rows, err
}

// networkFrom is Network on a device.
func networkFrom(ctx context.Context, g *nn.Graph, w nn.Weights, m engine.Measurer, o Options) (lut.Row, error) {
	var row lut.Row
	if err := m.Measure(ctx, []engine.Job{job(g, w, o)}, func(_ int, got engine.Measurement) { row = rowOf(got) }); err != nil {
		return lut.Row{}, err
	}
	if row.Failed != "" {
		return lut.Row{}, errors.New(row.Failed)
	}
	return row, nil
}

func job(g *nn.Graph, w nn.Weights, o Options) engine.Job {
	return engine.Job{Graph: g, Weights: w, Warmup: o.Warmup, Runs: o.Runs, Limit: o.MaxPerOp}
}

func rowOf(m engine.Measurement) lut.Row {
	switch {
	case m.Failed != "":
		return lut.Row{Failed: m.Failed}
	case len(m.Times) == 0:
		return lut.Row{Failed: "the device reported no times"}
	}
	row := summary(m.Times)
	row.Energy = nanojoules(m.Energy)
	return row
}
