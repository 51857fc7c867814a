package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/accuracy"
)

// TestKeepsForeignFiles: no command writes over the model, even with --force, or over files that no report and no bundle of ours wrote; and impossible
// opsets and batches are refused.
func TestKeepsForeignFiles(t *testing.T) {
	needs.Clone(t)
	dir := t.TempDir()
	latencies, accuracies := tables(t, dir, accuracy.Header{})
	raw, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own, mine := put("model.onnx", raw), []byte("mine")
	page, weights := put("report/front.png", mine), put("bundle/weights.onnx", mine)
	manifest := put("other/manifest.json", []byte(`{"name":"my page"}`))
	front := []string{"export", "--front", "2", "--force", "--no-recalibration", "--model", model, "--lut", latencies, "--accuracy", accuracies, "--dir"}
	out := []string{"export", "--model", model, "--out", filepath.Join(dir, "x.onnx")}
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{1, "model.onnx is the model with the weights of all SubNets", []string{"export", "--force", "--model", own, "--out", own}},
		{1, "model.onnx is the model with the weights of all SubNets", []string{"tune", "--force", "--model", own, "--data", images, "--out", own}},
		{1, "front.png is of no report", []string{"report", "--lut", latencies, "--accuracy", accuracies, "--out", filepath.Dir(page)}},
		{1, "weights.onnx is of no bundle", append(front, filepath.Dir(weights))},
		{1, "manifest.json is of no bundle", append(front, filepath.Dir(manifest))},
		{2, "--opset 99: the newest that is known is", append(out, "--opset", "99")},
		{2, "--batch 100000000: want at most", append(out, "--batch", "100000000")},
	} {
		code, _, errs := invoke(t.Context(), c.args...)
		if code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit code %d, %s", c.args, code, errs)
		}
	}
	for path, want := range map[string]string{own: string(raw), page: "mine", weights: "mine"} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s was written over, %v", path, err)
		}
	}
	for range 2 { // those of ours are replaced
		result(t, "report", "--lut", latencies, "--accuracy", accuracies, "--out", filepath.Join(dir, "r"))
		result(t, append(front, filepath.Join(dir, "b"))...)
	}
	if code, _, errs := invoke(t.Context(), append(out, "--opset", "13")...); code != 0 || strings.Contains(errs, "note: the file has opset") {
		t.Errorf("the model's own opset: exit code %d, %s", code, errs)
	}
}
