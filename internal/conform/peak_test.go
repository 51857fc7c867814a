package conform

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestPeakMemoryIsABound: what a package predicts of a SubNet's activations is at least what its network has, and exactly that when the SubNet keeps all
// blocks. Without blocks it may be more: a removed block's operand that is read later, too, is counted beside the block's result, which is the same
// then, and what removed blocks alone read counts until they would have read it.
func TestPeakMemoryIsABound(t *testing.T) {
	needs.Clone(t)
	needs.Time(t)
	files, err := filepath.Glob(filepath.Join("testdata", "strangers", "*.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		_, p, _ := opened(t, f)
		peak, err := definition(t, p).Peak()
		if err != nil {
			t.Fatal(err)
		}
		choices, rng := p.Space(), rand.New(rand.NewPCG(39, 39))
		most, inexact := 1.0, 0
		for range 40 {
			genes := space.Random(choices, rng)
			g, _ := described(t, p, genes)
			says, has := peak.Activations.At(genes), worst(g)
			whole := true
			for i, c := range choices {
				whole = whole && (c.Kind != "depth" || genes[i] == 0)
			}
			if says < has || whole && says != has {
				t.Errorf("%s, %s: %d bytes are predicted, the network has %d", filepath.Base(f), space.Format(choices, genes), says, has)
			}
			if says > has {
				inexact++
			}
			most = max(most, float64(says)/float64(has))
		}
		if inexact > 0 {
			t.Logf("%s: %d of 40 predictions are above, by %.1f %% at most", filepath.Base(f), inexact, 100*(most-1))
		}
	}
}
