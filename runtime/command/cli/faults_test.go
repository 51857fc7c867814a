package cli_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/internal/outfile/faulty"
	"github.com/autotailor/autotailor/runtime/command/cli"
)

// snapshot reads all files of a folder and those below it.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// restore makes a folder what a snapshot says.
func restore(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFaults has the file system fail at each call of each command that writes: afterwards each file is what it was before or what the command makes
// of it, the error names file and cause, and the same command again does what it should, with nothing left over.
func TestFaults(t *testing.T) {
	needs.Clone(t)
	dir := filepath.Join(t.TempDir(), "work")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	result(t, "profile", "--out", at("a.lut"), "--runs", "1", "--method", "isolated")
	result(t, "sensitivity", "--model", model, "--data", images, "--images", "2", "--calibrate", "4", "--out", at("a.acc"))
	tables := []string{"--lut", at("a.lut"), "--accuracy", at("a.acc")}
	for name, args := range map[string][]string{
		"onnx":        {"export", "--model", model, "--subnet", "resolution=16", "--no-recalibration", "--force", "--out", at("a.onnx")},
		"ncnn":        {"export", "--model", model, "--subnet", "resolution=16", "--no-recalibration", "--force", "--format", "ncnn", "--out", at("b")},
		"safetensors": {"export", "--model", model, "--subnet", "resolution=16", "--no-recalibration", "--force", "--format", "safetensors", "--out", at("c")},
		"bundle":      append([]string{"export", "--model", model, "--front", "2", "--no-recalibration", "--dir", at("bundle")}, tables...),
		"report":      append([]string{"report", "--out", at("report")}, tables...),
	} {
		step := 1
		if name == "report" { // plots take long
			step = 5
		}
		t.Run(name, func(t *testing.T) { walkFaults(t, dir, step, args) })
	}
}

// walkFaults lets each call fail that a command makes, where it finds nothing and where it finds older files of its own.
func walkFaults(t *testing.T, dir string, step int, args []string) {
	fresh := snapshot(t, dir)
	defer restore(t, dir, fresh)
	result(t, args...)
	done := snapshot(t, dir)
	older := maps.Clone(done)
	for name := range done {
		if _, was := fresh[name]; !was && !strings.HasSuffix(name, ".json") && !strings.HasSuffix(name, ".html") {
			older[name] = "older"
		}
	}
	for _, kind := range faulty.Kinds() {
		before := fresh
		if kind == faulty.Crash || kind == faulty.Full {
			before = older
		}
		for at := 0; ; at += step {
			restore(t, dir, before)
			f := faulty.New(outfile.Disk(), kind, at)
			code, errs := 0, ""
			t.Run("", func(t *testing.T) {
				outfile.Use(t, f)
				code, _, errs = invoke(t.Context(), args...)
			})
			if !f.Failed() {
				break
			}
			where := fmt.Sprintf("%v at call %d (%s)", kind, at, f.Call())
			if code != 0 && (!strings.Contains(errs, faulty.Cause(kind)) || !strings.Contains(errs, dir)) {
				t.Errorf("%s: the message does not name file and cause: %s", where, errs)
			}
			compare(t, where, snapshot(t, dir), before, done)
			if at%5 > 0 || step > 1 && at > 0 {
				continue
			}
			if code, _, errs := invoke(t.Context(), args...); code != 0 {
				t.Fatalf("%s; then again: %s", where, errs)
			}
			if got := snapshot(t, dir); !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(done))) {
				t.Errorf("%s; then again: files %q, want %q", where, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(done)))
			}
		}
	}
}

// compare checks that each file is what it was or what the command makes of it.
func compare(t *testing.T, where string, got, before, done map[string]string) {
	t.Helper()
	for name, text := range got {
		old, was := before[name]
		if strings.HasSuffix(name, "~autotailor") || was && text == old || text == done[name] {
			continue
		}
		if strings.HasSuffix(name, ".html") && strings.HasSuffix(strings.TrimSpace(text), "</html>") { // it has the time
			continue
		}
		t.Errorf("%s: %s is neither what it was nor what it should be: %d bytes", where, name, len(text))
	}
	for name := range before {
		if _, ok := got[name]; !ok {
			t.Errorf("%s: %s is gone", where, name)
		}
	}
}

// fullOutput is standard output on a full disk.
type fullOutput struct{ room int }

func (f *fullOutput) Write(b []byte) (int, error) {
	if len(b) > f.room {
		return 0, errors.New("no space left on device")
	}
	f.room -= len(b)
	return len(b), nil
}

// TestFullOutput: a command whose results cannot be printed has failed, whether nothing is printed or the start only.
func TestFullOutput(t *testing.T) {
	for _, room := range []int{0, 10} {
		for _, line := range []string{"", "help", "--version", "version", "version --json", "info", "info --json", "info --help", "man", "completion bash", "status", "status --json", "profile --dry-run", "profile --dry-run --json"} {
			var errs strings.Builder
			code := cli.Run(t.Context(), mobilenetv2.Definition(), strings.Fields(line), &fullOutput{room}, &errs, options())
			if code != 1 || !strings.Contains(errs.String(), "standard output cannot be written: no space") {
				t.Errorf("%q: exit code %d, %s", line, code, errs.String())
			}
		}
	}
}
