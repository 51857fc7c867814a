package gen

import (
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// TestTaskOfLabels: masks of which some are not known (-1) are labels, other numbers are not.
func TestTaskOfLabels(t *testing.T) {
	outputs := []nn.Info{{Name: "y", Type: nn.Float32, Shape: nn.Shape{-1, 3}}}
	for span, want := range map[data.Span]string{{Least: 0, Most: 1}: "labels", {Least: -1, Most: 1}: "labels", {Least: -2, Most: 1}: "regression", {Least: 0, Most: 2}: "regression"} {
		s := data.Survey{Rows: 9, Target: nn.Int64, Shape: []int{3}, Targets: span, Whole: true}
		if got := taskFor(s, outputs, "tags"); got != want {
			t.Errorf("%v: task %q, want %q", span, got, want)
		}
	}
}
