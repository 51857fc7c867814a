package data

import (
	"math"
	"testing"
)

// TestStatisticsByHand: two images of two channels and two pixels, worked out on paper.
func TestStatisticsByHand(t *testing.T) {
	s := &Set{N: 2, Channels: 2, Height: 1, Width: 2, Pixels: []byte{0, 255, 51, 51, 255, 0, 51, 51}, Labels: []int32{0, 1}}
	mean, std, err := s.Statistics()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][2]float64{{0.5, 0.5}, {0.2, 0}} {
		if math.Abs(mean[i]-want[0]) > 1e-12 || math.Abs(std[i]-want[1]) > 1e-7 {
			t.Errorf("channel %d: mean %v, deviation %v, want %v", i, mean[i], std[i], want)
		}
	}
}
