package policy

import (
	"slices"
	"strings"
	"testing"
)

// wings are the parts of runtime/ in their order: a package imports packages of its own wing and of those before it.
// The first wing is runtime/ itself, whose packages a generated package imports.
var wings = []struct{ folder, holds string }{
	{"runtime", "what a generated package imports: networks, tables, predictors, search, ONNX files"},
	{"runtime/engine", "what computes a network: forward, and backward for training"},
	{"runtime/train", "data, sensitivities and tuning"},
	{"runtime/deploy", "what leaves the house: bundles, NCNN, a server that changes SubNets"},
	{"runtime/measure", "devices and their latencies"},
	{"runtime/command", "the command line of generated programs, reports, manual pages"},
}

// maxArrows bounds the imports between packages below runtime/, outside tests.
const maxArrows = 99

// wing returns the index in wings of a package's wing, or -1 for a package outside runtime/.
func wing(importPath string) int {
	rel, ours := strings.CutPrefix(importPath, module+"/")
	if !ours || !strings.HasPrefix(rel, "runtime/") {
		return -1
	}
	for i, w := range slices.Backward(wings) {
		if rel == w.folder || strings.HasPrefix(rel, w.folder+"/") {
			return i
		}
	}
	return -1
}

// TestWings: no package imports one of a later wing, and few packages know each other.
func TestWings(t *testing.T) {
	arrows := 0
	for _, p := range list(t) {
		from := wing(p.ImportPath)
		for _, d := range p.Imports {
			to := wing(d)
			if from < 0 || to < 0 {
				continue
			}
			arrows++
			if to > from {
				t.Errorf("%s imports %s: %s comes after %s", p.ImportPath, d, wings[to].folder, wings[from].folder)
			}
		}
	}
	t.Logf("%d imports between packages below runtime/", arrows)
	if arrows > maxArrows {
		t.Errorf("%d imports between packages below runtime/, more than %d", arrows, maxArrows)
	}
}

// TestLeaves: packages of internal/ that others import outside tests import nothing of this module but each other.
func TestLeaves(t *testing.T) {
	for _, p := range list(t) {
		rel := strings.TrimPrefix(p.ImportPath, module+"/")
		if !strings.HasPrefix(rel, "internal/") {
			continue
		}
		for _, d := range p.Imports {
			if own, ok := strings.CutPrefix(d, module+"/"); ok && !strings.HasPrefix(own, "internal/") {
				t.Errorf("%s imports %s: internal/ holds leaves only", p.ImportPath, own)
			}
		}
	}
}
