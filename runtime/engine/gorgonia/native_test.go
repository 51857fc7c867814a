//go:build !riscv64

package gorgonia

import (
	"testing"

	"github.com/autotailor/autotailor/internal/operators"
)

// TestNativeOperatorsAreOfTheTable: what Gorgonia computes itself has a row.
func TestNativeOperatorsAreOfTheTable(t *testing.T) {
	for name := range native {
		if _, ok := operators.Lookup("", name); !ok {
			t.Errorf("internal/operators has no row of %s", name)
		}
	}
}
