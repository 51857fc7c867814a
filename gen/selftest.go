package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// selftestFile writes selftest_gen_test.go.
func selftestFile(f *jen.File, _ *view.Package) error {
	t := jen.Id("t").Op("*").Qual("testing", "T")
	f.Func().Id("TestSuperNet").Params(t).Block(qual("selftest", "Run").Call(jen.Id("t"), jen.Op("&").Id("definition")))
	f.Line()
	f.Func().Id("TestSubNetTextRoundTrip").Params(t).Block(
		jen.For(jen.List(jen.Id("_"), jen.Id("g")).Op(":=").Range().Add(qual("selftest", "Samples")).Call(jen.Op("&").Id("definition"))).Block(
			jen.Id("s").Op(":=").Id("subNet").Call(jen.Id("g")),
			jen.List(jen.Id("back"), jen.Err()).Op(":=").Id("ParseSubNet").Call(jen.Id("s").Dot("String").Call()),
			jen.If(jen.Err().Op("!=").Nil().Op("||").Id("back").Op("!=").Id("s").Dot("Canonical").Call()).Block(
				jen.Id("t").Dot("Errorf").Call(jen.Lit("%v: read back as %v, %v"), jen.Id("s"), jen.Id("back"), jen.Err()),
			),
		),
	)
	return nil
}
