package cli_test

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// pictures writes the first n images of both splits of the IDX files as PNG files in class folders.
func pictures(t *testing.T, n int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, split := range []string{"train", "test"} {
		set, err := data.Open(images, split, data.Size{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			img := image.NewGray(image.Rect(0, 0, set.Width, set.Height))
			if err := set.Read(i, img.Pix); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, split, fmt.Sprintf("class %d", set.Labels[i]), fmt.Sprintf("%d.png", i))
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, img); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// TestArraysOfImages: images of bytes in NumPy's files count like the IDX files that they were made of.
func TestArraysOfImages(t *testing.T) {
	needs.Clone(t)
	const n = 60
	dir := t.TempDir()
	for _, split := range []string{"train", "test"} {
		set, err := data.Open(images, split, data.Size{})
		if err != nil {
			t.Fatal(err)
		}
		set = set.Slice(0, n)
		y := make([]byte, n)
		for i, label := range set.Labels {
			y[i] = byte(label)
		}
		for name, a := range map[string]struct {
			shape string
			raw   []byte
		}{"x": {fmt.Sprintf("%d, %d, %d", n, set.Height, set.Width), set.Pixels}, "y": {fmt.Sprint(n, ","), y}} {
			head := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }\n", a.shape)
			file := append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), byte(len(head)>>8))
			if err := os.WriteFile(filepath.Join(dir, split+"_"+name+".npy"), append(append(file, head...), a.raw...), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	args := []string{"evaluate", "--model", model, "--calibrate", "0", "--images", fmt.Sprint(n), "--subnet", "original", "--subnet", "resolution=16", "--data"}
	got, want := result(t, append(args, dir)...), result(t, append(args, images)...)
	if fmt.Sprint(got["subnets"]) != fmt.Sprint(want["subnets"]) {
		t.Errorf("arrays: %v, IDX files: %v", got["subnets"], want["subnets"])
	}
}

// TestFolderOfPictures: a folder of pictures counts like the IDX files that it was made of, and goes through tuning and recalibrated exports.
func TestFolderOfPictures(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	const n = 100
	dir := pictures(t, n)
	args := func(dir string) []string {
		return []string{"evaluate", "--model", model, "--data", dir, "--images", fmt.Sprint(n), "--calibrate", "0", "--subnet", "original", "--subnet", "resolution=16"}
	}
	got, want := result(t, args(dir)...), result(t, args(images)...)
	if fmt.Sprint(got["subnets"]) != fmt.Sprint(want["subnets"]) {
		t.Errorf("pictures: %v, IDX files: %v", got["subnets"], want["subnets"])
	}
	out := t.TempDir()
	table := filepath.Join(out, "net.acc")
	result(t, "sensitivity", "--model", model, "--data", dir, "--images", "4", "--calibrate", "0", "--out", table)
	if text, err := os.ReadFile(table); err != nil || !strings.Contains(string(text), `classes: ["class 0","class 1",`) {
		t.Errorf("the table does not name the classes (%v)", err)
	}
	export := []string{"export", "--model", model, "--subnet", "resolution=16", "--out", filepath.Join(out, "x.onnx"), "--recalibrate", dir}
	if code, _, errs := invoke(t.Context(), export...); code != 0 || strings.Count(errs, "data = { resize") != 1 {
		t.Errorf("export: exit code %d\n%s", code, errs)
	}
	if code, _, errs := invoke(t.Context(), "tune", "--model", model, "--data", dir, "--dry-run", "--steps", "2", "--batch", "8", "--subnets", "1", "--check", "20"); code != 0 || strings.Count(errs, "data = { resize") != 1 {
		t.Errorf("tune --dry-run: exit code %d\n%s", code, errs)
	}
	tuned := result(t, "tune", "--model", model, "--data", dir, "--steps", "2", "--batch", "8", "--subnets", "1", "--calibrate", "16", "--check", "20", "--out", filepath.Join(out, "tuned.onnx"))
	if h := tuned["history"].([]any); len(h) == 0 {
		t.Error("tune: no history")
	}
	broken := filepath.Join(dir, "test", "class 9", "a broken one.png")
	if err := os.WriteFile(broken, []byte("nothing"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke(t.Context(), append(args(dir)[:6], "0")...); code != 1 || !strings.Contains(errs, filepath.Base(broken)) {
		t.Errorf("a broken picture: exit code %d\n%s", code, errs)
	}
}

// TestFailedCountBlocksNothing: a count that fails at a broken picture leaves nothing that its remedy, --skip, fails on; work that is there is kept.
func TestFailedCountBlocksNothing(t *testing.T) {
	needs.Clone(t)
	dir, out := pictures(t, 40), filepath.Join(t.TempDir(), "net.acc")
	args := []string{"sensitivity", "--model", model, "--data", dir, "--images", "20", "--calibrate", "20", "--out", out}
	var broken []string
	_ = filepath.Walk(filepath.Join(dir, "train"), func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			broken = append(broken, path)
		}
		return err
	})
	for k, path := range broken { // one after the other: at least one is among those that are counted, and not among those for statistics
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, whole[:len(whole)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, text := invoke(t.Context(), args...)
		if code == 0 || !strings.Contains(text, "--skip") {
			t.Fatalf("exit code %d: %s", code, text)
		}
		if _, err := os.Stat(out); err == nil || k == len(broken)-1 {
			break // a table was begun
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(out + ".stats"); err == nil {
		t.Error("statistics were written of a table without a row")
	}
	if code, _, text := invoke(t.Context(), append(args, "--skip", "3")...); code != 0 {
		t.Fatalf("with --skip: exit code %d: %s", code, text)
	}
	code, _, text := invoke(t.Context(), "sensitivity", "--model", model, "--data", images, "--images", "20", "--calibrate", "20", "--out", out)
	if code == 0 || !strings.Contains(text, out+" and "+out+".stats away") {
		t.Errorf("other images: exit code %d: %s", code, text)
	}
}
