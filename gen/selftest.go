package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// selftestFile writes selftest_gen_test.go.
func selftestFile(f *jen.File, p *view.Package) error {
	t := func() *jen.Statement { return jen.Id("t").Op("*").Qual("testing", "T") }
	f.Func().Id("TestSuperNet").Params(t()).Block(
		jen.If(jen.Err().Op(":=").Id("net").Dot("Check").Call(jen.Id("ParseSubNet")), jen.Err().Op("!=").Nil()).Block(
			jen.Id("t").Dot("Error").Call(jen.Err())))
	if p.ModelPath == "" {
		return nil
	}
	f.Line()
	f.Comment("TestProof runs SubNets and compares each with the model in which the weights that the SubNet lacks are zero.")
	f.Func().Id("TestProof").Params(t()).Block(
		jen.Id("e").Op(":=").Add(qual("engine/embedded", "New")).Call(qual("engine/embedded", "Options").Values()),
		jen.List(jen.Id("proof"), jen.Err()).Op(":=").Id("net").Dot("Prove").Call(
			jen.Lit(p.ModelPath), qual("engine", "Once").Call(jen.Id("e")), jen.Id("e").Dot("Missing")),
		jen.If(jen.Qual("errors", "Is").Call(jen.Err(), jen.Qual("os", "ErrNotExist"))).Block(jen.Id("t").Dot("Skip").Call(jen.Err())),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Id("t").Dot("Fatal").Call(jen.Err())),
		jen.Id("t").Dot("Log").Call(jen.Id("proof")),
	)
	return nil
}
