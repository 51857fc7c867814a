package nn_test

import (
	"math"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestFloat16: every float16 is its own rounding, and rounding goes to the nearest.
func TestFloat16(t *testing.T) {
	for h := range 1 << 16 {
		f := nn.FromFloat16(uint16(h))
		got, ok := nn.ToFloat16(f)
		if special := h>>10&31 == 31; special == ok || ok && got != uint16(h) {
			t.Fatalf("%#x is %g, which is %#x %v", h, f, got, ok)
		}
		if ok && h&0x7fff < 0x7bff && h < 0x8000 {
			next := nn.FromFloat16(uint16(h + 1))
			middle := (float64(f) + float64(next)) / 2
			even, _ := nn.ToFloat16(float32(middle))
			above, _ := nn.ToFloat16(math.Nextafter32(float32(middle), next))
			below, _ := nn.ToFloat16(math.Nextafter32(float32(middle), f))
			if even != uint16(h+h&1) || above != uint16(h+1) || below != uint16(h) {
				t.Fatalf("around %g: %#x %#x %#x after %#x", middle, below, even, above, h)
			}
		}
	}
}
