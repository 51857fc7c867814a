package op

import (
	"errors"

	"github.com/autotailor/autotailor/ir"
)

// Refused returns a NodeError for each node that means something which no SubNet could keep: a BatchNormalization in training form has the
// statistics of the batch at hand, and says how those of the past change.
func Refused(g *ir.Graph) error {
	var errs []*NodeError
	for _, n := range g.Nodes {
		if n.Op != "BatchNormalization" || n.Domain != "" {
			continue
		}
		statistics := false
		for _, id := range n.Out[1:] {
			statistics = statistics || id != 0
		}
		if statistics || n.Int("training_mode", 0) != 0 {
			errs = append(errs, &NodeError{n, errors.New("it is in training form, and normalises by the statistics of the batch at hand; export the model for inference (in PyTorch model.eval() and training=TrainingMode.EVAL)")})
		}
	}
	return together(errs)
}
