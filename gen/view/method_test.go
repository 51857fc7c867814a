package view

import (
	"reflect"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// notOperators are the methods of nn.Builder that a Package has fields for.
var notOperators = map[string]bool{"Input": true, "Output": true}

// TestMethodsAreThoseOfBuilder: every method of the interface is in the table once, with its number of operands, records and numbers,
// and every row is a method of the interface.
func TestMethodsAreThoseOfBuilder(t *testing.T) {
	builder := reflect.TypeFor[nn.Builder]()
	have := map[string]bool{}
	for _, m := range Methods() {
		f, ok := builder.MethodByName(m.String())
		if !ok || have[m.String()] {
			t.Errorf("nn.Builder has no method %q, or the table has it twice", m)
			continue
		}
		have[m.String()] = true
		if several := f.Type.Out(0).Kind() == reflect.Slice; several != m.Several() {
			t.Errorf("%v: several results: %t, the table says %t", m, several, m.Several())
		}
	}
	for k := range builder.NumMethod() {
		if name := builder.Method(k).Name; !have[name] && !notOperators[name] {
			t.Errorf("the table lacks the method %s", name)
		}
	}
}
