package kernel

import (
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestQuotients: whole numbers are divided with a rest, floats of every size without.
func TestQuotients(t *testing.T) {
	for d, want := range map[nn.DType]string{0: "Div", nn.Float32: "Div", nn.Float16: "Div", nn.BFloat16: "Div", nn.Float64: "Div", nn.Int64: "Quotient", nn.Int32: "Quotient", nn.Uint8: "Quotient"} {
		if got := BinaryName(&nn.Node{Type: "Div"}, d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
