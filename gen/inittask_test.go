package gen

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// TestInitProposesOriginal: images without classes, and outputs that score none, are judged by agreement with the original.
func TestInitProposesOriginal(t *testing.T) {
	needs.Clone(t)
	classifier, detector := "../generated/models/mobilenetv2.onnx", "../internal/conform/testdata/strangers/yolov5.onnx"
	for name, c := range map[string]struct {
		model, folder string
		want          string // in the note, "" for classification
	}{
		"classes":       {classifier, ".", ""},
		"no classes":    {classifier, "train/0", "The images have no classes"},
		"detector":      {detector, ".", "scores no classes"},
		"detector, too": {detector, "train/1", "The images have no classes"},
	} {
		var told []string
		p := Proposal{Model: c.model, Dir: t.TempDir(), Package: "x", Data: filepath.Join(foldersWithBroken(t, 40, 0), filepath.FromSlash(c.folder)), Note: func(text string) { told = append(told, text) }}
		text, _, err := p.Config()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		proposed := strings.Contains(string(text), "\ntask = \"original\"\n")
		if notes := strings.Join(told, "\n"); proposed != (c.want != "") || !strings.Contains(notes, c.want) || proposed != strings.Contains(string(text), "does not show when these numbers are wrong") {
			t.Errorf("%s: told %q, proposed\n%s", name, notes, text)
		}
	}
}
