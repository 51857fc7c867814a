package conform

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestOpenBatch: an export whose batch is open computes for three images what it computes for each.
func TestOpenBatch(t *testing.T) {
	needs.Time(t)
	e := runtimeEngine(t)
	for _, f := range modelFiles(t) {
		t.Run(filepath.Base(f), func(t *testing.T) {
			c, p, w := opened(t, f)
			g, in := described(t, p, make(space.Genes, len(choicesOf(c))))
			x := in[0]
			if g.Values[g.Inputs[0]].Shape[0] != nn.Batch {
				t.Skip("the model has a batch of one")
			}
			path := filepath.Join(t.TempDir(), "open.onnx")
			exportGraph(t, path, g, w)
			one := evaluate(t, e, path, x)
			three := evaluate(t, e, path, nn.Tensor{Type: x.Type, Shape: append(nn.Shape{3}, x.Shape[1:]...), Raw: slices.Repeat(x.Raw, 3)})
			for k := range 3 {
				if d := distance(one, three[k*len(one):(k+1)*len(one)]); d > sameAsOriginal {
					t.Errorf("image %d is %g from what it is alone", k, d)
				}
			}
		})
	}
}
