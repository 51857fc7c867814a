package gen

import (
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// exportFile writes export_gen.go.
func exportFile(f *jen.File, p *view.Package) error {
	f.Comment("ExportONNX writes s as a stand-alone ONNX model with weights taken from w: the SuperNet's model, or what training made of it.")
	if normalises(p) {
		f.Comment("Normalisations are multiplied into the layers before them. The means and variances of w are written as they are. Those of the SuperNet's model")
		f.Comment("are the original's: a SubNet that is exported with them classifies far worse than predicted, without an error. Recalibrate w for s first, see")
		f.Comment("engine/embedded.Engine.Recalibrate, as the command `export --recalibrate` does.")
	} else {
		f.Comment("Normalisations are multiplied into the layers before them.")
	}
	f.Func().Params(jen.Id("s").Id("SubNet")).Id("ExportONNX").
		Params(jen.Id("dst").Qual("io", "Writer"), jen.Id("w").Add(nnType("Weights"))).Error().Block(
		jen.Id("tape").Op(":=").Add(nnType("NewTape")).Call(),
		jen.Id("s").Dot("Build").Call(jen.Id("tape")),
		jen.List(jen.Id("g"), jen.Err()).Op(":=").Id("tape").Dot("Graph").Call(),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err())),
		jen.Return(qual("onnxfile", "Write").Call(jen.Id("dst"), jen.Id("g"), jen.Id("w"), qual("onnxfile", "WriteOptions").Values(
			jen.Id("Opset").Op(":").Id("definition").Dot("Source").Dot("Opset"), jen.Id("Fold").Op(":").True(),
		))),
	)
	return nil
}

// normalises tells whether the network has normalisations with means and variances of its training.
func normalises(p *view.Package) bool {
	for _, s := range p.Stages {
		for _, it := range s.Items {
			if slices.ContainsFunc(it.Calls, func(c view.Call) bool { return c.Method == view.BatchNorm }) {
				return true
			}
		}
	}
	return false
}
