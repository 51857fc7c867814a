package data

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestOddNumbers: numbers that spoil all that a network computes, or all that is judged, are named with their row.
func TestOddNumbers(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, c := range map[string]struct {
		spoil     float64 // of row 7
		inTarget  bool
		want      string // "" for none
		fractions bool   // the input is float64
	}{
		"NaN input":       {nan, false, "row 7: input \"x\": number 1 is NaN", false},
		"infinite input":  {inf, false, "row 7: input \"x\": number 1 is +Inf", false},
		"too large":       {1e300, false, "row 7: input \"x\": number 1 is +Inf", false},
		"large double":    {1e300, false, "", true},
		"infinite target": {-inf, true, "row 7: target: number 0 is -Inf", false},
		"large target":    {1e300, true, "row 7: target: number 0 is 1e+300", false},
		"unknown target":  {nan, true, "", false},
	} {
		x, y := make([]float64, 20*2), make([]float64, 20)
		for i := range y {
			x[2*i], y[i] = float64(i), float64(i)/3
		}
		if c.inTarget {
			y[7] = c.spoil
		} else {
			x[2*7+1] = c.spoil
		}
		dir := tree(t, map[string][]byte{"train_x.npy": npyFile("<f8", []int{20, 2}, x), "train_y.npy": npyFile("<f8", []int{20}, y)})
		inputs := []nn.Info{info("x", nn.Float32, 2)}
		if c.fractions {
			inputs[0].Type = nn.Float64
		}
		s := openTable(t, dir, "train", inputs, Columns{})
		_, err := s.Inputs(inputs, Numbers(0, s.Len()))
		if err == nil {
			_, err = s.Targets(Numbers(0, s.Len()))
		}
		if got := fmt.Sprint(err); c.want == "" && err != nil || !strings.Contains(got, c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestShortLinesOfText: a language model without targets is judged by the tokens that a row has, and not by those that fill it up.
func TestShortLinesOfText(t *testing.T) {
	dir := tree(t, map[string][]byte{"train.jsonl": []byte("{\"ids\": [5, 6, 7, 8, 9, 10]}\n{\"ids\": [5, 6]}\n{\"ids\": [5]}\n{\"ids\": [5, 6, 7, 8]}\n")})
	inputs := []nn.Info{info("ids", nn.Int64, 4)}
	s := openTable(t, dir, "train", inputs, Columns{Label: "none"})
	want := map[string]bool{"[6 7 8 -1]": true, "[6 -1 -1 -1]": true, "[-1 -1 -1 -1]": true}
	for _, samples := range []Samples{s, Picked(s, []int{3, 1, 0, 2})} {
		seen := map[string]bool{}
		for i := range samples.Len() {
			own, err := LanguageModel().Fit(Signature{Inputs: inputs, Outputs: []nn.Info{info("logits", nn.Float32, 4, 12)}}, samples)
			if err != nil {
				t.Fatal(err)
			}
			got, err := own.Targets([]int{i})
			if err != nil {
				t.Fatal(err)
			}
			seen[fmt.Sprint(got.Int64s())] = true
		}
		if fmt.Sprint(seen) != fmt.Sprint(want) {
			t.Errorf("targets %v, want %v", seen, want)
		}
	}
}
