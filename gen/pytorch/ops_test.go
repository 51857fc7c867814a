package pytorch

import (
	"testing"

	"github.com/autotailor/autotailor/internal/operators"
)

// TestFormsAreOfOperators: a form is registered under the name of an operator that the table has, and only where the table's own does not do.
func TestFormsAreOfOperators(t *testing.T) {
	for name := range carriedOps {
		if o, ok := operators.Lookup("", name); !ok || o.Torch != "" {
			t.Errorf("%s: in the table %v, with the form %q", name, ok, o.Torch)
		}
	}
	for _, o := range operators.All() {
		if o.Torch != "" && !Has(o) {
			t.Errorf("%s: nothing writes the form %q", o.Name, o.Torch)
		}
	}
}
