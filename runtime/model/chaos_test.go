package model_test

import (
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnx/attack"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
)

// FuzzExport exports SubNets with weights from models that were changed: a file, or an error. `make chaos` runs 10,000.
func FuzzExport(f *testing.F) {
	needs.Clone(f)
	text, err := os.ReadFile("../../generated/models/mobilenetv2.onnx")
	if err != nil {
		f.Fatal(err)
	}
	for i := range 10 {
		f.Add(uint64(i))
	}
	net := mobilenetv2.Definition()
	f.Fuzz(func(t *testing.T, draw uint64) {
		rng := rand.New(rand.NewPCG(draw, 1))
		w, err := onnxfile.Parse(attack.Mutate(text, rng))
		if err != nil {
			return
		}
		_ = net.Fits(w) // the command stops here, Go programs need not ask
		g := make(space.Genes, len(net.Choices))
		for i, c := range net.Choices {
			g[i] = uint8(rng.IntN(len(c.Values)))
		}
		space.Canonical(net.Choices, g)
		_ = model.ExportONNX(io.Discard, net, g, w, model.ExportOptions{NoRecalibration: true, Half: draw%2 == 0})
	})
}
