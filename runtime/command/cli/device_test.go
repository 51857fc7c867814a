package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/runtime/command/cli"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/lut"
)

// drivers are the example drivers.
const drivers = "../../measure/device/drivers/"

// fakeBench stands for benchncnn: every network takes 2 ms.
const fakeBench = `#!/bin/sh
printf '%20s  min = %7.2f  max = %7.2f  avg = %7.2f\n' "$6" 1.90 2.20 2.00 >&2
`

// TestProfileOfADriver: a package without settings of its own has the fusion rules of every driver that comes with autotailor, and the table
// tells what the driver knows.
func TestProfileOfADriver(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no sh")
	}
	dir := t.TempDir()
	bench, table := filepath.Join(dir, "benchncnn"), filepath.Join(dir, "board.lut")
	if err := os.WriteFile(bench, []byte(fakeBench), 0o700); err != nil {
		t.Fatal(err)
	}
	engine := "cmd:env DEVICE=board VERSION=1.0.20250503 PRECISION=fp16 POWERSAVE=2 sh " + drivers + "benchncnn.sh " + bench
	p := result(t, "profile", "--engine", engine, "--runs", "3", "--out", table)
	if p["rules"] != "ncnn" || p["failed"] != 0.0 || p["device"] != "board" || p["original_ms"].(float64) < 2 {
		t.Errorf("%v", p)
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	l, err := lut.Parse(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if h := l.Header; h.Engine != "ncnn" || h.Version != "1.0.20250503" || h.Precision != "fp16" || h.Cores != "big" {
		t.Errorf("%+v", h)
	}
	code, _, errs := invoke(t.Context(), "profile", "--engine", strings.Replace(engine, "fp16", "bf16", 1), "--runs", "3", "--out", table)
	if code != 1 || !strings.Contains(errs, `the table is of precision "fp16", this is "bf16"`) {
		t.Errorf("another precision in one table: exit code %d, %s", code, errs)
	}
}

// TestRulesThatAPackageLacks: the error names what to write and to run.
func TestRulesThatAPackageLacks(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no sh")
	}
	net := *mobilenetv2.Definition()
	net.Rules = net.Rules[:2]
	var out, errs bytes.Buffer
	code := cli.Run(t.Context(), &net, []string{"profile", "--engine", "cmd:sh " + drivers + "benchncnn.sh none", "--dry-run"}, &out, &errs, options())
	for _, want := range []string{`no fusion rules "ncnn", only none, embedded`, "`fusion = [\"embedded\", \"ncnn\"]`", "autotailor.toml", "`go generate`", "--rules none"} {
		if code != 1 || !strings.Contains(errs.String(), want) {
			t.Errorf("exit code %d, want %q\n%s", code, want, errs.String())
		}
	}
	if code := cli.Run(t.Context(), &net, []string{"profile", "--engine", "cmd:sh " + drivers + "benchncnn.sh none", "--rules", "none", "--dry-run"}, &out, &errs, options()); code != 0 {
		t.Errorf("--rules none: exit code %d\n%s", code, errs.String())
	}
}

// accelerator stands for an engine on an execution provider that leaves an operator to the CPU.
type accelerator struct {
	engine.Engine
	options string
}

func (a accelerator) Info() engine.Info {
	i := a.Engine.Info()
	i.Name, i.Options = "npu:big", a.options
	return i
}

func (a accelerator) Fallbacks() string { return "3 Softmax" }

// TestEngineWithOptions: what follows an engine's name reaches it, in a list too; its table has the options, and what ran on the CPU is told.
func TestEngineWithOptions(t *testing.T) {
	var asked []string
	o := options()
	o.Engines = append(o.Engines, cli.Engine{Name: "npu", Open: embedded.Open, With: func(with string, threads int) (engine.Engine, error) {
		asked = append(asked, with)
		e, err := embedded.Open(threads)
		_, text, _ := strings.Cut(with, ",")
		return accelerator{e, text}, err
	}})
	run := func(args ...string) (code int, errs string) {
		var out, e bytes.Buffer
		code = cli.Run(t.Context(), mobilenetv2.Definition(), args, &out, &e, o)
		return code, out.String() + e.String()
	}
	path := filepath.Join(t.TempDir(), "npu.lut")
	code, text := run("profile", "--engine", "npu:big,turns=2,core=a", "--runs", "1", "--out", path, "--json")
	if code != 0 || !strings.Contains(text, `"ran_on_cpu": "3 Softmax"`) || !strings.Contains(text, "npu:big does not take all operators; these ran on the CPU: 3 Softmax") {
		t.Errorf("exit code %d\n%s", code, text)
	}
	if table, err := os.ReadFile(path); err != nil || !bytes.Contains(table, []byte("options: turns=2,core=a\n")) || !bytes.Contains(table, []byte("engine: npu:big\n")) {
		t.Errorf("%.600s, %v", table, err)
	}
	if code, text := run("verify", "--model", model, "--engine", "npu:big,core=b,embedded", "--runs", "1"); code != 0 {
		t.Errorf("two engines: exit code %d\n%s", code, text)
	}
	if want := []string{"big,turns=2,core=a", "big,core=b"}; !slices.Equal(asked, want) {
		t.Errorf("the engine was asked for %q, want %q", asked, want)
	}
	if code, text := run("profile", "--engine", "embedded:fast", "--dry-run"); code != 2 || !strings.Contains(text, "there is no such engine") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}
