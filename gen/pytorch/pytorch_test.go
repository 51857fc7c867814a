package pytorch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/gen/pytorch"
	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/torch"
	ir "github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/testgraph"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
	"github.com/autotailor/autotailor/runtime/train/tune"
)

var transform = data.Transform{Pad: 2, Mean: []float32{0.2860}, Std: []float32{0.3530}}

const images = "../../generated/data/fashion-mnist"

// emit writes the PyTorch package of a family into a new folder.
func emit(t *testing.T, family string) string {
	t.Helper()
	dir := t.TempDir()
	out, err := gen.Job{Config: filepath.Join("../../generated", family, "autotailor.toml"), Torch: filepath.Join(dir, "torch"), Out: dir}.Run()
	if err != nil {
		t.Fatal(err)
	}
	changes, err := out.Changes()
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Write(changes); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "torch")
}

func model(family string) string { return filepath.Join("../../generated/models", family+".onnx") }

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs a Python program within the package's folder, with one thread.
func run(t *testing.T, dir, stdin string, args ...string) ([]byte, error) {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+dir, "PYTHONDONTWRITEBYTECODE=1", "OMP_NUM_THREADS=1")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, exit.Stderr)
	}
	return out, err
}

// result is what agree.py prints.
type result struct {
	Digest, Images string
	Outputs        [][2][]float64 // of each SubNet: with stored statistics, and with recalibrated ones
	Draws, Texts   []string
	Sorted         float64 // how far sorting channels moved the original's outputs
	Groups         int
	Moved          bool
}

