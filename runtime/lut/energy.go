package lut

import (
	"fmt"
	"math"

	"github.com/autotailor/autotailor/runtime/optable"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/terms"
)

// Energy returns the energy of a run in nanojoules as a function of genes, on a device that draws a constant power while
// it computes: watts for as long as each operator runs. Like Sum it refuses a table that lacks operators.
func (t *Table) Energy(net *supernet.Net, watts float64) (*terms.Sum, error) {
	if !(watts > 0 && watts <= 1e5) {
		return nil, fmt.Errorf("a power of %v W, want one above 0 and at most 100000", watts)
	}
	if _, err := t.Sum(net); err != nil {
		return nil, err
	}
	return net.Sum(t.Header.Rules, func(id optable.ID) int64 {
		return int64(math.Round(watts * float64(t.Rows[id].Median.Nanoseconds())))
	})
}
