package plot_test

import (
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/runtime/command/report"
	"github.com/autotailor/autotailor/runtime/command/report/plot"
)

// TestAllDrawsWhatThereIs: each part of a page as PNG and SVG, and nothing for parts that are missing.
func TestAllDrawsWhatThereIs(t *testing.T) {
	p := report.Page{
		Title:   "net on chip",
		Front:   []report.Point{{Latency: time.Millisecond, Accuracy: 0.9}, {Latency: 2 * time.Millisecond, Accuracy: 0.95, Label: "best"}},
		Kinds:   []report.Kind{{Name: "Conv", Rows: 3, MS: 2}, {Name: "Add", Rows: 1, MS: 1}},
		Groups:  []report.Kind{{Name: "Conv | Relu", Rows: 2}},
		Heat:    []report.HeatRow{{Choice: "stage0.depth", Cells: []report.Cell{{Value: "2", Loss: 0.02}, {Value: "1", Loss: -0.1}}}},
		Checked: []report.Checked{{Predicted: 1, Measured: 1.1}, {Predicted: 2, Measured: 1.9}},
	}
	files, err := plot.All(t.TempDir(), p)
	if err != nil || len(files) != 10 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".svg") {
			if !strings.Contains(string(data), "net on chip") {
				t.Errorf("%s has no title", name)
			}
			continue
		}
		if m, err := png.Decode(strings.NewReader(string(data))); err != nil || m.Bounds().Dx() < 300 || m.Bounds().Dy() < 100 {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := t.TempDir()
	files, err = plot.All(dir, report.Page{Kinds: p.Kinds})
	if err != nil || len(files) != 2 || files[0] != filepath.Join(dir, "operators.png") {
		t.Errorf("%v, %v", files, err)
	}
	if _, err := plot.All(filepath.Join(dir, "none"), p); err == nil {
		t.Error("a folder that is not there is no error")
	}
}
