package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// values writes the method that lists a choice type's legal values, in a new slice for each caller.
func values(f *jen.File, t *view.ChoiceType) {
	var list []jen.Code
	for k := range t.Values {
		list = append(list, jen.Values(number(k)))
	}
	f.Comment("Values lists the legal values, the original model's first.")
	f.Func().Params(jen.Id(t.Name)).Id("Values").Params().Index().Id(t.Name).Block(jen.Return(jen.Index().Id(t.Name).Values(list...)))
	f.Line()
}
