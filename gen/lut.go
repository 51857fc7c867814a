package gen

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// lutFile writes lut_gen.go: the typed predictors of latency, accuracy and size.
func lutFile(f *jen.File, _ *view.Package) error {
	f.Comment("net implements what all SuperNet packages share, for the SubNets of this package.")
	f.Var().Id("net").Op("=").Add(qual("model", "New")).Call(jen.Op("&").Id("definition"), jen.Id("subNet"), jen.Id("SubNet").Dot("list"), jen.Id("SubNet").Dot("at"))
	f.Line()
	genes := jen.Id("g").Op(":=").Id("s").Dot("genes").Call()
	f.Func().Params(subNetReceiver()).Id("list").Params().Index().Uint8().Block(genes.Clone(), jen.Return(jen.Id("g").Index(jen.Op(":"))))
	f.Line()
	f.Comment("at evaluates a sum for s without allocating.")
	f.Func().Params(subNetReceiver()).Id("at").Params(jen.Id("sum").Op("*").Add(qual("space", "Sum"))).Int64().Block(
		genes.Clone(), jen.Return(jen.Id("sum").Dot("At").Call(jen.Id("g").Index(jen.Op(":")))))
	f.Line()
	alias(f, "LUT", `
LUT is a device's latency table for this SuperNet. Its methods, which do not allocate:

	Latency(s SubNet) time.Duration       // of a run at batch 1
	Energy(s SubNet) (float64, error)     // millijoules; an error if the device reported none
	AtPower(watts float64) (*LUT, error)  // with the energy of a device that draws constant power
	Header() lut.Header                   // what was measured, where and how`)
	reader(f, "LUT", `
ReadLUT reads a latency table. The error is a *lut.MismatchError for a table of another SuperNet or of other operators,
and a *lut.MissingError for a table that lacks operators.`)
	alias(f, "Accuracy", `
Accuracy predicts qualities from measured sensitivities. Its methods, which do not allocate:

	Predict(s SubNet) float64   // in the metric's unit
	Metric() model.Metric       // name, unit and direction of what is predicted
	Header() accuracy.Header    // what was measured, on what and how`)
	reader(f, "Accuracy", `
ReadAccuracy reads a table of sensitivities. The error is an *accuracy.MismatchError for a table of another SuperNet,
and an *accuracy.MissingError for an incomplete table.`)
	own := func(method string) *jen.Statement { return jen.Id("s").Dot(method).Call() }
	for _, c := range []struct {
		method, doc string
		value       *jen.Statement
	}{
		{"MACs", "counts the multiply-accumulates of s at batch 1.", nil},
		{"Params", "counts the parameters of s; a normalisation that belongs to a convolution counts as its bias.", nil},
		{"PeakMemory", "predicts the bytes that inference with s at batch 1 needs at its peak: all parameters, and the\nactivations that are alive at the same time. If s lacks some blocks, it may need less.", nil},
		{"FLOPs", "counts the floating-point operations of s at batch 1: two for each multiply-accumulate.", jen.Lit(2).Op("*").Add(own("MACs"))},
		{"BytesFP32", "is the size of the parameters of s in single precision.", jen.Lit(4).Op("*").Add(own("Params"))},
		{"BytesFP16", "is the size of the parameters of s in half precision.", jen.Lit(2).Op("*").Add(own("Params"))},
	} {
		body := []jen.Code{jen.Return(c.value)}
		if c.value == nil {
			body = []jen.Code{genes.Clone(), jen.Return(jen.Id("net").Dot(c.method).Call(jen.Id("g").Index(jen.Op(":"))))}
		}
		doc(f, c.method+" "+c.doc)
		f.Func().Params(subNetReceiver()).Id(c.method).Params().Int64().Block(body...)
		f.Line()
	}
	return nil
}

func subNetReceiver() *jen.Statement { return jen.Id("s").Id("SubNet") }

// doc writes a comment of several lines.
func doc(f *jen.File, text string) {
	for line := range strings.Lines(strings.TrimPrefix(text, "\n")) {
		f.Comment(strings.TrimRight("// "+line, " \n"))
	}
}

// alias writes a type of package model over this package's SubNets.
func alias(f *jen.File, name, text string) {
	doc(f, text)
	f.Type().Id(name).Op("=").Add(qual("model", name)).Types(jen.Id("SubNet"))
	f.Line()
}

// reader writes a function that reads a table.
func reader(f *jen.File, table, text string) {
	doc(f, text)
	f.Func().Id("Read"+table).Params(jen.Id("r").Qual("io", "Reader")).Params(jen.Op("*").Id(table), jen.Error()).Block(
		jen.Return(jen.Id("net").Dot("Read" + table).Call(jen.Id("r"))))
	f.Line()
}
