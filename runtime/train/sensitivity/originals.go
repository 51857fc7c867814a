package sensitivity

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// originals are what the original computes for all batches. They are kept where there is memory for them, else computed again for each SubNet.
type originals struct {
	graph   *nn.Graph
	weights nn.Weights // with statistics from the same samples as those of SubNets
	samples int        // of the evaluator when they were computed
	list    [][]nn.Tensor
}

// outputs yields what the original computes for each batch, nothing where the task does not compare with it. Its outputs are those that the network of g
// has, in its order; one that the original lacks is the zero Tensor.
func (e *Evaluator) outputs(ctx context.Context, g *nn.Graph) (iter.Seq2[[]nn.Tensor, error], error) {
	if !e.Task.Or().Original {
		return func(yield func([]nn.Tensor, error) bool) {
			for yield(nil, nil) {
			}
		}, nil
	}
	if err := e.compute(ctx); err != nil {
		return nil, fmt.Errorf("%s: the original: %w", e.Net.Package, err)
	}
	o := e.original
	ordered := func(list []nn.Tensor) []nn.Tensor { return data.Aligned(list, o.graph, g) }
	return func(yield func([]nn.Tensor, error) bool) {
		if o.list != nil {
			for _, t := range o.list {
				if !yield(ordered(t), nil) {
					return
				}
			}
			return
		}
		done := errors.New("done")
		err := e.run(ctx, o.graph, o.weights, e.batches(e.Samples, o.graph), func(out []nn.Tensor) error {
			if !yield(ordered(out), nil) {
				return done
			}
			return nil
		})
		if err != nil && !errors.Is(err, done) {
			yield(nil, err)
		}
	}, nil
}

func (e *Evaluator) originalWeights() nn.Weights {
	if e.Original != nil {
		return e.Original
	}
	return e.Weights
}

// compute runs the original on all samples, unless that has been done.
func (e *Evaluator) compute(ctx context.Context) error {
	if e.original != nil && e.original.samples == e.Samples.Len() {
		return nil
	}
	g, err := e.record(make(space.Genes, len(e.Net.Choices)))
	if err != nil {
		return err
	}
	w, err := e.recalibrate(ctx, g, e.originalWeights(), e.calibration(g), nil)
	if err != nil {
		return err
	}
	e.original = &originals{graph: g, weights: w, samples: e.Samples.Len()}
	left := cmp.Or(e.Options.Keep, 1<<30)
	tooMany := errors.New("too many")
	list := [][]nn.Tensor{}
	err = e.run(ctx, g, w, e.batches(e.Samples, g), func(out []nn.Tensor) error {
		own := make([]nn.Tensor, len(out))
		for k, t := range out {
			if left -= len(t.Raw); left < 0 {
				return tooMany
			}
			own[k] = nn.Tensor{Type: t.Type, Shape: slices.Clone(t.Shape), Raw: bytes.Clone(t.Raw)}
		}
		list = append(list, own)
		return nil
	})
	if errors.Is(err, tooMany) {
		return nil
	}
	if err == nil {
		e.original.list = list
	}
	return err
}