// TestFamilies: PyTorch and the embedded engine compute the same on the same images and SubNets, at all resolutions, with statistics as
// stored and recomputed; both draw the same SubNets; a file that is written back is the same bytes; sorting changes no result.
func TestFamilies(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t)
	script := absolute(t, "testdata/agree.py")
	for _, net := range families.All() {
		t.Run(net.Package, func(t *testing.T) {
			dir := emit(t, net.Package)
			rng := rand.New(rand.NewPCG(1, uint64(len(net.Choices))))
			largest, smallest := space.Ends(net.Choices)
			subnets := []space.Genes{largest, smallest}
			for range 4 {
				subnets = append(subnets, space.Random(net.Choices, rng))
			}
			var texts []string
			for _, g := range subnets {
				texts = append(texts, space.Format(net.Choices, g))
			}
			source, written := transformed(t, dir, net, rng), filepath.Join(dir, "written.onnx")
			out, err := run(t, dir, strings.Join(texts, "\n"), py, script, net.Package, absolute(t, source), absolute(t, images), written)
			if err != nil {
				t.Fatal(err)
			}
			var got result
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			compare(t, net, source, subnets, got)
			if got.Digest != supernet.SpaceDigest(net) || !slices.Equal(got.Texts, texts) {
				t.Errorf("digest %s, texts %q; want %s, %q", got.Digest, got.Texts, supernet.SpaceDigest(net), texts)
			}
			if want := draws(t, net.Choices); !slices.Equal(got.Draws, want) {
				t.Errorf("PyTorch draws\n%s\nwant\n%s", strings.Join(got.Draws, "\n"), strings.Join(want, "\n"))
			}
			if !got.Moved || got.Sorted > 1e-4 || got.Groups != len(net.Groups) {
				t.Errorf("sorting %d groups (want %d): moved %t, outputs by %g", got.Groups, len(net.Groups), got.Moved, got.Sorted)
			}
			if !bytes.Equal(read(t, written), read(t, source)) {
				t.Error("a file that is written back differs")
			}
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// draws are what the Go sampler draws for agree.py's plans.
func draws(t *testing.T, cs []space.Choice) []string {
	t.Helper()
	var out []string
	for _, strategy := range tune.Strategies() {
		for _, one := range []bool{false, true} {
			s, err := tune.NewSampler(cs, tune.Plan{Strategy: strategy, Seed: 11, Steps: 40, PerStep: 4, OneSide: one})
			if err != nil {
				t.Fatal(err)
			}
			for step := 0; step < 40; step += 5 {
				for _, g := range s.Step(step) {
					out = append(out, fmt.Sprintf("%s %t %d %s", strategy, one, step, space.Format(cs, g)))
				}
			}
		}
	}
	return out
}

// transformed is the model of net, with kernel transforms of every other smaller window where kernels are elastic.
func transformed(t *testing.T, dir string, net *supernet.Net, rng *rand.Rand) string {
	t.Helper()
	transforms := map[string]nn.Tensor{}
	windows, err := net.Windows()
	if err != nil {
		t.Fatal(err)
	}
	for k, p := range windows {
		w, _ := p.Window()
		if k%2 == 1 {
			continue
		}
		m := w.Middle().Float32s()
		for i := range m {
			m[i] += 0.02 * float32(rng.NormFloat64())
		}
		transforms[w.Name] = nn.FromFloat32s(nn.Shape{len(w.Taps), w.All}, m)
	}
	if len(transforms) == 0 {
		return model(net.Package)
	}
	file, err := onnxfile.Replace(read(t, model(net.Package)), &nn.Graph{}, transforms)
	path := filepath.Join(dir, "transformed.onnx")
	if err := errors.Join(err, os.WriteFile(path, file, 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// compare runs the SubNets on the embedded engine.
func compare(t *testing.T, net *supernet.Net, source string, subnets []space.Genes, got result) {
	t.Helper()
	w, err := onnxfile.Open(source)
	if err != nil {
		t.Fatal(err)
	}
	test, calibration := split(t, "test", 3), split(t, "train", 16)
	if got.Images != test.Digest() {
		t.Errorf("digest of the images %s, want %s", got.Images, test.Digest())
	}
	for k, g := range subnets {
		for adapted, outputs := range got.Outputs[k] {
			e := sensitivity.Evaluator{Net: net, Engine: embedded.New(embedded.Options{Threads: 1}), Weights: w, Samples: data.Source{Transform: transform, Set: test}, Options: sensitivity.Options{Batch: 8}}
			if adapted == 1 {
				e.Options.Calibration = data.Source{Transform: transform, Set: calibration}
			}
			want := scores(t, &e, g)
			worst, scale := 0.0, 1.0
			for i, v := range want {
				worst, scale = max(worst, math.Abs(float64(v)-outputs[i])), max(scale, math.Abs(float64(v)))
			}
			if len(want) != len(outputs) || !(worst < 1e-4*scale) {
				t.Errorf("%s, recalibrated %d: outputs differ by %g of %g", space.Format(net.Choices, g), adapted, worst, scale)
			}
		}
	}
}

// scores runs a SubNet on the evaluator's images.
func scores(t *testing.T, e *sensitivity.Evaluator, g space.Genes) []float32 {
	t.Helper()
	graph, w, err := e.Prepare(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.Engine.Compile(graph, w)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	x, err := e.Samples.Inputs(data.InputsOf(graph), data.Numbers(0, e.Samples.Len()))
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(x...)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(out[0].Float32s())
}

func split(t *testing.T, name string, n int) *data.Set {
	t.Helper()
	s, err := data.Open(images, name, data.Size{})
	if err != nil {
		t.Fatal(err)
	}
	return s.Slice(0, n)
}

// TestUnknownOperators: what has no PyTorch form is reported, all at once and by name.
func TestUnknownOperators(t *testing.T) {
	needs.Time(t)
	t.Parallel()
	g, err := testgraph.Parse(`
		input x Nx3x8x8
		a = Conv x [8,3,3,3] pads=1,1,1,1
		hood = LpPool a kernel_shape=2,2
		hat = Shrink a
		b = GlobalAveragePool hat
		y = Flatten b
		output y`)
	if err != nil {
		t.Fatal(err)
	}
	net, err := ir.Compile(g, ir.Config{Divisor: 1, DepthKeep: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := view.New(net, "odd")
	if err != nil {
		t.Fatal(err)
	}
	_, err = pytorch.Files(p)
	if err == nil || strings.Count(err.Error(), "no PyTorch form") != 2 || !strings.Contains(err.Error(), `node "hood"`) {
		t.Errorf("want two operators by name, got %v", err)
	}
}
