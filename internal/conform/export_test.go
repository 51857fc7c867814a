package conform

import (
	"bytes"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/generated/convnext"
	"github.com/autotailor/autotailor/generated/levit"
	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/mobilenetv3"
	proxylessnet "github.com/autotailor/autotailor/generated/proxyless"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/generated/vit"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// How far an export may be from the original, and a SubNet from the masked reference: relative L2.
const (
	sameAsOriginal  = 1e-5
	sameAsReference = 1e-4
)

// randomSubNets is the number of random SubNets that are compared for each model.
const randomSubNets = 50

// runtimeEngine returns ONNX Runtime, or skips the test.
func runtimeEngine(t testing.TB) *ort.Engine {
	t.Helper()
	return runtimeOn(t, 2)
}

// runtimeOn is the runtime on a number of threads.
func runtimeOn(t testing.TB, threads int) *ort.Engine {
	t.Helper()
	lib, err := ort.Find()
	if err != nil {
		t.Skip("ONNX Runtime is the oracle of this test: ", err)
	}
	e, err := ort.New(lib, ort.Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// image is a random input.
func image(channels, side int) nn.Tensor {
	rng := rand.New(rand.NewPCG(3, uint64(side)))
	data := make([]float32, channels*side*side)
	for i := range data {
		data[i] = float32(rng.NormFloat64())
	}
	return nn.FromFloat32s(nn.Shape{1, channels, side, side}, data)
}

// evaluate runs an ONNX file and returns all its outputs one after the other.
func evaluate(t *testing.T, e *ort.Engine, path string, in ...nn.Tensor) []float32 {
	t.Helper()
	s, err := e.OpenModel(path)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(in...)
	if err != nil {
		t.Fatal(err)
	}
	var result []float32
	for _, o := range out {
		result = append(result, o.Float32s()...)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return result
}

// distance is the relative L2 distance of b from a.
func distance(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	var diff, norm float64
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		diff += d * d
		norm += float64(a[i]) * float64(a[i])
	}
	return math.Sqrt(diff / max(norm, 1e-30))
}

// small is a committed package.
type small struct {
	name   string
	net    *supernet.Net
	family family
	export func(text string, dst io.Writer, w nn.Weights) error
}

func smalls() []small {
	return []small{
		{"convnext", convnext.Definition(), smallConvNeXt, exporterOf(convnext.ParseSubNet)},
		{"levit", levit.Definition(), family{}, exporterOf(levit.ParseSubNet)},
		{"mobilenetv2", mobilenetv2.Definition(), smallMobileNetV2, exporterOf(mobilenetv2.ParseSubNet)},
		{"mobilenetv3", mobilenetv3.Definition(), smallMobileNetV3, exporterOf(mobilenetv3.ParseSubNet)},
		{"proxyless", proxylessnet.Definition(), smallProxyless, exporterOf(proxylessnet.ParseSubNet)},
		{"resnet50", resnet50.Definition(), smallResNet50, exporterOf(resnet50.ParseSubNet)},
		{"vit", vit.Definition(), smallViT, exporterOf(vit.ParseSubNet)},
	}
}

// exporterOf is the typed export of a package, by text, with the model's statistics, as references have them.
func exporterOf[S interface {
	ExportONNX(dst io.Writer, w nn.Weights, o model.ExportOptions) error
}](parse func(text string) (S, error)) func(text string, dst io.Writer, w nn.Weights) error {
	return func(text string, dst io.Writer, w nn.Weights) error {
		s, err := parse(text)
		if err != nil {
			return err
		}
		return s.ExportONNX(dst, w, model.ExportOptions{NoRecalibration: true})
	}
}

func modelPath(name string) string {
	return filepath.Join("..", "..", "generated", "models", name+".onnx")
}

// TestExportsOfCommittedPackages: the largest SubNet is the original, random ones are the masked original, in ONNX Runtime;
// the embedded engine computes the same.
func TestExportsOfCommittedPackages(t *testing.T) {
	needs.Time(t)
	e := runtimeEngine(t)
	for _, p := range smalls() {
		t.Run(p.name, func(t *testing.T) {
			w, err := onnxfile.Open(modelPath(p.name))
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(7, 7))
			worst, worstEngine := 0.0, 0.0
			for k := range randomSubNets + 1 {
				genes := make(space.Genes, len(p.net.Choices))
				bound := sameAsOriginal
				if k > 0 {
					genes, bound = p.family.random(p.net.Choices, rng), sameAsReference
				}
				text := space.Format(p.net.Choices, genes)
				s := parseSetting(t, text)
				in := image(1, int(s.get("resolution", 32)))
				var model bytes.Buffer
				if err := p.export(text, &model, w); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				path := filepath.Join(t.TempDir(), "subnet.onnx")
				if err := os.WriteFile(path, model.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
				got := evaluate(t, e, path, in)
				want := got
				if k == 0 || p.family.apply != nil {
					want = evaluate(t, e, p.family.reference(t, modelPath(p.name), s), in)
				}
				d := distance(want, got)
				if worst = max(worst, d); d > bound {
					t.Errorf("%s: the export is %g from the reference", text, d)
				}
				d = distance(want, embeddedRun(t, p.net, genes, w, in))
				if worstEngine = max(worstEngine, d); d > sameAsReference {
					t.Errorf("%s: the embedded engine is %g from the reference", text, d)
				}
			}
			t.Logf("%d SubNets: exports at most %.2g from the reference, the embedded engine %.2g", randomSubNets+1, worst, worstEngine)
		})
	}
}

// random draws a SubNet that the reference can stand for.
func (f family) random(cs []space.Choice, rng *rand.Rand) space.Genes {
	g := space.Random(cs, rng)
	for i, c := range cs {
		if slices.Contains(f.fixed, c.Kind) {
			g[i] = 0
		}
	}
	space.Canonical(cs, g)
	return g
}

// reference writes the masked original and returns its path. For the original setting that is the original itself.
func (f family) reference(t *testing.T, model string, s setting) string {
	t.Helper()
	if len(s) == 0 {
		return model
	}
	r := openReference(t, model)
	f.apply(f, r, s)
	if side, ok := s["resolution"]; ok {
		r.resize(int(side))
	}
	return r.write()
}

func embeddedRun(t *testing.T, net *supernet.Net, genes space.Genes, w nn.Weights, in nn.Tensor) []float32 {
	t.Helper()
	g, err := net.Record(genes)
	if err != nil {
		t.Fatal(err)
	}
	s, err := embedded.New(embedded.Options{}).Compile(g, w)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	return append([]float32(nil), out[0].Float32s()...)
}
