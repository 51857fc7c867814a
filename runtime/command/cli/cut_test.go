package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/command/cli"
)

// TestFrontsEndAtChance: weights that were not tuned lose more in each choice than there is to lose. No front has SubNets that are predicted to be
// no better than guessing one of ten classes, and none has an accuracy below 0.
func TestFrontsEndAtChance(t *testing.T) {
	latencies, accuracies := tablesOf(t, t.TempDir(), accuracy.Header{}, 120)
	search := []string{"search", "--lut", latencies, "--accuracy", accuracies}
	points := func(args ...string) (list []point, code int, errs string) {
		code, out, errs := invoke(t.Context(), append(append(search, "--json"), args...)...)
		var r struct{ Points []point }
		if err := json.Unmarshal([]byte(out), &r); code == 0 && err != nil {
			t.Fatal(err)
		}
		return r.Points, code, errs
	}
	if code, out, errs := invoke(t.Context(), search...); code != 0 || strings.Contains(out, "note:") || strings.Count(errs, "note: accuracies are predictions") != 1 {
		t.Errorf("notes: exit code %d\n%s\n%s", code, out, errs)
	}
	all, code, errs := points()
	if code != 0 || len(all) < 3 || !strings.Contains(errs, "no better than guessing (10.0 %)") {
		t.Fatalf("exit code %d, %d points\n%s", code, len(all), errs)
	}
	for _, p := range all {
		if p.Accuracy <= 0.1 || p.Accuracy > 1 {
			t.Errorf("%s: accuracy %g", p.SubNet, p.Accuracy)
		}
	}
	for args, want := range map[string]func(list []point, code int, errs string) bool{
		"--min-accuracy=0.8": func(list []point, code int, _ string) bool {
			return code == 0 && len(list) > 0 && len(list) < len(all) && list[0].Accuracy >= 0.8
		},
		"--points=3": func(list []point, code int, _ string) bool {
			return code == 0 && len(list) == 3 && list[0] == all[0] && list[2] == all[len(all)-1]
		},
		"--points=1": func(list []point, code int, _ string) bool {
			return code == 0 && len(list) == 1 && list[0] == all[len(all)-1]
		},
		"--min-accuracy=0.99": func(_ []point, code int, errs string) bool { return code == 3 && strings.Contains(errs, "0.99") },
		"--min-accuracy=7":    func(_ []point, code int, errs string) bool { return code == 2 && strings.Contains(errs, "from 0 to 1") },
		"--points=-1":         func(_ []point, code int, _ string) bool { return code == 2 },
		"--budget=-1ms":       func(_ []point, code int, _ string) bool { return code == 2 },
		"--budget=1ns":        func(_ []point, code int, _ string) bool { return code == 3 },
	} {
		if list, code, errs := points(args); !want(list, code, errs) {
			t.Errorf("%s: exit code %d, %v\n%s", args, code, list, errs)
		}
	}
}

// point is a SubNet of a front.
type point struct {
	SubNet   string  `json:"subnet"`
	Accuracy float64 `json:"accuracy"`
}

