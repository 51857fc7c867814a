package gen

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// foldersWithBroken writes n grey pictures of two classes, of which the given number are cut off.
func foldersWithBroken(t *testing.T, n, broken int) string {
	t.Helper()
	dir := t.TempDir()
	for k := range n {
		img := image.NewGray(image.Rect(0, 0, 28, 28))
		for i := range img.Pix {
			img.Pix[i] = byte(i*k + k)
		}
		img.SetGray(k%28, 3, color.Gray{Y: 255})
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		file := b.Bytes()
		if k < broken {
			file = file[:len(file)/2]
		}
		path := filepath.Join(dir, "train", fmt.Sprint(k%2), fmt.Sprintf("%d.png", k))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestBrokenPictures: init and renormalise go on where a few pictures are broken, name them, and refuse more.
func TestBrokenPictures(t *testing.T) {
	needs.Clone(t)
	const model = "../generated/models/mobilenetv2.onnx"
	for name, c := range map[string]struct {
		n, broken, skip int
		ok              bool
	}{
		"none": {40, 0, 0, true}, "a tenth": {40, 4, 0, true}, "one of few": {5, 1, 0, true}, "more": {40, 5, 0, false},
		"as allowed": {40, 5, 5, true}, "more than allowed": {40, 5, 4, false},
	} {
		var told []string
		p := Proposal{Model: model, Dir: t.TempDir(), Package: "x", Data: foldersWithBroken(t, c.n, c.broken), Skip: c.skip, Note: func(text string) { told = append(told, text) }}
		text, _, err := p.Config()
		said := strings.Contains(strings.Join(told, "\n"), fmt.Sprintf("%d broken pictures are left out", c.broken)) && strings.Contains(strings.Join(told, "\n"), "0.png")
		if (err == nil) != c.ok || c.ok && (said != (c.broken > 0) || !strings.Contains(string(text), "mean = [")) || !c.ok && !strings.Contains(err.Error(), "0.png") {
			t.Errorf("%s: %v, told %q", name, err, told)
		}
	}
	g, err := Network(model)
	if err != nil {
		t.Fatal(err)
	}
	w, err := onnxfile.Open(model)
	if err != nil {
		t.Fatal(err)
	}
	folded := filepath.Join(t.TempDir(), "folded.onnx")
	var b bytes.Buffer
	if err := onnxfile.Write(&b, g, w, onnxfile.WriteOptions{Opset: w.Opset, Fold: true}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folded, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	j, dir := Job{Config: "../generated/mobilenetv2/autotailor.toml", Model: folded}, foldersWithBroken(t, 20, 2)
	if _, _, _, err := j.Renormalise(dir, 20, 0); err == nil || !strings.Contains(err.Error(), "--skip") {
		t.Errorf("renormalise without --skip: %v", err)
	}
	if _, count, skipped, err := j.Renormalise(dir, 20, 2); err != nil || count == 0 || len(skipped) != 2 {
		t.Errorf("renormalise: %d normalisations, left out %v, %v", count, skipped, err)
	}
}
