package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// selftestFile writes selftest_gen_test.go.
func selftestFile(f *jen.File, _ *view.Package) error {
	f.Func().Id("TestSuperNet").Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
		qual("selftest", "Run").Call(jen.Id("t"), jen.Id("net"), jen.Id("ParseSubNet")))
	return nil
}
