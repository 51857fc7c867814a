package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// selftestFile writes selftest_gen_test.go.
func selftestFile(f *jen.File, _ *view.Package) error {
	f.Func().Id("TestSuperNet").Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
		jen.If(jen.Err().Op(":=").Id("net").Dot("Check").Call(jen.Id("ParseSubNet")), jen.Err().Op("!=").Nil()).Block(
			jen.Id("t").Dot("Error").Call(jen.Err())))
	return nil
}
