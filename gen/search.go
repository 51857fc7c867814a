package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// searchFile writes search_gen.go: typed wrappers of runtime/search.
func searchFile(f *jen.File, _ *view.Package) error {
	tables := func(rest ...jen.Code) []jen.Code {
		return append([]jen.Code{jen.Id("t").Op("*").Id("LUT"), jen.Id("a").Op("*").Id("Accuracy")}, rest...)
	}
	budget := jen.Id("budget").Qual("time", "Duration")
	background := jen.Qual("context", "Background").Call()

	f.Comment("Point is a SubNet with its predictions.")
	f.Type().Id("Point").Struct(
		jen.Id("SubNet").Id("SubNet"), jen.Id("Latency").Qual("time", "Duration"), jen.Id("Accuracy").Float64().Comment("share of images"),
	)
	f.Line()
	f.Comment("Front returns the latency-accuracy Pareto front over all SubNets, fastest first, and how exact it is.")
	f.Func().Id("Front").Params(tables(jen.Id("o").Add(qual("search", "Options")))...).
		Params(jen.Index().Id("Point"), qual("search", "Certificate"), jen.Error()).Block(
		jen.List(jen.Id("r"), jen.Err()).Op(":=").Add(qual("search", "Front")).Call(background, jen.Id("problem").Call(jen.Id("t"), jen.Id("a")), jen.Id("o")),
		jen.Id("points").Op(":=").Make(jen.Index().Id("Point"), jen.Len(jen.Id("r").Dot("Points"))),
		jen.For(jen.List(jen.Id("i"), jen.Id("p")).Op(":=").Range().Id("r").Dot("Points")).Block(
			jen.Id("points").Index(jen.Id("i")).Op("=").Id("point").Call(jen.Id("p"), jen.Id("a")),
		),
		jen.Return(jen.Id("points"), jen.Id("r").Dot("Certificate"), jen.Err()),
	)
	f.Line()
	f.Comment("Best returns the most accurate SubNet within budget. When there is none, the *search.InfeasibleError names the fastest SubNet.")
	f.Func().Id("Best").Params(tables(budget)...).Params(jen.Id("Point"), jen.Error()).Block(
		jen.List(jen.Id("r"), jen.Err()).Op(":=").Add(qual("search", "Front")).Call(background, jen.Id("problem").Call(jen.Id("t"), jen.Id("a")), qual("search", "Options").Values()),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Id("Point").Values(), jen.Err())),
		jen.List(jen.Id("p"), jen.Err()).Op(":=").Id("r").Dot("Best").Call(jen.Id("budget").Dot("Nanoseconds").Call()),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Id("Point").Values(), jen.Err())),
		jen.Return(jen.Id("point").Call(jen.Id("p"), jen.Id("a")), jen.Nil()),
	)
	f.Line()
	f.Comment("Genetic returns the most accurate SubNet within budget that evolution finds: the paper's search, for comparison.")
	f.Func().Id("Genetic").Params(append([]jen.Code{jen.Id("ctx").Qual("context", "Context")}, tables(budget, jen.Id("o").Add(qual("search", "GeneticOptions")))...)...).
		Params(jen.Id("Point"), jen.Error()).Block(
		jen.List(jen.Id("p"), jen.Err()).Op(":=").Add(qual("search", "Genetic")).Call(jen.Id("ctx"), jen.Id("problem").Call(jen.Id("t"), jen.Id("a")), jen.Id("budget").Dot("Nanoseconds").Call(), jen.Id("o")),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Id("Point").Values(), jen.Err())),
		jen.Return(jen.Id("point").Call(jen.Id("p"), jen.Id("a")), jen.Nil()),
	)
	f.Line()
	f.Func().Id("problem").Params(tables()...).Add(qual("search", "Problem")).Block(
		jen.Return(qual("search", "Problem").Values(
			jen.Id("Choices").Op(":").Id("choices").Index(jen.Op(":")), jen.Id("Cost").Op(":").Id("t").Dot("sum"), jen.Id("Penalty").Op(":").Id("a").Dot("sum"),
		)),
	)
	f.Line()
	f.Func().Id("point").Params(jen.Id("p").Add(qual("search", "Point")), jen.Id("a").Op("*").Id("Accuracy")).Id("Point").Block(
		jen.Return(jen.Id("Point").Values(
			jen.Id("subNet").Call(jen.Id("p").Dot("Genes")), jen.Qual("time", "Duration").Call(jen.Id("p").Dot("Cost")),
			jen.Id("a").Dot("table").Dot("Accuracy").Call(jen.Id("p").Dot("Penalty")),
		)),
	)
	return nil
}
