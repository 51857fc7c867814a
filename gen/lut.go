package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// lutFile writes lut_gen.go: the typed predictors of latency, accuracy and size.
func lutFile(f *jen.File, _ *view.Package) error {
	f.Comment("LUT is a device's latency table for this SuperNet.")
	f.Type().Id("LUT").Struct(jen.Id("table").Op("*").Add(qual("lut", "Table")), jen.Id("sum").Op("*").Add(qual("terms", "Sum")))
	f.Line()
	f.Comment("ReadLUT reads a latency table. A table of another SuperNet, or of other operators, is a *lut.MismatchError;")
	f.Comment("one that lacks operators is a *lut.MissingError.")
	reader(f, "ReadLUT", "LUT", "lut", "Sum")
	f.Comment("Header tells what was measured, where and how.")
	f.Func().Params(jen.Id("t").Op("*").Id("LUT")).Id("Header").Params().Add(qual("lut", "Header")).Block(jen.Return(jen.Id("t").Dot("table").Dot("Header")))
	f.Line()
	f.Comment("Latency predicts the latency of s without allocating.")
	f.Func().Params(jen.Id("t").Op("*").Id("LUT")).Id("Latency").Params(jen.Id("s").Id("SubNet")).Qual("time", "Duration").Block(
		takeGenes(),
		jen.Return(jen.Qual("time", "Duration").Call(at(jen.Id("t").Dot("sum")))),
	)
	f.Line()
	f.Comment("Accuracy predicts accuracies from measured sensitivities.")
	f.Type().Id("Accuracy").Struct(jen.Id("table").Op("*").Add(qual("accuracy", "Table")), jen.Id("sum").Op("*").Add(qual("terms", "Sum")))
	f.Line()
	f.Comment("ReadAccuracy reads sensitivities. Those of another SuperNet are an *accuracy.MismatchError.")
	reader(f, "ReadAccuracy", "Accuracy", "accuracy", "Penalty")
	f.Comment("Predict predicts the share of images that s classifies correctly, without allocating.")
	f.Func().Params(jen.Id("a").Op("*").Id("Accuracy")).Id("Predict").Params(jen.Id("s").Id("SubNet")).Float64().Block(
		takeGenes(),
		jen.Return(jen.Id("a").Dot("table").Dot("Accuracy").Call(at(jen.Id("a").Dot("sum")))),
	)
	f.Line()
	total(f, "MACs", "macs", "counts the multiply-accumulates of s at batch 1.")
	total(f, "Params", "paramCount", "counts the parameters of s; a normalisation that belongs to a convolution counts as its bias.")
	derived(f, "FLOPs", "counts the floating-point operations of s at batch 1: two for each multiply-accumulate.", jen.Lit(2).Op("*").Id("s").Dot("MACs").Call())
	derived(f, "BytesFP32", "is the size of the parameters of s in single precision.", jen.Lit(4).Op("*").Id("s").Dot("Params").Call())
	derived(f, "BytesFP16", "is the size of the parameters of s in half precision.", jen.Lit(2).Op("*").Id("s").Dot("Params").Call())
	peak(f)
	f.Comment("mustSum is for sums over the package's own tables, which are tested when it is generated.")
	f.Func().Id("mustSum").Params(jen.Id("s").Op("*").Add(qual("terms", "Sum")), jen.Err().Error()).Op("*").Add(qual("terms", "Sum")).Block(
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Panic(jen.Lit("internal error: ").Op("+").Err().Dot("Error").Call())),
		jen.Return(jen.Id("s")),
	)
	return nil
}

func takeGenes() *jen.Statement { return jen.Id("g").Op(":=").Id("s").Dot("genes").Call() }

func at(sum *jen.Statement) *jen.Statement { return sum.Dot("At").Call(jen.Id("g").Index(jen.Op(":"))) }

// reader writes a function that reads a table and sums it up.
func reader(f *jen.File, name, result, pkg, sum string) {
	fail := jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err()))
	f.Func().Id(name).Params(jen.Id("r").Qual("io", "Reader")).Params(jen.Op("*").Id(result), jen.Error()).Block(
		jen.List(jen.Id("t"), jen.Err()).Op(":=").Add(qual(pkg, "Read")).Call(jen.Id("r"), jen.Op("&").Id("definition")),
		fail,
		jen.List(jen.Id("sum"), jen.Err()).Op(":=").Id("t").Dot(sum).Call(jen.Op("&").Id("definition")),
		fail,
		jen.Return(jen.Op("&").Id(result).Values(jen.Id("t"), jen.Id("sum")), jen.Nil()),
	)
	f.Line()
}

// total writes a count that follows from the operator table alone.
func total(f *jen.File, method, variable, doc string) {
	sum := jen.Func().Params().Op("*").Add(qual("terms", "Sum")).Block(
		jen.Return(jen.Id("mustSum").Call(jen.Id("definition").Dot(method).Call())),
	)
	f.Var().Id(variable).Op("=").Qual("sync", "OnceValue").Call(sum)
	f.Line()
	f.Comment(method + " " + doc)
	f.Func().Params(jen.Id("s").Id("SubNet")).Id(method).Params().Int64().Block(takeGenes(), jen.Return(at(jen.Id(variable).Call())))
	f.Line()
}

// derived writes a count that is a multiple of another.
func derived(f *jen.File, method, doc string, value *jen.Statement) {
	f.Comment(method + " " + doc)
	f.Func().Params(jen.Id("s").Id("SubNet")).Id(method).Params().Int64().Block(jen.Return(value))
	f.Line()
}

// peak writes the prediction of peak memory.
func peak(f *jen.File) {
	f.Var().Id("peakMemory").Op("=").Qual("sync", "OnceValue").Call(jen.Func().Params().Op("*").Add(qual("memory", "Peak")).Block(
		jen.List(jen.Id("p"), jen.Err()).Op(":=").Add(qual("memory", "Of")).Call(jen.Op("&").Id("definition")),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Panic(jen.Lit("internal error: ").Op("+").Err().Dot("Error").Call())),
		jen.Return(jen.Id("p")),
	))
	f.Line()
	f.Comment("PeakMemory predicts the bytes that inference with s at batch 1 needs at its peak: all parameters, and the activations that are")
	f.Comment("alive at the same time.")
	f.Func().Params(jen.Id("s").Id("SubNet")).Id("PeakMemory").Params().Int64().Block(takeGenes(), jen.Return(at(jen.Id("peakMemory").Call())))
	f.Line()
}
