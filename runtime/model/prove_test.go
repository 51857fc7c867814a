package model_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/vit"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/supernet"
)

func committed(t *testing.T, name string) *onnxfile.Model {
	t.Helper()
	needs.Clone(t)
	w, err := onnxfile.Open(filepath.Join("..", "..", "generated", "models", name+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func proof(t *testing.T, net *supernet.Net, w *onnxfile.Model) *model.Proof {
	t.Helper()
	p, err := model.NewProver(net, w, model.ProofOptions{Runner: engine.Once(embedded.New(embedded.Options{}))})
	if err != nil {
		t.Fatal(err)
	}
	return p.Run()
}

// TestCommittedPackages: packages that are right are proven. Where the width that is normalised is cut there is no reference, and the result says so.
func TestCommittedPackages(t *testing.T) {
	for _, c := range []struct {
		name   string
		net    *supernet.Net
		reason string
	}{
		{"mobilenetv2", mobilenetv2.Definition(), ""},
		{"vit", vit.Definition(), "normalised"},
	} {
		r := proof(t, c.net, committed(t, c.name))
		t.Log(c.name, ": ", r)
		if r.Status != model.Proven || r.SubNets < 8 || r.Compared < 3 {
			t.Errorf("%s: %+v", c.name, r)
		}
		if got := strings.Join(r.Reasons, " "); c.reason == "" && r.Compared < r.SubNets || !strings.Contains(got, c.reason) {
			t.Errorf("%s: %d of %d SubNets were compared, the others not because %q; want %q", c.name, r.Compared, r.SubNets, got, c.reason)
		}
	}
}

// tampered is a Builder that makes a mistake on the way.
type tampered struct {
	nn.Builder
	conv func(r nn.Conv) nn.Conv
	norm func(r nn.BatchNorm) nn.BatchNorm
}

func (b tampered) Conv(x nn.Value, r nn.Conv) nn.Value {
	if b.conv != nil {
		r = b.conv(r)
	}
	return b.Builder.Conv(x, r)
}

func (b tampered) BatchNorm(x nn.Value, r nn.BatchNorm) nn.Value {
	if b.norm != nil {
		r = b.norm(r)
	}
	return b.Builder.BatchNorm(x, r)
}

// last keeps the last positions where the first ones are to be kept.
func last(r nn.Conv) nn.Conv {
	if len(r.Weight.Picks) > 0 {
		r.Weight.Picks = slices.Clone(r.Weight.Picks)
		if k := &r.Weight.Picks[0]; len(k.Of) == 0 {
			k.From = k.Size - k.Keep
		}
	}
	return r
}

// TestMistakesAreFound: a package whose SubNets have the right shapes, counts and memory but other weights, another function or no block is wrong.
func TestMistakesAreFound(t *testing.T) {
	w := committed(t, "mobilenetv2")
	for name, c := range map[string]struct {
		build    func(genes []uint8, b nn.Builder)
		original bool // is wrong, too
	}{
		"the last channels": {func(genes []uint8, b nn.Builder) {
			mobilenetv2.Definition().Build(genes, tampered{Builder: b, conv: last})
		}, false},
		"another tensor": {func(genes []uint8, b nn.Builder) {
			mobilenetv2.Definition().Build(genes, tampered{Builder: b, norm: func(r nn.BatchNorm) nn.BatchNorm {
				r.Mean, r.Bias = r.Bias, r.Mean
				return r
			}})
		}, true},
		"another SubNet": {func(genes []uint8, b nn.Builder) {
			other := slices.Clone(genes)
			for i, c := range mobilenetv2.Definition().Choices {
				if c.Kind == "depth" {
					other[i] = 0
				}
			}
			mobilenetv2.Definition().Build(other, b)
		}, false},
	} {
		net := *mobilenetv2.Definition()
		net.Build = c.build
		r := proof(t, &net, w)
		if r.Status != model.Wrong {
			t.Errorf("%s: %v", name, r)
			continue
		}
		t.Log(name, ": ", r)
		if got := r.Wrong[0].SubNet == "original"; got != c.original {
			t.Errorf("%s: the smallest mistake is %v", name, r.Wrong[0])
		}
	}
}
