package cli_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
)

// version1 copies files that version 1 wrote, for MobileNetV2 whose first block has no choices, to a new folder.
func version1(t *testing.T) (dir string, files []string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "version1"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"device.lut", "net.acc", "net.acc.joint", "bundle"} {
		files = append(files, filepath.Join(dir, name))
	}
	return dir, files
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		out[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestMigrate converts files of version 1. What version 1 predicted of the SubNets of its bundle is the oracle: the converted tables must say the same
// of what the converted texts mean.
func TestMigrate(t *testing.T) {
	needs.Clone(t)
	dir, files := version1(t)
	before := contents(t, dir)
	if code, out, errs := invoke(t.Context(), append([]string{"migrate", "--dry-run"}, files...)...); code != 0 || strings.Count(out, "to be converted") != 4 || errs != "" {
		t.Errorf("dry run: exit code %d\n%s%s", code, out, errs)
	}
	for name, text := range contents(t, dir) {
		if text != before[name] {
			t.Errorf("the dry run changed %s", name)
		}
	}
	for _, state := range []string{"converted", "of this version already"} {
		if code, out, errs := invoke(t.Context(), append([]string{"migrate"}, files...)...); code != 0 || strings.Count(out, ", "+state+"\n") != 4 || errs != "" {
			t.Fatalf("migrate: exit code %d\n%s%s", code, out, errs)
		}
	}
	old, err := os.ReadFile(filepath.Join("testdata", "version1", "bundle", bundle.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	var want, got bundle.Manifest
	now := contents(t, dir)
	if err := json.Unmarshal(old, &want); err != nil {
		t.Fatal(err)
	}
	if got, err = bundle.Decode(strings.NewReader(now["bundle/"+bundle.ManifestName]), mobilenetv2.Definition()); err != nil {
		t.Fatal(err)
	}
	latencies, err := mobilenetv2.ReadLUT(strings.NewReader(now["device.lut"]))
	if err != nil {
		t.Fatal(err)
	}
	accuracies, err := mobilenetv2.ReadAccuracy(strings.NewReader(now["net.acc"]))
	if err != nil {
		t.Fatal(err)
	}
	for k, w := range want.SubNets {
		s, err := mobilenetv2.ParseSubNet(got.SubNets[k].SubNet)
		if err != nil {
			t.Fatal(err)
		}
		if ms := float64(latencies.Latency(s)) / 1e6; math.Abs(ms-w.LatencyMS) > 1e-9 || math.Abs(accuracies.Predict(s)-w.Accuracy) > 1e-9 {
			t.Errorf("%v: %v ms, %v; version 1 predicted %v ms, %v", s, ms, accuracies.Predict(s), w.LatencyMS, w.Accuracy)
		}
		if s.MACs() != w.MACs || s.Params() != w.Params || s.PeakMemory() != w.Memory {
			t.Errorf("%v: %d MACs, %d parameters, %d bytes; version 1 counted %d, %d, %d", s, s.MACs(), s.Params(), s.PeakMemory(), w.MACs, w.Params, w.Memory)
		}
	}
	table, err := accuracy.Read(strings.NewReader(now["net.acc"]), mobilenetv2.Definition())
	if err != nil {
		t.Fatal(err)
	}
	joint, err := accuracy.OpenJoint(filepath.Join(dir, "net.acc.joint"), mobilenetv2.Definition(), table.Header)
	if err != nil || len(joint.List()) != strings.Count(before["net.acc.joint"], "resolution=") {
		t.Fatalf("joint accuracies: %v, %v", joint, err)
	}
	if err := joint.Close(); err != nil {
		t.Error(err)
	}
}

// TestVersion1IsRefused: every other command says what to do about a file or a text of version 1.
func TestVersion1IsRefused(t *testing.T) {
	needs.Clone(t)
	dir, files := version1(t)
	if code, _, errs := invoke(t.Context(), "migrate", files[1]); code != 0 {
		t.Fatal(errs)
	}
	lut, acc := files[0], filepath.Join("testdata", "version1", "net.acc")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"search", "--lut", lut, "--accuracy", files[1]}, "version 1 wrote the file; convert it with `mobilenetv2 migrate FILE`"},
		{[]string{"search", "--objective", "macs", "--accuracy", acc}, "version 1 wrote the file; convert it with `mobilenetv2 migrate FILE`"},
		{[]string{"profile", "--out", filepath.Join(dir, "new.lut"), "--from", lut}, "mobilenetv2 migrate"},
		{[]string{"serve", "--bundle", files[3]}, "version 1 wrote the bundle; convert it with `mobilenetv2 migrate manifest.json`"},
		{[]string{"info", "--subnet", "resolution=16,stage0.2.expand=3"}, `was written by version 1; write "resolution=16,stage0.1.expand=3"`},
		{[]string{"migrate", files[0], filepath.Join(dir, "none")}, "nothing was written"},
		{[]string{"migrate", "testdata/version1"}, "nothing was written"},
		{[]string{"migrate", "migrate_test.go"}, "it is not a file of latencies"},
		{[]string{"migrate"}, "want at least one argument, FILE..."},
	} {
		if code, out, errs := invoke(t.Context(), c.args...); code == 0 || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit code %d, %s%s\nwant %s", c.args, code, out, errs, c.want)
		}
	}
	note := "note: version 1 called stage0.1.expand stage0.2.expand; a text that it wrote means another SubNet here\n"
	for text, want := range map[string]string{"resolution=16,stage0.1.expand=3": note, "stage0.0.expand=3": "", "stage1.1.expand=3": ""} {
		if code, _, errs := invoke(t.Context(), "info", "--subnet", text); code != 0 || errs != want {
			t.Errorf("info --subnet %s: exit code %d, %q, want %q", text, code, errs, want)
		}
	}
	if text, err := os.ReadFile(lut); err != nil || !bytes.HasPrefix(text, []byte("format: autotailor latencies 5\n")) {
		t.Errorf("a migrate that failed changed a file: %v", err)
	}
}

// TestMigrateChecks that a file is of this package: files that do not fit are refused, and stay.
func TestMigrateChecks(t *testing.T) {
	needs.Clone(t)
	for name, change := range map[string][3]string{
		"another package":    {"device.lut", "package: mobilenetv2", "package: resnet50"},
		"another space":      {"net.acc", "digest: c86681", "digest: 000000"},
		"another model":      {"net.acc.joint", "source: 676cef", "source: 000000"},
		"an unknown choice":  {"net.acc", "stage0.1.expand=4", "stage9.1.expand=4"},
		"a damaged row":      {"device.lut", "\n0 3 218", "\n0 3 x18"},
		"no SubNet":          {"bundle/manifest.json", `"resolution=16,stage0.1.expand=4`, `"resolution=17,stage0.1.expand=4`},
		"an unknown version": {"device.lut", "latencies 5", "latencies 3"},
	} {
		dir, files := version1(t)
		path := filepath.Join(dir, change[0])
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), change[1]) {
			t.Fatalf("%s: %v", name, err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), change[1], change[2], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		before := contents(t, dir)
		if code, out, errs := invoke(t.Context(), append([]string{"migrate"}, files...)...); code != 1 || !strings.Contains(errs, filepath.Base(strings.Split(change[0], "/")[0])) {
			t.Errorf("%s: exit code %d, %s%s", name, code, out, errs)
		}
		for file, was := range before {
			if now := contents(t, dir)[file]; now != was {
				t.Errorf("%s: %s was changed", name, file)
			}
		}
	}
}
