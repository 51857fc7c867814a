package cli_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/convnext"
	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/command/cli"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/gorgonia"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// with runs a command line of a package with some engines.
func with(t *testing.T, net *supernet.Net, engines []cli.Engine, line string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = cli.Run(t.Context(), net, strings.Fields(line), &o, &e, cli.Options{
		Transform: data.Transform{Pad: 2, Mean: []float32{0.2860}, Std: []float32{0.3530}}, Engines: engines,
	})
	return code, o.String(), e.String()
}

var differentiating = []cli.Engine{{Name: "embedded", Open: embedded.Open}, {Name: "gorgonia", Open: gorgonia.Open}}

// zeros is a trainer that never comes back with gradients.
type zeros struct{ engine.Trainer }

func (z zeros) Train(g *nn.Graph, p engine.Params) (engine.Training, error) {
	t, err := z.Trainer.Train(g, p)
	return forgetful{t}, err
}

type forgetful struct{ engine.Training }

func (forgetful) Backward(...nn.Tensor) error { return nil }

// TestCheckGradients: gradients that agree are exit code 0, others 1, with both printed; without Gorgonia, or against itself, the command says so.
func TestCheckGradients(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	const line = "tune --model " + model + " --check-gradients 30 --subnets 1 --batch 2"
	code, out, errs := with(t, mobilenetv2.Definition(), differentiating, line+" --json")
	var r struct {
		Compared int
		Agrees   bool
		Largest  struct{ Relative float64 }
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Compared != 30 || !r.Agrees || !(r.Largest.Relative < 1e-3) {
		t.Errorf("exit code %d, %v, %s\n%s", code, err, out, errs)
	}
	wrong := []cli.Engine{{Name: "zeros", Open: func(int) (engine.Engine, error) { return zeros{embedded.New(embedded.Options{})}, nil }}, differentiating[1]}
	code, out, errs = with(t, mobilenetv2.Definition(), wrong, line)
	if code != 1 || !strings.Contains(out, "30 parameters in 30 tensors compared") || !strings.Contains(out, "largest relative difference 1.0e+00") || !strings.Contains(errs, "differ") {
		t.Errorf("wrong gradients: exit code %d\n%s%s", code, out, errs)
	}
	for _, c := range []struct {
		engines []cli.Engine
		line    string
		code    int
		want    string
	}{
		{differentiating[:1], line, 1, "built without"},
		{differentiating, line + " --engine gorgonia", 2, "--engine names the other one"},
		{differentiating, "tune --model " + model + " --out x.onnx", 2, "missing --data"},
	} {
		if code, _, errs := with(t, mobilenetv2.Definition(), c.engines, c.line); code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d, %s, want %q", c.line, code, errs, c.want)
		}
	}
}

// TestTuneOnGorgonia: it trains there where it has the operators, and is refused by name where it lacks them.
func TestTuneOnGorgonia(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	const flags = " --data " + images + " --images 20 --engine gorgonia --batch 2 --subnets 1 --check 0 --dry-run"
	code, out, errs := with(t, mobilenetv2.Definition(), differentiating, "tune --model "+model+flags)
	if code != 0 || !strings.Contains(out, "a step takes") {
		t.Errorf("MobileNetV2: exit code %d\n%s%s", code, out, errs)
	}
	code, _, errs = with(t, convnext.Definition(), differentiating, "tune --model "+strings.Replace(model, "mobilenetv2", "convnext", 1)+flags)
	if code != 1 || !strings.Contains(errs, "gorgonia cannot train this network") || !strings.Contains(errs, "(Gelu): Gorgonia has no Erf") {
		t.Errorf("ConvNeXt: exit code %d\n%s", code, errs)
	}
}

// TestVerifyOnONNXGo: ResNet50 runs there and gives what the embedded engine gives; what is lacking for others is named.
func TestVerifyOnONNXGo(t *testing.T) {
	needs.Clone(t)
	engines := append(slices.Clone(differentiating), cli.Engine{Name: "onnx-go", Open: gorgonia.OpenONNXGo})
	path := func(name string) string { return strings.Replace(model, "mobilenetv2", name, 1) }
	code, out, errs := with(t, resnet50.Definition(), engines, "verify --engine onnx-go --runs 1 --json --subnet resolution=24 --model "+path("resnet50"))
	var r struct {
		Against  string
		Distance float64 `json:"relative_l2"`
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Against != "embedded" || r.Distance == 0 || r.Distance > 1e-5 {
		t.Errorf("ResNet50: exit code %d, %v, %s\n%s", code, err, out, errs)
	}
	code, _, errs = with(t, convnext.Definition(), engines, "verify --engine onnx-go --model "+path("convnext"))
	for _, want := range []string{"Gelu", "LayerNormalization", "ignores group"} {
		if code != 1 || !strings.Contains(errs, want) {
			t.Errorf("ConvNeXt: exit code %d, %s, want %q", code, errs, want)
		}
	}
}
