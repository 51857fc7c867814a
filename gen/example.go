package gen

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/runtime/space"
)

// exampleFile writes example_gen_test.go: what the documentation of a package shows of its use.
func exampleFile(f *jen.File, p *view.Package, path string) error {
	own := func(name string) *jen.Statement { return jen.Qual(path, name) }
	genes := exampleGenes(p)
	text := space.Format(p.Space(), genes)
	exampleSubNet(f, p, own, genes, text)
	exampleParse(f, own, text)
	exampleReadLUT(f, own)
	exampleBuild(f, p, own)
	return nil
}

// exampleGenes chooses something else than the original for the net, a stage and a block, as far as there are such choices.
func exampleGenes(p *view.Package) space.Genes {
	genes := make(space.Genes, len(p.Choices))
	seen := map[string]bool{}
	for g, c := range p.Choices {
		scope := "stage"
		switch {
		case c.Stage < 0:
			scope = "net"
		case c.Block >= 0:
			scope = "block"
		}
		if !seen[scope] && c.Live.Below == 0 {
			seen[scope], genes[g] = true, 1
		}
	}
	return genes
}

func exampleSubNet(f *jen.File, p *view.Package, own func(string) *jen.Statement, genes space.Genes, text string) {
	code := []jen.Code{jen.Var().Id("s").Add(own("SubNet")).Comment("the original model")}
	for g, v := range genes {
		if c := p.Choices[g]; v > 0 {
			code = append(code, jen.Id("s").Dot(c.Value).Op("=").Add(own(c.Type.Values[v].Name)))
		}
	}
	code = append(code,
		jen.Qual("fmt", "Println").Call(jen.Id("s")),
		jen.Qual("fmt", "Println").Call(jen.Id("s").Dot("MACs").Call().Op("<=").Add(own("SubNet")).Values().Dot("MACs").Call()),
		jen.Comment("Output:"), jen.Comment(text), jen.Comment("true"),
	)
	f.Comment("Every choice is a field whose type has only legal values. A field that is not set is as in the original.")
	f.Func().Id("ExampleSubNet").Params().Block(code...)
	f.Line()
}

func exampleParse(f *jen.File, own func(string) *jen.Statement, text string) {
	f.Comment("Files and commands hold SubNets as text. A mistake is an error that lists the legal values.")
	f.Func().Id("ExampleParseSubNet").Params().Block(
		jen.List(jen.Id("s"), jen.Err()).Op(":=").Add(own("ParseSubNet")).Call(jen.Lit(text)),
		jen.Qual("fmt", "Println").Call(jen.Id("s"), jen.Err()),
		jen.Comment("Output: "+text+" <nil>"),
	)
	f.Line()
}

func exampleReadLUT(f *jen.File, own func(string) *jen.Statement) {
	stop := jen.If(jen.Err().Op("!=").Nil()).Block(jen.Qual("fmt", "Println").Call(jen.Err()), jen.Return())
	f.Comment("The command profile measures a device once and writes a table. The latency of any SubNet is then a sum.")
	f.Func().Id("ExampleReadLUT").Params().Block(
		jen.List(jen.Id("file"), jen.Err()).Op(":=").Qual("os", "Open").Call(jen.Lit("device.lut")),
		stop.Clone(),
		jen.Defer().Id("file").Dot("Close").Call(),
		jen.List(jen.Id("t"), jen.Err()).Op(":=").Add(own("ReadLUT")).Call(jen.Id("file")),
		stop.Clone(),
		jen.Qual("fmt", "Println").Call(jen.Id("t").Dot("Latency").Call(own("SubNet").Values())),
	)
	f.Line()
}

func exampleBuild(f *jen.File, p *view.Package, own func(string) *jen.Statement) {
	f.Comment("Build describes a SubNet to any nn.Builder. Record keeps it as a graph.")
	f.Func().Id("ExampleSubNet_Build").Params().Block(
		jen.List(jen.Id("graph"), jen.Err()).Op(":=").Add(qual("nn", "Record")).Call(own("SubNet").Values().Dot("Build")),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Qual("fmt", "Println").Call(jen.Err()), jen.Return()),
		jen.Qual("fmt", "Println").Call(jen.Len(jen.Id("graph").Dot("Inputs")), jen.Len(jen.Id("graph").Dot("Outputs"))),
		jen.Comment(fmt.Sprintf("Output: %d %d", len(p.Inputs), len(p.Outputs))),
	)
}
