package tune

import (
	"context"
	"time"

	"github.com/autotailor/autotailor/runtime/space"
)

// Trial is what two steps tell about a run.
type Trial struct {
	Step       time.Duration // that the second one took
	SubNets    []space.Genes // of the first one
	Tensors    int           // that are trained
	Numbers    int
	Checkpoint int // bytes
}

// Try trains two steps and forgets them.
func (t *Tuner) Try(ctx context.Context) (*Trial, error) {
	r, err := t.start()
	if err != nil {
		return nil, err
	}
	defer r.close()
	r.Check = nil
	out := &Trial{SubNets: r.sampler.Step(0), Tensors: len(r.store.trains)}
	for _, name := range r.store.trains {
		out.Numbers += len(r.store.params[name].Value)
	}
	r.state.tensors(func(v []float32) { out.Checkpoint += 4 * len(v) })
	for range 2 {
		start := time.Now()
		if _, err := r.train(ctx); err != nil {
			return nil, err
		}
		out.Step = time.Since(start)
	}
	return out, nil
}
