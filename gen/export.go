package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

const (
	exportOptionsDoc = `
ExportOptions say how ExportONNX writes a SubNet. The zero ExportOptions write a model with an open batch in single precision, whose
normalisations are multiplied into the layers before them:

	NoRecalibration bool              // export the normalisation statistics that the weights have, even another SubNet's
	KeepBatchNorm   bool              // keep normalisations as operators of their own
	Half            bool              // store weights as float16; computation is the runtime's choice
	Batch           int               // fixed size of the batch; 0 leaves it open
	Opset           int               // at least this opset; 0 means the model's
	Beside          *onnxfile.Beside  // a second file for large weights, which a model above 2 GiB needs; nil for none
	Metadata        map[string]string // added to the model's metadata`
	recalibrateDoc = `
Recalibrate computes the normalisation statistics of s on the inputs of source, and returns w with them, as ExportONNX needs it. The
engine e runs the network, such as embedded.New(embedded.Options{}) of runtime/engine/embedded. data.Source of runtime/train/data has images.`
	exportDoc = `
ExportONNX writes s as a stand-alone ONNX model with weights from w: the SuperNet's model, or a model that was trained from it. A model
file has the normalisation statistics of the original only. Any other SubNet needs its own, see Recalibrate. Without them ExportONNX
returns a *supernet.StatisticsError. With NoRecalibration it writes the SubNet anyway, which is then less accurate than predicted.`
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
