package nn

import (
	"context"
	"iter"
)

// Inputs yields batches of a network's inputs, in the order of its inputs. It ends with the first error.
type Inputs = iter.Seq2[[]Tensor, error]

// Batches yields batches of the input of a model that has one; it may be ranged over more than once.
type Batches func(yield func(Tensor) bool)

// Inputs returns the batches in the form for models with any number of inputs.
func (b Batches) Inputs() Inputs {
	return func(yield func([]Tensor, error) bool) {
		b(func(x Tensor) bool { return yield([]Tensor{x}, nil) })
	}
}

// Source has inputs for any SubNet of a SuperNet: data like the training data of the model, prepared in the same way.
type Source interface {
	// Batches yields the source's data as the inputs of a network, whose names, types and shapes are those of inputs. Axes of
	// size Batch are as long as the source makes its batches; all others have the given extents, so that images, for example,
	// are resized to the SubNet's resolution. It may be ranged over more than once.
	Batches(inputs []Info) Inputs
}

// Recalibrator recomputes statistics. The embedded engine (package runtime/engine/embedded) is one.
type Recalibrator interface {
	// Recalibrate runs the batches through g with each BatchNormalization normalising by its own batch's
	// statistics (OFA, set_running_statistics), and returns w with the mean and (biased) variance parameters of g
	// replaced by the sample-weighted averages. The replacement has the SuperNet's full shape; positions outside the SubNet keep w's values.
	// seen, unless it is nil, is called with the outputs for each batch under this normalisation. They are valid until it returns.
	Recalibrate(ctx context.Context, g *Graph, w Weights, data Inputs, seen func([]Tensor)) (Weights, error)
}

// owned are weights with the name of the SubNet to which their statistics belong.
type owned struct {
	Weights
	owner string
}

// Base returns the weights without that name.
func (o owned) Base() Weights { return o.Weights }

// WithOwner returns w marked as having the statistics of owner, see package supernet.
func WithOwner(w Weights, owner string) Weights { return owned{w, owner} }

// Owner returns whose statistics w has, "" where nobody has marked it.
func Owner(w Weights) string {
	for {
		switch x := w.(type) {
		case owned:
			return x.owner
		case interface{ Base() Weights }:
			w = x.Base()
		default:
			return ""
		}
	}
}
