package tune_test

import (
	"slices"
	"testing"

	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/gorgonia"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/train/tune"
)

// checked compares the gradients of e with Gorgonia's on the small network.
func checked(t *testing.T, c tune.GradientCheck) *tune.GradientReport {
	t.Helper()
	c.Against, c.SubNets, c.Batch, c.Seed, c.Transforms = gorgonia.New(gorgonia.Options{}), max(c.SubNets, 1), 4, 1, true
	r, err := c.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// biased is a trainer whose gradients with respect to one tensor are a hundredth too large.
type biased struct {
	engine.Trainer
	tensor string
}

func (b biased) Train(g *nn.Graph, p engine.Params) (engine.Training, error) {
	t, err := b.Trainer.Train(g, p)
	return biasedTraining{t, p[b.tensor]}, err
}

type biasedTraining struct {
	engine.Training
	wrong *engine.Trainable
}

func (b biasedTraining) Backward(grads ...nn.Tensor) error {
	err := b.Training.Backward(grads...)
	for i := range b.wrong.Grad {
		b.wrong.Grad[i] *= 1.01
	}
	return err
}

// TestGradientCheck: gradients agree, in every SubNet that is drawn, and a small mistake in one tensor is found and named.
func TestGradientCheck(t *testing.T) {
	needs.Time(t)
	net := small()
	right := embedded.New(embedded.Options{Threads: 1})
	r := checked(t, tune.GradientCheck{Net: net, Weights: weights(), Engine: right, Parameters: 100, SubNets: 4})
	if !r.Agrees || r.Compared != 100 || len(r.SubNets) != 4 || len(r.Skipped)+len(r.Lacking) != 0 || r.Largest.Relative > 1e-4 {
		t.Errorf("%+v, largest %+v", r, r.Largest)
	}
	r = checked(t, tune.GradientCheck{Net: net, Weights: weights(), Engine: biased{right, "b.w"}, Parameters: 100})
	if r.Agrees || r.Largest.Tensor != "b.w" {
		t.Errorf("a wrong gradient is not found: %+v, largest %+v", r, r.Largest)
	}
}

// TestGradientsOfFamilies: what Gorgonia lacks is named, and everything around it is compared. The other families take minutes; `tune
// --check-gradients` does the same.
func TestGradientsOfFamilies(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	lacks := map[string][]string{"convnext": {"Gelu"}, "vit": {"Gelu"}, "levit": nil}
	for _, net := range families.All() {
		want, ok := lacks[net.Package]
		if !ok {
			continue
		}
		r := checked(t, tune.GradientCheck{Net: net, Weights: families.Model(t, net), Engine: embedded.New(embedded.Options{}), Parameters: 60})
		var lacking []string
		for _, l := range r.Lacking {
			lacking = append(lacking, l.Operator)
		}
		if !r.Agrees || r.Compared != 60 || !slices.Equal(lacking, want) {
			t.Errorf("%s: %+v, largest %+v", net.Package, r, r.Largest)
		}
	}
}
