package pytorch

import (
	"testing"

	"github.com/autotailor/autotailor/gen/view"
)

// TestEveryMethodHasAForm: what the translator calls can be written in Python, or is refused by a form of its own.
func TestEveryMethodHasAForm(t *testing.T) {
	for _, m := range view.Methods() {
		if forms[m] == nil {
			t.Errorf("%v has no PyTorch form", m)
		}
	}
	if len(forms) != len(view.Methods()) {
		t.Errorf("%d forms of %d methods", len(forms), len(view.Methods()))
	}
}