// TestFrontsWithoutAccuracies: what is known is what SubNets cost and how large they are; the largest one within a limit is found.
func TestFrontsWithoutAccuracies(t *testing.T) {
	latencies, _ := tables(t, t.TempDir(), accuracy.Header{})
	for _, args := range [][]string{{"--lut", latencies}, {"--lut", latencies, "--objective", "energy", "--power", "2W"}, {"--objective", "params"}, {"--objective", "macs", "--points", "5"}} {
		r := result(t, append([]string{"search"}, args...)...)
		list := r["points"].([]any)
		macs := func(k int) float64 { return list[k].(map[string]any)["metrics"].(map[string]any)["macs"].(float64) }
		if len(list) < 3 || list[len(list)-1].(map[string]any)["subnet"] != "original" || !strings.Contains(strings.Join(texts(r["notes"]), " "), "without --accuracy") {
			t.Errorf("%v: %d points, %v", args, len(list), r["notes"])
		}
		for k := 1; k < len(list); k++ {
			if macs(k) <= 0.999*macs(k-1) { // sizes are told apart in steps of 0.1 %, each of several roundings
				t.Errorf("%v: point %d has %g MACs, the one before %g", args, k, macs(k), macs(k-1))
			}
		}
	}
	whole := result(t, "search", "--lut", latencies, "--points", "3")["points"].([]any)
	middle := whole[1].(map[string]any)
	best := result(t, "search", "--lut", latencies, "--max-macs", strconv.FormatFloat(middle["metrics"].(map[string]any)["macs"].(float64), 'f', -1, 64))["points"].([]any)
	if last := best[len(best)-1].(map[string]any); last["subnet"] != middle["subnet"] {
		t.Errorf("the largest SubNet within the MACs of %v is %v", middle["subnet"], last["subnet"])
	}
	if code, out, _ := invoke(t.Context(), "search", "--lut", latencies, "--points", "3"); code != 0 || !strings.Contains(out, "MACs  SubNet") || strings.Contains(out, "%") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

func texts(v any) (list []string) {
	for _, x := range v.([]any) {
		list = append(list, x.(string))
	}
	return list
}

// TestOtherWeights: accuracies that were counted with other weights are not promised for these.
func TestOtherWeights(t *testing.T) {
	dir := t.TempDir()
	latencies, accuracies := tables(t, dir, accuracy.Header{Weights: strings.Repeat("ab", 32), Model: "tuned.onnx"})
	for _, args := range [][]string{
		{"--lut", latencies, "--front", "3", "--dir", filepath.Join(dir, "bundle")}, {"--subnet", "original", "--out", filepath.Join(dir, "x.onnx")},
	} {
		code, _, errs := invoke(t.Context(), append([]string{"export", "--model", model, "--accuracy", accuracies}, args...)...)
		if code != 1 || !strings.Contains(errs, "tuned.onnx") || !strings.Contains(errs, "mobilenetv2.onnx") {
			t.Errorf("%v: exit code %d\n%s", args, code, errs)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("something was written: %v, %v", files, err)
	}
}

// TestJointCountsAreUsed: fronts and bundles go by what search --verify has counted, and counts of other images are refused.
func TestJointCountsAreUsed(t *testing.T) {
	needs.Time(t)
	dir := t.TempDir()
	latencies, accuracies := tables(t, dir, accuracy.Header{})
	front := func() []any {
		return result(t, "search", "--lut", latencies, "--accuracy", accuracies)["points"].([]any)
	}
	first := front()[0].(map[string]any)["subnet"].(string)
	net := mobilenetv2.Definition()
	f, err := os.Open(accuracies)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table, err := accuracy.Read(f, net)
	if err != nil {
		t.Fatal(err)
	}
	j, err := accuracy.OpenJoint(accuracies+".joint", net, table.Header)
	if err != nil {
		t.Fatal(err)
	}
	g, err := net.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Add(g, 777), j.Close()); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, p := range front() {
		if p := p.(map[string]any); p["subnet"] == first {
			found = p["verified"] == true && p["accuracy"] == 0.777
		}
	}
	if !found {
		t.Errorf("%s was counted, the front says %v", first, front()[0])
	}
	result(t, "export", "--model", model, "--lut", latencies, "--accuracy", accuracies, "--front", "50", "--no-recalibration", "--dir", filepath.Join(dir, "bundle"))
	manifest, err := os.ReadFile(filepath.Join(dir, "bundle", "manifest.json"))
	if err != nil || !strings.Contains(string(manifest), "0.777") {
		t.Errorf("%v\n%s", err, manifest)
	}
	_, accuracies = tables(t, dir, accuracy.Header{Recalibration: 5})
	if code, _, errs := invoke(t.Context(), "search", "--lut", latencies, "--accuracy", accuracies); code != 1 || !strings.Contains(errs, ".joint") {
		t.Errorf("counts of other images: exit code %d\n%s", code, errs)
	}
}

// TestOtherInput: sensitivities and bundles for which images became input in another way are refused.
func TestOtherInput(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	dir := t.TempDir()
	acc, latencies := filepath.Join(dir, "net.acc"), ""
	latencies, _ = tables(t, t.TempDir(), accuracy.Header{})
	result(t, "sensitivity", "--model", model, "--data", images, "--images", "20", "--calibrate", "20", "--out", acc)
	to := filepath.Join(dir, "bundle")
	result(t, "export", "--model", model, "--lut", latencies, "--accuracy", acc, "--front", "2", "--dir", to)
	other := options()
	other.Transform.Mean = []float32{0.5}
	for _, args := range [][]string{
		{"search", "--lut", latencies, "--accuracy", acc}, {"serve", "--bundle", to, "--addr", "127.0.0.1:0"},
		{"sensitivity", "--model", model, "--data", images, "--images", "20", "--calibrate", "20", "--out", acc},
	} {
		var out, errs bytes.Buffer
		code := cli.Run(t.Context(), mobilenetv2.Definition(), args, &out, &errs, other)
		if code != 1 || !strings.Contains(errs.String(), "mean 0.286") || !strings.Contains(errs.String(), "mean 0.5") {
			t.Errorf("%s: exit code %d\n%s", args[0], code, errs.String())
		}
	}
	more := filepath.Join(dir, "more.acc")
	result(t, "sensitivity", "--model", model, "--data", images, "--images", "20", "--calibrate", "30", "--out", more)
	if err := os.Rename(more+".sample.tar", acc+".sample.tar"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(acc + ".stats"); err != nil { // it has that SubNet's statistics, and comes before the sample
		t.Fatal(err)
	}
	code, _, errs := invoke(t.Context(), "export", "--model", model, "--accuracy", acc, "--subnet", "resolution=16", "--out", filepath.Join(dir, "x.onnx"))
	if code != 1 || !strings.Contains(errs, "other images") {
		t.Errorf("a sample of other images: exit code %d\n%s", code, errs)
	}
}
