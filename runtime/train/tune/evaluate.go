package tune

import (
	"context"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

// evaluate appends to the history: the loss, and accuracies if there are samples for them.
func (r *run) evaluate(ctx context.Context) error {
	since := r.step
	if n := len(r.history); n > 0 {
		since -= r.history[n-1].Step
	}
	v := Evaluation{Step: r.step, Loss: r.sum / float64(since)}
	r.sum = 0
	if r.Check != nil {
		if err := r.ends(ctx, &v); err != nil {
			return err
		}
	}
	r.history = append(r.history, v)
	return nil
}

// ends sets the values of the largest and the smallest SubNet.
func (r *run) ends(ctx context.Context, v *Evaluation) error {
	e := r.evaluator(r.Check)
	v.Images = r.Check.Len()
	largest, smallest := space.Ends(r.Net.Choices)
	for _, end := range []struct {
		g  space.Genes
		to *float64
	}{{largest, &v.Largest}, {smallest, &v.Smallest}} {
		n, err := e.Count(ctx, end.g)
		if err != nil {
			return err
		}
		*end.to = e.Value(n)
	}
	return nil
}

// evaluator counts with the present weights.
func (r *run) evaluator(samples data.Samples) *sensitivity.Evaluator {
	e := &sensitivity.Evaluator{
		Net: r.Net, Engine: r.Engine, Weights: r.store.weights(r.final()), Samples: samples, Task: r.Task, Original: r.Weights,
	}
	if r.Original != nil {
		e.Original = r.Original
	}
	if r.Options.Calib > 0 {
		e.Options.Calibration = r.Train.Slice(0, r.Options.Calib)
	}
	return e
}

// recalibrate sets the statistics of the original's architecture; those of SubNets are recomputed when they are exported.
func (r *run) recalibrate(ctx context.Context) error {
	_, w, err := r.evaluator(r.Train).Prepare(ctx, make(space.Genes, len(r.Net.Choices)))
	if err != nil {
		return err
	}
	fixed := averages(r.store.graph)
	for _, name := range r.store.names {
		if !fixed[name] {
			continue
		}
		t, err := nn.Fetch(w, r.store.info[name])
		if err != nil {
			return err
		}
		r.store.params[name].Value = slices.Clone(t.Float32s())
	}
	return nil
}
