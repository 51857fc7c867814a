package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/runtime/accuracy"
)

// TestReportNamesWeights: the page says which weights its accuracies were counted with, its commands name them, and it knows which SubNets need
// recalibration. A table that does not know its weights makes a page that says so.
func TestReportNamesWeights(t *testing.T) {
	net := mobilenetv2.Definition()
	other := strings.Repeat("0f", 32)
	for _, c := range []struct {
		header                  accuracy.Header
		wantModel, fact, inNote string
	}{
		{accuracy.Header{}, net.Source.File, "unknown weights", "does not say which weights"},
		{accuracy.Header{Weights: net.Source.SHA256, Model: "models/mobilenetv2.onnx"}, net.Source.File, "models/mobilenetv2.onnx, SHA-256 " + net.Source.SHA256[:12], ""},
		{accuracy.Header{Weights: other, Model: "tuned.onnx"}, "tuned.onnx", "tuned.onnx, SHA-256 0f0f0f0f0f0f", ""},
		{accuracy.Header{Weights: other}, "MODEL.onnx", "SHA-256 0f0f0f0f0f0f", "SHA-256 0f0f0f0f0f0f"},
	} {
		dir := t.TempDir()
		latencies, accuracies := tables(t, dir, c.header)
		if code, _, errs := invoke(t.Context(), "report", "--lut", latencies, "--accuracy", accuracies, "--out", dir); code != 0 {
			t.Fatalf("exit code %d, %s", code, errs)
		}
		html, err := os.ReadFile(filepath.Join(dir, "report.html"))
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(string(html), `id="data">`)
		text, _, _ = strings.Cut(text, "</script>")
		var page struct {
			Model, Note string
			Facts       []struct{ Name, Value string }
			Front       []struct {
				SubNet      string
				Recalibrate bool
			}
		}
		if err := json.Unmarshal([]byte(text), &page); err != nil {
			t.Fatal(err)
		}
		fact := page.Facts[len(page.Facts)-1]
		if page.Model != c.wantModel || fact.Name != "accuracies of" || !strings.Contains(fact.Value, c.fact) || !strings.Contains(page.Note, c.inNote) || (page.Note == "") != (c.inNote == "") {
			t.Errorf("%+v: model %q, %+v, note %q", c.header, page.Model, fact, page.Note)
		}
		for _, p := range page.Front {
			if p.Recalibrate == (p.SubNet == "original") {
				t.Errorf("%+v", p)
			}
		}
	}
}
