package main_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// TestGoVet runs the command as users do. One planted package has mistakes, and go vet fails; the other has none.
func TestGoVet(t *testing.T) {
	needs.Time(t)
	tool, err := exec.Command("go", "tool", "-n", "autotailorvet").Output()
	if err != nil {
		t.Fatal(err)
	}
	vet := func(pkg string) (string, error) {
		out, err := exec.Command("go", "vet", "-vettool="+strings.TrimSpace(string(tool)), "../vet/testdata/"+pkg).CombinedOutput()
		return string(out), err
	}
	if out, err := vet("planted"); err == nil || !strings.Contains(out, "texts.go:15:36: no SubNet of package mobilenetv2") {
		t.Errorf("planted mistakes: %v\n%s", err, out)
	}
	if out, err := vet("right"); err != nil {
		t.Errorf("no mistakes: %v\n%s", err, out)
	}
}
