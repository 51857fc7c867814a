package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/accuracy"
)

// TestFrontsEndAtChance: weights that were not tuned lose more in each choice than there is to lose. No front has SubNets that are predicted to be
// no better than guessing one of ten classes, and none has an accuracy below 0.
func TestFrontsEndAtChance(t *testing.T) {
	latencies, accuracies := tablesOf(t, t.TempDir(), accuracy.Header{}, 120)
	search := []string{"search", "--lut", latencies, "--accuracy", accuracies}
	points := func(args ...string) (list []point, code int, errs string) {
		code, out, errs := invoke(t.Context(), append(append(search, "--json"), args...)...)
		var r struct{ Points []point }
		if err := json.Unmarshal([]byte(out), &r); code == 0 && err != nil {
			t.Fatal(err)
		}
		return r.Points, code, errs
	}
	if code, out, errs := invoke(t.Context(), search...); code != 0 || strings.Contains(out, "note:") || strings.Count(errs, "note: accuracies are predictions") != 1 {
		t.Errorf("notes: exit code %d\n%s\n%s", code, out, errs)
	}
	all, code, errs := points()
	if code != 0 || len(all) < 3 || !strings.Contains(errs, "no better than guessing (10.0 %)") {
		t.Fatalf("exit code %d, %d points\n%s", code, len(all), errs)
	}
	for _, p := range all {
		if p.Accuracy <= 0.1 || p.Accuracy > 1 {
			t.Errorf("%s: accuracy %g", p.SubNet, p.Accuracy)
		}
	}
	for args, want := range map[string]func(list []point, code int, errs string) bool{
		"--min-accuracy=0.8": func(list []point, code int, _ string) bool {
			return code == 0 && len(list) > 0 && len(list) < len(all) && list[0].Accuracy >= 0.8
		},
		"--points=3": func(list []point, code int, _ string) bool {
			return code == 0 && len(list) == 3 && list[0] == all[0] && list[2] == all[len(all)-1]
		},
		"--points=1": func(list []point, code int, _ string) bool {
			return code == 0 && len(list) == 1 && list[0] == all[len(all)-1]
		},
		"--min-accuracy=0.99": func(_ []point, code int, errs string) bool { return code == 3 && strings.Contains(errs, "0.99") },
		"--min-accuracy=7":    func(_ []point, code int, errs string) bool { return code == 2 && strings.Contains(errs, "from 0 to 1") },
		"--points=-1":         func(_ []point, code int, _ string) bool { return code == 2 },
		"--budget=1ns":        func(_ []point, code int, _ string) bool { return code == 3 },
	} {
		if list, code, errs := points(args); !want(list, code, errs) {
			t.Errorf("%s: exit code %d, %v\n%s", args, code, list, errs)
		}
	}
}

// point is a SubNet of a front.
type point struct {
	SubNet   string  `json:"subnet"`
	Accuracy float64 `json:"accuracy"`
}
