package accuracy

import (
	"math"
	"testing"
)

// TestGuessing: guessing is worth something where outputs score classes and are judged by them, and nowhere else.
func TestGuessing(t *testing.T) {
	agreement := Header{Task: "original", Metric: Metric{Name: "agreement"}, Units: PartsOfQuality}
	for _, c := range []struct {
		what    string
		header  Header
		classes []int
		want    int64
	}{
		{"accuracy", Header{Images: 200}, []int{10}, 900 - 20},
		{"top-5", Header{Images: 200, Metric: Metric{Name: "top-5"}}, []int{10}, 900 - 100},
		{"accuracy of what scores no classes", Header{Images: 200}, []int{0}, math.MaxInt64},
		{"agreement", agreement, []int{10}, 900 - 2000},
		{"agreement of two outputs", agreement, []int{10, 2}, 900 - 6000},
		{"agreement of maps", agreement, []int{0}, math.MaxInt64},
		{"agreement of classes and maps", agreement, []int{10, 0}, math.MaxInt64},
		{"no output", agreement, nil, math.MaxInt64},
	} {
		table := Table{Header: c.header, Base: 900}
		if got := table.guessed(c.classes); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
	regression := Table{Header: Header{Task: "regression", Metric: Metric{Name: "absolute error", LowerIsBetter: true}, Units: PartsOfQuality}}
	if got, err := regression.guessing(nil); got != math.MaxInt64 || err != nil {
		t.Errorf("regression: %d, %v", got, err)
	}
}
