package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/ir"
)

const (
	config = "../../generated/mobilenetv2/autotailor.toml"
	model  = "../../generated/models/mobilenetv2.onnx"
)

func invoke(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(args, &o, &e)
	return code, o.String(), e.String()
}

// TestInspectJSON has the keys that scripts rely on.
func TestInspectJSON(t *testing.T) {
	needs.Clone(t)
	code, out, errs := invoke("inspect", "--config", config, "--json")
	if code != 0 {
		t.Fatal(errs)
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"modifications", "variants_raw", "variants_distinct", "unique_ops", "coverage", "smallest", "unowned", "frozen", "stages", "timings_ms"} {
		if v[key] == nil {
			t.Errorf("key %s is missing", key)
		}
	}
	if v["modifications"] != 68.0 || v["variants_distinct"] != 736931520.0 || v["unique_ops"].(map[string]any)["DepthwiseConv"].(float64) < 1 {
		t.Errorf("%v %v %v", v["modifications"], v["variants_distinct"], v["unique_ops"])
	}
	// Its config offers no widths of stages: of each weight of a block one of two axes moves.
	if c := v["coverage"].(map[string]any); c["params"].(float64) < 0.45 || c["params"].(float64) > 0.55 || c["macs"].(float64) < 0.45 || c["macs"].(float64) > 0.6 {
		t.Errorf("coverage %v", c)
	}
	if len(v["unowned"].([]any)) == 0 {
		t.Error("no free axis is without a choice")
	}
	code, out, _ = invoke("inspect", "--config", config)
	for _, want := range []string{"InvertedResidual", "frozen axes", "free axes without a choice", "smallest  keeps"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("text has no %q: %d\n%s", want, code, out)
		}
	}
}

// TestInitThenGen: a config for a model that nobody configured gives a package that is up to date right away.
func TestInitThenGen(t *testing.T) {
	needs.Clone(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "autotailor.toml")
	if code, _, errs := invoke("init", "--model", model, "--out", file); code != 0 {
		t.Fatal(errs)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# ", "\nexpand = ", "\ndepth = ", "\nwidth = ", "resolution", "model = "} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the config lacks %q:\n%s", want, text)
		}
	}
	if g, err := os.ReadFile(filepath.Join(dir, "generate.go")); err != nil || !bytes.Contains(g, []byte("//go:generate go tool autotailor gen")) {
		t.Errorf("generate.go: %v %s", err, g)
	}
	if code, _, errs := invoke("init", "--model", model, "--out", file); code != 1 || !strings.Contains(errs, "--force") {
		t.Errorf("an existing config: %d %s", code, errs)
	}
	out := filepath.Join(dir, "net")
	if code, _, errs := invoke("gen", "--config", file, "--out", out, "--check"); code != 1 || !strings.Contains(errs, "new     ops_gen.go") {
		t.Errorf("--check before: %d %s", code, errs)
	}
	if code, text, errs := invoke("gen", "--config", file, "--out", out, "--check", "--json"); code != 1 || !strings.Contains(text, `"state": "new"`) {
		t.Errorf("--check --json before: %d %s\n%s", code, errs, text)
	}
	if code, _, errs := invoke("gen", "--config", file, "--out", out); code != 0 {
		t.Fatal(errs)
	}
	if code, text, errs := invoke("gen", "--config", file, "--out", out, "--json"); code != 0 || !strings.Contains(text, `"changes": []`) {
		t.Errorf("--json after: %d %s\n%s", code, errs, text)
	}
	if code, _, errs := invoke("gen", "--config", file, "--out", out, "--check"); code != 0 || errs != "" {
		t.Errorf("--check after: %d %s", code, errs)
	}
	if code, diff, _ := invoke("gen", "--config", file, "--out", out, "--diff"); code != 0 || diff != "" {
		t.Errorf("--diff after: %d %s", code, diff)
	}
}

