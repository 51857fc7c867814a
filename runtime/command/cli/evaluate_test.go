package cli_test

import (
	"math"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// TestEvaluate counts both ends, the smallest SubNet at the original's resolution, a SubNet that is named and random ones, with the numbers that `sensitivity` has for the same images.
func TestEvaluate(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	r := result(t, "evaluate", "--model", model, "--data", images, "--images", "100", "--calibrate", "100", "--random", "2")
	list := r["subnets"].([]any)
	if len(list) != 5 || r["images"] != 100.0 || r["split"] != "test" {
		t.Fatalf("%v", r)
	}
	accuracy := func(k int) float64 { return list[k].(map[string]any)["accuracy"].(float64) }
	if list[0].(map[string]any)["subnet"] != "original" || accuracy(0) < 0.85 || accuracy(1) > accuracy(0) || strings.Contains(list[2].(map[string]any)["subnet"].(string), "resolution") {
		t.Errorf("both ends: %v", list)
	}
	random := r["random"].(map[string]any)
	if mean := (accuracy(3) + accuracy(4)) / 2; math.Abs(random["mean"].(float64)-mean) > 1e-9 || random["min"] != min(accuracy(3), accuracy(4)) {
		t.Errorf("random SubNets: %v of %v", random, list)
	}
	one := result(t, "evaluate", "--model", model, "--data", images, "--images", "100", "--calibrate", "100", "--subnet", "original")
	if got := one["subnets"].([]any); len(got) != 1 || got[0].(map[string]any)["accuracy"] != accuracy(0) {
		t.Errorf("the original again: %v, %v before", got, accuracy(0))
	}
	for _, args := range [][]string{{"--random", "-1"}, {"--subnet", "resolution=1"}} {
		if code, _, errs := invoke(t.Context(), append([]string{"evaluate", "--model", model, "--data", images}, args...)...); code != 2 || !strings.Contains(errs, args[0]) {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
	}
}
