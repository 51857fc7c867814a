package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/vit"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// TestStatus leads through a folder: what is there, what is stale and why, and what comes next.
func TestStatus(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	dir := t.TempDir()
	type file struct{ File, Kind, State, Why string }
	status := func() (files map[string]file, next []string) {
		t.Helper()
		code, out, errs := invoke(t.Context(), "status", "--dir", dir, "--json")
		var r struct {
			Files []file
			Next  []string
		}
		if err := json.Unmarshal([]byte(out), &r); code != 0 || err != nil {
			t.Fatalf("exit code %d, %v\n%s", code, err, errs)
		}
		files = map[string]file{}
		for _, f := range r.Files {
			files[filepath.Base(f.File)] = f
		}
		return files, r.Next
	}
	expect := func(when string, next []string, starts ...string) {
		t.Helper()
		for i, want := range starts {
			if i >= len(next) || !strings.HasPrefix(next[i], want) {
				t.Fatalf("%s: next %q, want %q", when, next, starts)
			}
		}
		if len(next) != len(starts) {
			t.Errorf("%s: next %q, want %q", when, next, starts)
		}
	}
	_, next := status()
	expect("an empty folder", next, "mobilenetv2 profile", "(the weights are not here: put mobilenetv2.onnx")
	raw, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, raw []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("mobilenetv2.onnx", raw)
	m, err := onnxfile.Open(model)
	if err != nil {
		t.Fatal(err)
	}
	tables(t, dir, accuracy.Header{Weights: m.SHA256, Model: "mobilenetv2.onnx"})
	files, next := status()
	for name, state := range map[string]string{"mobilenetv2.onnx": "ok", "net.lut": "ok", "net.acc": "ok"} {
		if files[name].State != state {
			t.Errorf("%s: %+v, want %s", name, files[name], state)
		}
	}
	expect("tables", next, "mobilenetv2 tune", "mobilenetv2 search", "mobilenetv2 export")
	tables(t, dir, accuracy.Header{Weights: strings.Repeat("ab", 32), Model: "old.onnx"})
	other := vit.Definition()
	if err := lut.New(other, lut.HeaderOf(other)).WriteFile(filepath.Join(dir, "vit.lut")); err != nil {
		t.Fatal(err)
	}
	put("tuned.onnx.checkpoint", nil)
	put("broken.onnx", []byte("nothing"))
	put("net.acc.sample.tar", []byte("nothing"))
	if code, _, errs := invoke(t.Context(), "export", "--model", model, "--out", filepath.Join(dir, "whole.onnx")); code != 0 {
		t.Fatal(errs)
	}
	files, next = status()
	for name, want := range map[string]file{
		"net.acc": {State: "stale", Why: "old.onnx"}, "vit.lut": {State: "stale", Why: "vit"}, "tuned.onnx.checkpoint": {State: "unfinished", Why: "goes on"},
		"broken.onnx": {State: "other"}, "net.acc.sample.tar": {State: "stale", Why: "no sample"}, "whole.onnx": {State: "other", Why: "an export: SubNet original"},
	} {
		if f := files[name]; f.State != want.State || !strings.Contains(f.Why, want.Why) {
			t.Errorf("%s: %+v, want %+v", name, f, want)
		}
	}
	expect("stale sensitivities", next, "mobilenetv2 tune", "mobilenetv2 sensitivity")
	if code, out, _ := invoke(t.Context(), "status", "--dir", dir); code != 0 || !strings.Contains(out, "next:\n  mobilenetv2 tune") {
		t.Errorf("as text: exit code %d\n%s", code, out)
	}
	if code, _, _ := invoke(t.Context(), "status", "--dir", filepath.Join(dir, "none")); code != 1 {
		t.Errorf("no folder: exit code %d", code)
	}
}
