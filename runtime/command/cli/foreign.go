package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/measure/profile"
)

// reportFree refuses to write a report over files of the same names that no report wrote: those of a folder without a report of ours.
func reportFree(dir string) error {
	page, err := infile.Read(filepath.Join(dir, "report.html"), infile.Table)
	if err == nil && bytes.Contains(page, []byte(`id="data">`)) {
		return nil
	}
	return noneOf(dir, "report", "report.html", "front.csv", "front.png", "front.svg", "operators.png", "operators.svg", "sensitivities.png", "sensitivities.svg", "checked.png", "checked.svg")
}

// bundleFree refuses to write a bundle over files of the same names that no bundle has.
func bundleFree(dir string) error {
	text, err := infile.Read(filepath.Join(dir, bundle.ManifestName), infile.Text)
	if err == nil && bytes.Contains(text, []byte(`"format": "autotailor bundle `)) {
		return nil
	}
	return noneOf(dir, "bundle", bundle.ManifestName, "weights.onnx", "statistics-*.onnx")
}

// rulesFree refuses to write fusion rules over a file that no profile wrote.
func rulesFree(path string) error {
	text, err := infile.Read(path, infile.Text)
	if errors.Is(err, os.ErrNotExist) || err == nil && bytes.HasPrefix(text, []byte(profile.RulesHead)) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%s has no fusion rules of a profile and would be written over: move it away", path)
}

// noneOf refuses a folder that has a file which a pattern fits.
func noneOf(dir, what string, patterns ...string) error {
	for _, p := range patterns {
		if list, err := filepath.Glob(filepath.Join(dir, p)); err == nil && len(list) > 0 {
			return fmt.Errorf("%s is of no %s and would be written over: give another folder, or move it away", list[0], what)
		}
	}
	return nil
}
