package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/internal/onnx/attack"
)

// TestBadModels: every command that reads a model ends alike for one that lies, and writes nothing.
func TestBadModels(t *testing.T) {
	base, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	list := attack.Models(t, base)
	dir := filepath.Dir(list[0].Path)
	for _, name := range []string{"ovf", "sym", "fifo"} { // as they were found, of another model
		data, err := os.ReadFile(filepath.Join("testdata", "attack", name+".onnx"))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "found-"+name+".onnx")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		list = append(list, attack.Model{Name: "found " + name, Path: path, Want: "f.0.weight"})
	}
	out := t.TempDir()
	for _, m := range list {
		for _, args := range [][]string{
			{"init", "--model", m.Path, "--out", filepath.Join(out, "autotailor.toml")},
			{"inspect", "--config", config, "--model", m.Path},
			{"inspect", "--config", config, "--model", m.Path, "--why", "input"},
			{"gen", "--config", config, "--model", m.Path, "--out", filepath.Join(out, "net")},
			{"gen", "--config", config, "--model", m.Path, "--dump=after:drop-dead"},
			{"renormalise", "--config", config, "--model", m.Path, "--data", "../../generated/data/fashion-mnist", "--out", filepath.Join(out, "model.onnx")},
		} {
			want := m
			if args[0] == "renormalise" {
				want.Want = "" // it refuses all external data
			}
			t.Run(args[0]+" "+m.Name, func(t *testing.T) {
				attack.Refused(t, want, func() (int, string, string) { return invoke(args...) })
			})
		}
	}
	if files, err := filepath.Glob(filepath.Join(out, "*")); err != nil || len(files) > 0 {
		t.Errorf("%v was written, %v", files, err)
	}
}
