package data

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestSurveyCountsRows: a row is short once, whatever the number of inputs, and unknown targets have no part in the least and the largest.
func TestSurveyCountsRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	text := `{"input_ids": [1, 2], "attention_mask": [1, 1], "y": [0.5, 1]}
{"input_ids": [1, 2, 3], "attention_mask": [1, 1, 1], "y": [1, -2]}
{"input_ids": [1, 2, 3, 4], "attention_mask": [1, 1, 1, 1], "y": [1, 3]}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	inputs := []nn.Info{{Name: "input_ids", Type: nn.Int64, Shape: nn.Shape{-1, 3}}, {Name: "attention_mask", Type: nn.Int64, Shape: nn.Shape{-1, 3}}}
	table, err := OpenTable(path, "train", inputs, Columns{})
	if err != nil {
		t.Fatal(err)
	}
	s := table.Survey(inputs)
	if s.Rows != 3 || s.Short != 1 || s.Cut != 1 || s.Numbers != 6 || s.Unknown != 0 || s.Targets != (Span{-2, 3}) || s.Broken != 0 {
		t.Errorf("%+v", s)
	}
	s.targets([]float64{math.NaN(), 4, math.NaN()})
	if s.Numbers != 9 || s.Unknown != 2 || s.Targets != (Span{-2, 4}) {
		t.Errorf("with unknown ones: %+v", s)
	}
}
