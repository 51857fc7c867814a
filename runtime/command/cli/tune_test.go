package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// TestTuneLog: the log has a row for every so many steps, with accuracies only if test images are counted.
func TestTuneLog(t *testing.T) {
	needs.Clone(t)
	for check, dashes := range map[string]bool{"0": true, "20": false} {
		dir := t.TempDir()
		log := filepath.Join(dir, "tuned.log")
		r := result(t, "tune", "--model", model, "--data", images, "--images", "60", "--steps", "3", "--batch", "4", "--every", "2", "--calibrate", "8",
			"--check", check, "--out", filepath.Join(dir, "tuned.onnx"), "--log", log)
		if rows := r["history"].([]any); len(rows) != 2 {
			t.Errorf("--check %s: history %v", check, rows)
		}
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		var steps []string
		for _, line := range lines[len(lines)-2:] {
			f := strings.Fields(line)
			steps = append(steps, f[0])
			if len(f) != 4 || (f[2] == "-" && f[3] == "-") != dashes {
				t.Errorf("--check %s: row %q", check, line)
			}
		}
		if strings.Join(steps, " ") != "2 3" {
			t.Errorf("--check %s: rows of steps %v", check, steps)
		}
	}
}
