package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/runtime/command/cli"
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
