package cli_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/accuracy"
)

// exportOf exports a SubNet and returns its file.
func exportOf(t *testing.T, subnet string, args ...string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "x.onnx")
	r := result(t, append([]string{"export", "--subnet", subnet, "--out", out}, args...)...)
	raw, err := os.ReadFile(out)
	if err != nil || r["statistics"] != "recalibrated" {
		t.Fatalf("%s: statistics %v, %v", subnet, r["statistics"], err)
	}
	return raw
}

// TestListedStatistics: without a sample, a SubNet that was counted, verified or shown on a front is exported with the statistics that it was counted
// with: the file is that of an export with the images. Any other is refused with three remedies.
func TestListedStatistics(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	dir := t.TempDir()
	latencies, _ := tables(t, dir, accuracy.Header{})
	acc := filepath.Join(dir, "counted.acc")
	result(t, "sensitivity", "--model", model, "--data", images, "--images", "20", "--calibrate", "20", "--no-sample", "--out", acc)
	own := []string{"--model", model, "--accuracy", acc}
	recalibrated := append([]string{"--recalibrate", images, "--calibrate", "20"}, own...)
	same := func(why, subnet string) {
		t.Helper()
		if !bytes.Equal(exportOf(t, subnet, own...), exportOf(t, subnet, recalibrated...)) {
			t.Errorf("%s: %s is exported with other statistics than those of the images", why, subnet)
		}
	}
	refused := func(subnet string) {
		t.Helper()
		code, _, errs := invoke(t.Context(), append([]string{"export", "--subnet", subnet, "--out", filepath.Join(dir, "none.onnx")}, own...)...)
		for _, want := range []string{subnet, "--recalibrate DIR", "search --data DIR", "--no-recalibration"} {
			if code != 1 || !strings.Contains(errs, want) {
				t.Errorf("%s: exit code %d without %q: %s", subnet, code, want, errs)
			}
		}
	}
	for _, probe := range []string{"resolution=16", "stage2.depth=2", "stage5.0.expand=3"} { // counted whole, and behind a part of the original
		same("counted alone", probe)
	}
	joint := "resolution=16,stage2.depth=2"
	refused(joint)
	result(t, "verify", "--subnet", joint, "--model", model, "--accuracy", acc, "--data", images, "--runs", "1")
	same("verified", joint)
	front := result(t, "search", "--lut", latencies, "--accuracy", acc, "--points", "3")["points"].([]any)
	first := front[0].(map[string]any)["subnet"].(string)
	refused(first)
	result(t, "search", "--lut", latencies, "--accuracy", acc, "--points", "3", "--data", images, "--model", model)
	same("on a front", first)
	for to, want := range map[string]string{"first": `"accuracy":"` + acc + `"`, "bare": `"accuracy":""`} {
		of := acc
		if to == "bare" { // the same sensitivities, with nothing beside them
			of = filepath.Join(dir, "bare.acc")
			raw, err := os.ReadFile(acc)
			if err = errors.Join(err, os.WriteFile(of, raw, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		result(t, "search", "--lut", latencies, "--accuracy", acc, "--data", images, "--model", model) // all of the front
		result(t, "report", "--lut", latencies, "--accuracy", of, "--out", filepath.Join(dir, to))
		if page, err := os.ReadFile(filepath.Join(dir, to, "report.html")); err != nil || !strings.Contains(string(page), want) {
			t.Errorf("%s: the page has not %s, %v", to, want, err)
		}
	}
	code, _, errs := invoke(t.Context(), append([]string{"export", "--subnet", "resolution=16,stage1.depth=2", "--no-recalibration", "--out", filepath.Join(dir, "b.onnx")}, own...)...)
	if code != 0 || !strings.Contains(errs, "classifies worse than predicted") {
		t.Errorf("--no-recalibration: exit code %d, %s", code, errs)
	}
}
