package vet_test

import (
	"path/filepath"
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/autotailor/autotailor/gen/vet"
	"github.com/autotailor/autotailor/internal/needs"
)

// TestMistakes: what is planted in testdata/planted is found, line by line, and nothing of what looks like it in testdata/right. Both use
// the generated packages of this repository.
func TestMistakes(t *testing.T) {
	needs.Time(t)
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, r := range analysistest.Run(t, root, vet.New(), "./gen/vet/testdata/planted", "./gen/vet/testdata/strange", "./gen/vet/testdata/right") {
		found += len(r.Diagnostics)
	}
	if found < 10 {
		t.Errorf("%d mistakes found, want at least ten", found)
	}
}