// TestDumpParses: the text form of a real graph after a pass reads back.
func TestDumpParses(t *testing.T) {
	needs.Clone(t)
	code, out, errs := invoke("gen", "--config", config, "--dump=after:drop-dead")
	if code != 0 {
		t.Fatal(errs)
	}
	g, err := ir.Parse(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := ir.Verify(g); err != nil {
		t.Error(err)
	}
	if again := ir.Format(g); again != out {
		t.Error("the text form does not round-trip")
	}
}

// TestMistakes: exit codes, and all mistakes of a config at once with file and line.
func TestMistakes(t *testing.T) {
	needs.Clone(t)
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.toml")
	mistakes := `titel = "x"
[arch]
divisor = 0
blocks = ["BottleneckResidualBlok"]
[var.global_vars]
resolution = [224, 224]
[var.stage_vars]
reduce_depth = [1]
`
	fits := filepath.Join(dir, "fits.toml")
	against := `[var.stage_vars]
reduce_depth = [-2, 0]
reduce_depth_skipped = [40]
[var.block_vars]
BottleneckResidualBlock.expand_ratio = [3, 60]
FFNBlock.expand_ratio = [2]
`
	garbage := filepath.Join(dir, "garbage.onnx")
	for name, text := range map[string]string{bad: mistakes, fits: against, garbage: "not a model"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		code int
		args []string
		want []string
	}{
		{2, []string{"inspct"}, []string{"did you mean inspect?"}},
		{2, []string{"gen", "--outt", "x"}, []string{"--outt"}},
		{2, []string{"init"}, []string{"--model"}},
		{2, []string{"gen", "--config", config, "--dump=drop-dead"}, []string{"after:PASS"}},
		{1, []string{"gen", "--config", config, "--dump=after:nothing"}, []string{`"nothing"`}},
		{1, []string{"gen", "--config", filepath.Join(dir, "none.toml")}, []string{"none.toml"}},
		{1, []string{"inspect", "--config", config, "--model", garbage}, []string{"garbage.onnx"}},
		{2, []string{"inspect", "--config", config, "--input", "x=ax3"}, []string{"name=1x3x224x224"}},
		{1, []string{"inspect", "--config", config, "--input", "y=1x3"}, []string{`no input "y"`, "input"}},
		{1, []string{"gen", "--config", bad}, []string{"bad.toml:1: unknown key titel; did you mean title?", "bad.toml:3", "bad.toml:4", "BottleneckResidualBlock", "bad.toml:6", "bad.toml:8"}},
		{0, []string{"inspect", "--config", fits, "--model", model}, []string{"fits.toml:3: there is no stage 40", "fits.toml:5", "fits.toml:6: the model has no FFNBlock"}},
	} {
		code, _, errs := invoke(c.args...)
		if code != c.code {
			t.Errorf("%v: exit code %d, want %d", c.args, code, c.code)
		}
		for _, want := range c.want {
			if !strings.Contains(errs, want) {
				t.Errorf("%v: %q, want %q", c.args, errs, want)
			}
		}
	}
}

func TestHelp(t *testing.T) {
	for _, c := range commands() {
		code, out, _ := invoke(c.name, "--help")
		if code != 0 || !strings.Contains(out, "Examples:") {
			t.Errorf("%s --help: %d %s", c.name, code, out)
		}
	}
	if code, out, _ := invoke(); code != 0 || !strings.Contains(out, "inspect") {
		t.Errorf("no arguments: %d %s", code, out)
	}
}

// TestInitKeepsToItsFolder: a folder with a program is refused, --package names the package, and --json tells what was written.
func TestInitKeepsToItsFolder(t *testing.T) {
	needs.Clone(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke("init", "--model", model, "--out", filepath.Join(dir, "autotailor.toml")); code != failed || !strings.Contains(errs, "folder of its own") {
		t.Errorf("a folder with a program: %d %s", code, errs)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("something was written: %v, %v", files, err)
	}
	code, out, errs := invoke("init", "--model", model, "--data", "../../generated/data/fashion-mnist", "--out", filepath.Join(dir, "shoes", "autotailor.toml"), "--json")
	if code != ok || !strings.Contains(out, `"package": "shoes"`) {
		t.Errorf("a folder of its own: %d %s\n%s", code, errs, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "shoes", "autotailor.toml"))
	if err != nil || !bytes.Contains(text, []byte("pad = 2\nmean = [0.2")) {
		t.Errorf("%v\n%s", err, text)
	}
	photos := filepath.Join(t.TempDir(), "photos")
	for name, side := range map[string]int{"a/1.png": 40, "b/2.png": 50} {
		path := filepath.Join(photos, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if code, out, errs := invoke("init", "--model", model, "--data", photos, "--out", "-"); code != ok || !strings.Contains(out, "\nresize = 36\n") {
		t.Errorf("init with a folder of pictures: %d %s\n%s", code, errs, out)
	}
	for name, want := range map[string]string{"Net": "cannot be the name", "func": "cannot be the name"} {
		if code, _, errs := invoke("init", "--model", model, "--out", "-", "--package", name); code != failed || !strings.Contains(errs, want) {
			t.Errorf("--package %s: %d %s", name, code, errs)
		}
	}
	if code, out, errs := invoke("init", "--model", model, "--out", "-", "--package", "boots"); code != ok || !strings.Contains(out, `package = "boots"`) {
		t.Errorf("--package: %d %s\n%s", code, errs, out)
	}
}
