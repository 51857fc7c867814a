package conform

import (
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/nn"
)

// maskedRows is a network whose mask leaves out elements of a Softmax where it is true: with ones in it, no result is a number.
func maskedRows(t *testing.T) string {
	r := newRaw(13)
	r.input("x", "N", 6, 16)
	r.g.Input = append(r.g.Input, info("mask", 9, "N", 1, 1))
	h := r.node("Relu", "h", []string{r.node("MatMul", "up", []string{"x", r.weight("up.w", 16, 32)})})
	y := r.node("MatMul", "down", []string{h, r.weight("down.w", 32, 16)})
	low := &onnxpb.TensorProto{Name: proto.String("low"), DataType: proto.Int32(1), FloatData: []float32{float32(math.Inf(-1))}}
	r.g.Initializer = append(r.g.Initializer, low)
	r.node("Softmax", "y", []string{r.node("Where", "kept", []string{"mask", "low", y})}, attrInt("axis", -1))
	r.output("y", "N", 6, 16)
	return r.write(t)
}

// TestProofTriesMasks: results that are no numbers prove nothing. A SubNet that computes something else is found with another mask.
func TestProofTriesMasks(t *testing.T) {
	_, p, w := opened(t, maskedRows(t))
	run := engine.Once(embedded.New(embedded.Options{Threads: 1}))
	wrong := func(g *nn.Graph, w nn.Weights, in []nn.Tensor) ([]nn.Tensor, error) {
		out, err := run(g, w, in)
		for k := range out {
			numbers := out[k].Float32s()
			for i := range numbers {
				numbers[i] *= 2
			}
			out[k] = nn.FromFloat32s(out[k].Shape, numbers)
		}
		return out, err
	}
	for name, c := range map[string]struct {
		runner model.Runner
		want   model.Status
	}{"right": {run, model.Proven}, "wrong": {wrong, model.Wrong}} {
		prover, err := model.NewProver(p.Net(), w, model.ProofOptions{Runner: c.runner, Reference: run})
		if err != nil {
			t.Fatal(err)
		}
		if got := prover.Run(); got.Status != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// steepWaves is a network that makes much of the last bits of its weights.
func steepWaves(t *testing.T) string {
	r := newRaw(13)
	r.input("x", "N", 16)
	h := r.node("MatMul", "up", []string{"x", r.weight("up.w", 16, 32)})
	for k, name := range []string{"first", "second"} {
		h = r.node("Sin", name, []string{r.node("Mul", name+".steep", []string{h, r.scalar(name+".k", 600)})})
		if k == 0 {
			h = r.node("MatMul", "mix", []string{h, r.weight("mix.w", 32, 32)})
		}
	}
	r.node("MatMul", "y", []string{h, r.weight("down.w", 32, 16)})
	r.output("y", "N", 16)
	return r.write(t)
}

// TestProofKnowsRounding: a SubNet that is as far from its reference as rounding may bring it is not wrong, one that is farther is.
func TestProofKnowsRounding(t *testing.T) {
	_, p, w := opened(t, steepWaves(t))
	run := engine.Once(embedded.New(embedded.Options{Threads: 1}))
	by := func(factor float32) model.Runner {
		return func(g *nn.Graph, w nn.Weights, in []nn.Tensor) ([]nn.Tensor, error) {
			in = slices.Clone(in)
			for k := range in {
				numbers := in[k].Float32s()
				for i := range numbers {
					numbers[i] *= factor
				}
				in[k] = nn.FromFloat32s(in[k].Shape, numbers)
			}
			return run(g, w, in)
		}
	}
	for factor, want := range map[float32]model.Status{1 + 1e-7: model.NotProven, 1.01: model.Wrong} {
		prover, err := model.NewProver(p.Net(), w, model.ProofOptions{Runner: by(factor), Reference: run})
		if err != nil {
			t.Fatal(err)
		}
		if got := prover.Run(); got.Status != want {
			t.Errorf("inputs times %v: %v", factor, got)
		}
	}
}
