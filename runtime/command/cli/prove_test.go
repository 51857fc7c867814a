package cli_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/command/cli"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestProve: the committed package is right on both engines; with other weights than it says, it is wrong, and the exit code says so.
func TestProve(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	if r := result(t, "prove", "--model", model); r["status"] != "proven" || r["subnets"].(float64) < 8 || r["compared"] != r["subnets"] || r["engine"] != "embedded" {
		t.Errorf("prove: %v", r)
	}
	prove := func(net func(genes []uint8, b nn.Builder), args ...string) (int, string, string) {
		definition := *mobilenetv2.Definition()
		if net != nil {
			definition.Build = net
		}
		var out, errs strings.Builder
		o := options()
		o.Engines = append(o.Engines, cli.Engine{Name: "onnxruntime", Open: ort.Open})
		code := cli.Run(context.Background(), &definition, append([]string{"prove", "--model", model}, args...), &out, &errs, o)
		return code, out.String(), errs.String()
	}
	if _, err := ort.Find(); err == nil {
		if code, out, errs := prove(nil, "--engine", "onnxruntime"); code != 0 || !strings.HasPrefix(out, "proven: ") {
			t.Errorf("on ONNX Runtime: exit code %d, %s%s", code, out, errs)
		}
	}
	code, out, errs := prove(func(genes []uint8, b nn.Builder) { mobilenetv2.Definition().Build(genes, swapped{b}) }, "--json")
	var r struct {
		Status string
		Wrong  []struct{ SubNet, What string }
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 || r.Status != "wrong" || r.Wrong[0].SubNet != "original" || !strings.Contains(errs, "are wrong") {
		t.Errorf("a wrong package: exit code %d, %v\n%s%s", code, err, out, errs)
	}
	if code, _, errs := prove(nil, "--engine", "embedded,embedded"); code != 2 || !strings.Contains(errs, "want one engine") {
		t.Errorf("two engines: exit code %d, %s", code, errs)
	}
}

// swapped is a Builder that takes a normalisation's bias for its mean.
type swapped struct{ nn.Builder }

func (s swapped) BatchNorm(x nn.Value, r nn.BatchNorm) nn.Value {
	r.Mean, r.Bias = r.Bias, r.Mean
	return s.Builder.BatchNorm(x, r)
}
