package view

import (
	"reflect"
	"testing"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestRulesAreThoseOfTheTable: every operator that the table gives a Builder method has a rule, no other one has, and there are such methods.
func TestRulesAreThoseOfTheTable(t *testing.T) {
	builder := reflect.TypeFor[nn.Builder]()
	for _, o := range operators.All() {
		if o.Builder == "" {
			continue
		}
		if _, ok := builder.MethodByName(o.Method()); !ok {
			t.Errorf("%s: nn.Builder has no method %s", o.Name, o.Method())
		}
		if ruleOf(o.Domain, o.Name) == nil {
			t.Errorf("%s: no rule makes a call of %s", o.Name, o.Method())
		}
	}
	for name := range rules {
		if o, ok := operators.Lookup("", name); !ok || o.Builder == "" {
			t.Errorf("%s has a rule, but the table gives it no Builder method", name)
		}
	}
}
