package nn_test

import (
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestStepsListEachValueOnce: of values that all live until the end, each stands in the steps when it comes and when it goes, so that the steps of a
// wide network do not grow with its square.
func TestStepsListEachValueOnce(t *testing.T) {
	const wide = 100
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4})
		var list []nn.Value
		for range wide {
			list = append(list, b.Act(x, nn.Relu()))
		}
		y := list[0]
		for _, v := range list[1:] {
			y = b.Add(y, v)
		}
		b.Output("y", y)
	})
	if err != nil {
		t.Fatal(err)
	}
	made, freed := 0, 0
	for _, s := range g.Steps() {
		made, freed = made+len(s.Made), freed+len(s.Freed)
	}
	if want := 2*wide - 1; made != want || freed != want-1 {
		t.Errorf("%d values come and %d go, want %d and all but the output", made, freed, want)
	}
	if got, want := g.PeakBytes(), int64((wide+1)*4*4); got != want {
		t.Errorf("%d bytes at the peak, want %d", got, want)
	}
}
