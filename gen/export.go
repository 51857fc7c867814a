package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

const (
	exportOptionsDoc = `
ExportOptions say how ExportONNX writes a SubNet. The zero ExportOptions write a model with an open batch in single precision, whose
normalisations are multiplied into the layers before them:

	NoRecalibration bool              // export whatever statistics of normalisations the weights have
	KeepBatchNorm   bool              // keep normalisations as operators of their own
	Half            bool              // store weights as float16; computation is the runtime's choice
	Batch           int               // fixed size of the batch; 0 leaves it open
	Opset           int               // at least this opset; 0 means the model's
	Beside          *onnxfile.Beside  // a second file for large weights, which a model above 2 GiB needs; nil for none
	Metadata        map[string]string // is added to the model's`
	recalibrateDoc = `
Recalibrate returns w with the statistics of normalisations that s has on the inputs of source, as ExportONNX wants them. They are
computed by e, such as embedded.New(embedded.Options{}) of runtime/engine/embedded. data.Source of runtime/train/data has images.`
	exportDoc = `
ExportONNX writes s as a stand-alone ONNX model with weights from w: the SuperNet's model, or what training made of it. A model has
the statistics of normalisations of the original alone. Another SubNet needs its own, see Recalibrate: without them ExportONNX
returns a *supernet.StatisticsError, unless o says NoRecalibration, which makes a network that is less accurate than predicted.`
)

// exportFile writes export_gen.go.
func exportFile(f *jen.File, _ *view.Package) error {
	doc(f, exportOptionsDoc)
	f.Type().Id("ExportOptions").Op("=").Add(qual("model", "ExportOptions"))
	f.Line()
	weights := jen.Id("w").Add(nnType("Weights"))
	doc(f, recalibrateDoc)
	f.Func().Params(subNetReceiver()).Id("Recalibrate").
		Params(jen.Id("ctx").Qual("context", "Context"), weights.Clone(), jen.Id("e").Add(nnType("Recalibrator")), jen.Id("source").Add(nnType("Source"))).
		Params(nnType("Weights"), jen.Error()).
		Block(jen.Return(jen.Id("net").Dot("Recalibrate").Call(jen.Id("ctx"), jen.Id("s"), jen.Id("w"), jen.Id("e"), jen.Id("source"))))
	f.Line()
	doc(f, exportDoc)
	f.Func().Params(subNetReceiver()).Id("ExportONNX").
		Params(jen.Id("dst").Qual("io", "Writer"), weights.Clone(), jen.Id("o").Id("ExportOptions")).Error().
		Block(jen.Return(jen.Id("net").Dot("ExportONNX").Call(jen.Id("dst"), jen.Id("s"), jen.Id("w"), jen.Id("o"))))
	return nil
}
