package gen

import (
	"reflect"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
)

// TestAliasesListTheirFields: `go doc` shows no fields of an alias of another package's type, so that its comment lists them all.
func TestAliasesListTheirFields(t *testing.T) {
	for text, of := range map[string]reflect.Type{
		searchDoc:        reflect.TypeFor[mobilenetv2.Search](),
		limitsDoc:        reflect.TypeFor[mobilenetv2.Limits](),
		pointDoc:         reflect.TypeFor[mobilenetv2.Point](),
		exportOptionsDoc: reflect.TypeFor[mobilenetv2.ExportOptions](),
	} {
		var listed []string
		for line := range strings.Lines(text) {
			if field, ok := strings.CutPrefix(line, "\t"); ok {
				listed = append(listed, strings.Join(strings.Fields(field)[:2], " "))
			}
		}
		var fields []string
		for i := range of.NumField() {
			fields = append(fields, of.Field(i).Name+" "+shortType(of.Field(i).Type))
		}
		if got, want := strings.Join(listed, "\n"), strings.Join(fields, "\n"); got != want {
			t.Errorf("the comment of %v lists the fields\n%s\nwant\n%s", of, got, want)
		}
	}
}

// shortType writes a type as a file of the generated package does.
func shortType(t reflect.Type) string {
	text := t.String()
	if i := strings.Index(text, "["); i > 0 && strings.HasSuffix(text, "SubNet]") { // of this package's SubNets, which has an alias
		text = text[:i]
		text = strings.Replace(text, "model.", "", 1)
	}
	for _, own := range []string{"mobilenetv2.SubNet", "model.Limits"} {
		if text == own {
			_, text, _ = strings.Cut(text, ".")
		}
	}
	return text
}
