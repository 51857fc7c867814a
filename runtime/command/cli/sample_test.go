package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// TestSampleGivesStatistics: sensitivity and tune keep the images that statistics come from, and an export without the data set is the file that
// one with the same images of the data set is. The original keeps its own statistics, and so does what the user wants so.
func TestSampleGivesStatistics(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	dir := t.TempDir()
	acc, tuned := filepath.Join(dir, "net.acc"), filepath.Join(dir, "tuned.onnx")
	result(t, "sensitivity", "--model", model, "--data", images, "--images", "20", "--calibrate", "30", "--out", acc)
	result(t, "tune", "--model", model, "--data", images, "--steps", "1", "--batch", "8", "--subnets", "1", "--calibrate", "24", "--check", "0", "--out", tuned)
	export := func(name string, args ...string) ([]byte, map[string]any) {
		t.Helper()
		out := filepath.Join(dir, name)
		r := result(t, append([]string{"export", "--out", out}, args...)...)
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return raw, r
	}
	small := []string{"--subnet", "resolution=16"}
	for _, c := range []struct {
		name     string
		own, set []string // of the sample, and of the data set
	}{
		{"beside sensitivities", []string{"--model", model, "--accuracy", acc}, []string{"--recalibrate", images, "--calibrate", "30", "--model", model, "--accuracy", acc}},
		{"beside weights", []string{"--model", tuned}, []string{"--recalibrate", images, "--calibrate", "24", "--model", tuned}},
	} {
		own, r := export(c.name+" own.onnx", append(c.own, small...)...)
		set, _ := export(c.name+" set.onnx", append(c.set, small...)...)
		if !bytes.Equal(own, set) || r["statistics"] != "recalibrated" {
			t.Errorf("%s: statistics %v; the same file as with the data set: %t", c.name, r["statistics"], bytes.Equal(own, set))
		}
		for args, want := range map[string]string{"--subnet=original": "original", small[0] + "=" + small[1] + " --no-recalibration": "borrowed"} {
			list := strings.Split(args, " --no")
			more := []string{list[0]}
			if len(list) > 1 {
				more = append(more, "--no"+list[1])
			}
			if _, r := export(c.name+" "+want+".onnx", append(c.own, more...)...); r["statistics"] != want {
				t.Errorf("%s, %v: statistics %v, want %s", c.name, more, r["statistics"], want)
			}
		}
	}
	code, _, errs := invoke(t.Context(), "export", "--model", model, "--out", filepath.Join(dir, "x"), "--recalibrate", images, "--no-recalibration")
	if code != 2 || !strings.Contains(errs, "exclude each other") {
		t.Errorf("both flags: exit code %d\n%s", code, errs)
	}
	bad := filepath.Join(dir, "bad.tar")
	if err := os.WriteFile(bad, []byte("no sample"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke(t.Context(), append([]string{"export", "--model", model, "--out", filepath.Join(dir, "y"), "--recalibrate", bad}, small...)...); code != 1 || !strings.Contains(errs, "bad.tar") {
		t.Errorf("no sample: exit code %d\n%s", code, errs)
	}
	if err := os.WriteFile(acc+".sample.tar", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs = invoke(t.Context(), "sensitivity", "--model", model, "--data", images, "--images", "20", "--calibrate", "30", "--out", acc)
	if kept, err := os.ReadFile(acc + ".sample.tar"); code != 1 || !strings.Contains(errs, "move it away") || string(kept) != "mine" || err != nil {
		t.Errorf("a file in the place of a sample: exit code %d\n%s", code, errs)
	}
	private := filepath.Join(dir, "private.acc")
	result(t, "sensitivity", "--model", model, "--data", images, "--images", "20", "--calibrate", "20", "--no-sample", "--out", private)
	if list, err := filepath.Glob(private + ".sample*"); err != nil || len(list) > 0 {
		t.Errorf("--no-sample wrote %v (%v)", list, err)
	}
}
