package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/command/cli"
	"github.com/autotailor/autotailor/runtime/command/report/plot"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/train/data"
)

const (
	model  = "../../../generated/models/mobilenetv2.onnx"
	images = "../../../generated/data/fashion-mnist"
)

// options are those of the generated commands for images of Fashion-MNIST.
func options() cli.Options {
	return cli.Options{
		Transform: data.Transform{Pad: 2, Mean: []float32{0.2860}, Std: []float32{0.3530}},
		Engines:   []cli.Engine{{Name: "embedded", Doc: "pure Go", Open: embedded.Open}},
		Plot:      plot.All,
	}
}

// invoke runs one command line of the generated MobileNetV2.
func invoke(ctx context.Context, args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = cli.Run(ctx, mobilenetv2.Definition(), args, &o, &e, options())
	return code, o.String(), e.String()
}

// result runs a command with --json and decodes what it prints.
func result(t *testing.T, args ...string) map[string]any {
	t.Helper()
	code, out, errs := invoke(t.Context(), append(args, "--json")...)
	if code != 0 {
		t.Fatalf("%v: exit code %d\n%s", args, code, errs)
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return v
}

// TestWholeLine goes from profile to report; every step reads what the one before wrote.
func TestWholeLine(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	dir := t.TempDir()
	lut, acc := filepath.Join(dir, "a.lut"), filepath.Join(dir, "a.acc")
	info := result(t, "info", "--subnet", "resolution=16")
	if info["modifications"] != 68.0 || info["variants_distinct"] != "736931520" || info["subnet"].(map[string]any)["macs"].(float64) <= 0 {
		t.Errorf("info: %v", info)
	}
	if p := result(t, "profile", "--dry-run"); p["missing"] != p["operators"] {
		t.Errorf("dry run: %v", p)
	}
	p := result(t, "profile", "--out", lut, "--runs", "3")
	if p["operators"] != 353.0 || p["failed"] != 0.0 || p["original_ms"].(float64) <= 0 {
		t.Errorf("profile: %v", p)
	}
	s := result(t, "sensitivity", "--model", model, "--data", images, "--images", "20", "--calibrate", "20", "--out", acc)
	if len(s["probes"].([]any)) != 41 || s["images"] != 20.0 {
		t.Errorf("sensitivity: %d probes, %v images", len(s["probes"].([]any)), s["images"])
	}
	front := result(t, "search", "--lut", lut, "--accuracy", acc)
	points := front["points"].([]any)
	if !front["certificate"].(map[string]any)["exact"].(bool) || len(points) < 2 {
		t.Fatalf("search: %v", front)
	}
	middle := points[len(points)/2].(map[string]any)
	best := result(t, "search", "--lut", lut, "--accuracy", acc, "--budget", "10s")["points"].([]any)[0].(map[string]any)
	if best["subnet"] != points[len(points)-1].(map[string]any)["subnet"] {
		t.Errorf("any time at all: %v, the front ends with %v", best, points[len(points)-1])
	}
	for _, method := range []string{"genetic", "random"} {
		if r := result(t, "search", "--lut", lut, "--accuracy", acc, "--budget", "10s", "--method", method); len(r["points"].([]any)) != 1 {
			t.Errorf("%s: %v", method, r)
		}
	}
	text := middle["subnet"].(string)
	v := result(t, "verify", "--model", model, "--subnet", text, "--lut", lut, "--accuracy", acc, "--data", images, "--runs", "3")
	if m := v["engines"].([]any)[0].(map[string]any); v["predicted_ms"] == nil || v["accuracy"] == nil || m["interleaved"] != true || m["spread_ms"] == nil {
		t.Errorf("verify: %v", v)
	}
	countCandidates(t, lut, acc)
	exportAndRead(t, dir, text)
	exportFront(t, filepath.Join(dir, "bundle"), lut, acc)
	r := result(t, "report", "--lut", lut, "--accuracy", acc, "--out", filepath.Join(dir, "report"))
	for _, f := range r["files"].([]any) {
		if i, err := os.Stat(f.(string)); err != nil || i.Size() < 100 {
			t.Errorf("report: %v %v", f, err)
		}
	}
}

// countCandidates: as many SubNets as --verify says are counted and shown as such, and the next search counts others.
func countCandidates(t *testing.T, lut, acc string) {
	t.Helper()
	for total := 2; total <= 4; total += 2 {
		r := result(t, "search", "--lut", lut, "--accuracy", acc, "--verify", "2", "--model", model, "--data", images)
		for _, p := range r["points"].([]any) {
			if p := p.(map[string]any); p["verified"] == true && p["predicted_accuracy"] == nil {
				t.Errorf("what was predicted of %v is not told", p)
			}
		}
		joint, err := os.ReadFile(acc + ".joint")
		if _, rows, _ := bytes.Cut(joint, []byte("\n\n")); err != nil || bytes.Count(rows, []byte("\n")) != total {
			t.Errorf("want %d counted SubNets: %v\n%s", total, err, joint)
		}
	}
	code, _, errs := invoke(t.Context(), "search", "--lut", lut, "--accuracy", acc, "--verify", "2")
	if code != 2 || !strings.Contains(errs, "--model") {
		t.Errorf("--verify without a model: exit code %d, %s", code, errs)
	}
}

func exportAndRead(t *testing.T, dir, text string) {
	t.Helper()
	out := filepath.Join(dir, "small.onnx")
	args := []string{"export", "--model", model, "--subnet", text, "--recalibrate", images, "--calibrate", "20", "--fold-batch-norm", "--out", out}
	e := result(t, args...)
	m, err := onnxfile.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	if m.Metadata["autotailor.subnet"] != text || e["subnet"] != text || m.Metadata["autotailor.digest"] != mobilenetv2.Definition().Digest {
		t.Errorf("export: %v, metadata %v", e, m.Metadata)
	}
	if code, _, errs := invoke(t.Context(), args...); code != 1 || !strings.Contains(errs, "--force") {
		t.Errorf("an existing file: exit code %d, %s", code, errs)
	}
}

// TestMistakes: exit codes and messages.
func TestMistakes(t *testing.T) {
	needs.Clone(t)
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.lut")
	if err := os.WriteFile(broken, []byte("hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{2, "did you mean search?", []string{"serch"}},
		{2, "missing --lut", []string{"search"}},
		{2, "unknown flag: --bugdet", []string{"search", "--bugdet", "2ms"}},
		{2, "unexpected argument", []string{"info", "original"}},
		{2, "stage9", []string{"info", "--subnet", "stage9.depth=2,resolution=33"}},
		{2, "resolution", []string{"info", "--subnet", "stage9.depth=2,resolution=33"}},
		{2, "no such engine", []string{"profile", "--engine", "tensorrt", "--out", filepath.Join(dir, "x")}},
		{1, "no such file", []string{"search", "--lut", filepath.Join(dir, "none"), "--accuracy", broken}},
		{1, "broken.lut", []string{"search", "--lut", broken, "--accuracy", broken}},
		{1, "--model names the file", []string{"verify", "--model", filepath.Join(dir, "none.onnx")}},
		{1, "vit.onnx is neither the model that the package was generated from (mobilenetv2.onnx) nor", []string{"evaluate", "--model", "../../../generated/models/vit.onnx", "--data", images}},
		{1, "weights do not fit:", []string{"export", "--model", "../../../generated/models/vit.onnx", "--out", filepath.Join(dir, "z")}},
		{2, "go together", []string{"verify", "--model", model, "--data", images}},
		{2, "--keep much: want a size", []string{"sensitivity", "--model", model, "--data", images, "--keep", "much", "--out", filepath.Join(dir, "y")}},
		{1, "none", []string{"sensitivity", "--model", model, "--data", filepath.Join(dir, "none"), "--out", filepath.Join(dir, "y")}},
	} {
		code, _, errs := invoke(t.Context(), c.args...)
		if code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit code %d, want %d; %q, want %q", c.args, code, c.code, errs, c.want)
		}
	}
}

// TestHelp: every command explains itself with examples that its own parser accepts.
func TestHelp(t *testing.T) {
	code, out, _ := invoke(t.Context(), "help")
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for _, name := range []string{"info", "profile", "sensitivity", "search", "export", "verify", "report", "version"} {
		if !strings.Contains(out, "  "+name) {
			t.Errorf("help does not list %s", name)
		}
		code, text, _ := invoke(t.Context(), name, "--help")
		if code != 0 || !strings.Contains(text, "Examples:") || !strings.Contains(text, "--json") {
			t.Errorf("%s --help: exit code %d\n%s", name, code, text)
		}
	}
}

// TestInfeasibleBudget has an exit code of its own, and names the fastest SubNet.
func TestInfeasibleBudget(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	dir := t.TempDir()
	lut, acc := filepath.Join(dir, "a.lut"), filepath.Join(dir, "a.acc")
	result(t, "profile", "--out", lut, "--runs", "1")
	result(t, "sensitivity", "--model", model, "--data", images, "--images", "5", "--calibrate", "5", "--out", acc)
	code, _, errs := invoke(t.Context(), "search", "--lut", lut, "--accuracy", acc, "--budget", "1ns")
	if code != 3 || !strings.Contains(errs, "resolution=16") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestInterruptedRunsResume: a cancelled profile says so, and the next one goes on with what is there.
func TestInterruptedRunsResume(t *testing.T) {
	needs.Time(t)
	lut := filepath.Join(t.TempDir(), "a.lut")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code, _, errs := invoke(ctx, "profile", "--out", lut, "--runs", "2")
	if code != 130 || !strings.Contains(errs, "goes on") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	result(t, "profile", "--out", lut, "--runs", "2")
	whole, err := os.ReadFile(lut)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	cut := bytes.Join(lines[:len(lines)/2], nil)
	_, half, _ := bytes.Cut(cut, []byte("\n\n"))
	if err := os.WriteFile(lut, cut, 0o600); err != nil {
		t.Fatal(err)
	}
	result(t, "profile", "--out", lut, "--runs", "2")
	again, err := os.ReadFile(lut)
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := bytes.Cut(again, []byte("\n\n"))
	if !bytes.HasPrefix(rows, half) || len(bytes.Split(again, []byte("\n"))) != len(lines) {
		t.Error("the second run measured again what the first had")
	}
}
