package conform

import (
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/internal/needs"
)

// TestStrangers takes small models of forms that other tools write: cross attention with learned queries (ddec, detrx), and Constant nodes
// whose tensors have names of their own (namedconst), widths that no block has: of the layers of a plain network (plain3), of a squeeze (sehard), of
// an encoder and a decoder (unet, encdecpre), of parts of a Split (res2net), operators that hold extents or halves (rs_expand, wavenet, pointnet), blocks inside of a long skip (edsr), layers of dense blocks (dense),
// channels that are shuffled (shufflev1, shufflev2) or normalised in groups across the parts of a Concat (diffusionunet), parts of one stored matrix (crosspacked), depthwise weights
// behind a Reshape (dwmultiplier), embeddings that are also the head, transposed (tiedtransposed) or stored once more (tiedcopy), states of
// zeros for a call's batch and vectors of a batch (crnnbatch, keraslstm, dlrm), caches of two kinds (crosscache), half and double floats (mixerhalf, double), windows over three
// axes (video), weights that are computed (modulated), what ONNX Runtime joins of a
// Transformer (bertfused, mhamask, groupquery, moejoined),
// filters over channels (eca) and other gates (gates, swishgate), windows that are shifted (windows), recurrences that are unrolled (mamba, rwkv, convlstm, attnocr), attention without a softmax (linearattention),
// channels that a Pad adds (paddedchannels), that are shifted in time (tsm, timeshift), backwards (flips) or of which only some are read (tabnet), windows that are not square
// (longwindows), scores that a Reshape shifts (relativeshift). Their packages are written, and their SubNets are what they should be.
func TestStrangers(t *testing.T) {
	needs.Clone(t)
	needs.Time(t)
	e := runtimeEngine(t)
	files, err := filepath.Glob(filepath.Join("testdata", "strangers", "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			j := proposed(t, f)
			j.Prove = gen.ProveQuick
			if out, err := j.Run(); err != nil {
				t.Error(err)
			} else if out.Config != nil {
				t.Errorf("the proof freezes what init proposes: %v", out.Notes)
			}
			anyModel(t, e, f)
		})
	}
}
