package gen

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// engines are what a generated command offers, the default first.
var engines = []struct{ pkg, open, with, name, doc string }{
	{"engine/embedded", "Open", "", "embedded", "pure Go, nothing to install"},
	{"engine/ort", "Open", "OpenWith", "onnxruntime", "ONNX Runtime; needs cgo and its shared library; onnxruntime:PROVIDER[,option=value] runs on an accelerator"},
	{"engine/gorgonia", "Open", "", "gorgonia", "Gorgonia's graph with our kernels; trains in Gorgonia's own operators"},
	{"engine/gorgonia", "OpenONNXGo", "", "onnx-go", "decodes the exported file and runs it on Gorgonia; slow, and ResNets only"},
}

// mainFile writes the SuperNet's own command.
func mainFile(f *jen.File, p *view.Package, path string) error {
	f.PackageComment(fmt.Sprintf("// Command %s profiles a device, searches, exports and verifies SubNets of %s; `%s help` lists its commands.", p.Name, p.Name, p.Name))
	var list []jen.Code
	for _, e := range engines {
		var f fields
		f.add("Name", jen.Lit(e.name))
		f.add("Doc", jen.Lit(e.doc))
		f.add("Open", qual(e.pkg, e.open))
		if e.with != "" {
			f.add("With", qual(e.pkg, e.with))
		}
		list = append(list, jen.Values(f...))
	}
	var o fields
	o.add("Model", str(p.Source.File))
	o.add("Transform", transform(p.Data))
	o.add("Task", task(p.Task))
	o.add("Columns", rowColumns(p.Data))
	o.add("Engines", jen.Index().Add(qual("command/cli", "Engine")).Add(lines(list...)))
	o.add("Plot", qual("command/report/plot", "All"))
	f.Func().Id("main").Params().Block(
		qual("command/cli", "Main").Call(jen.Qual(path, "Definition").Call(), qual("command/cli", "Options").Add(lines(o...))),
	)
	return nil
}

// transform is how images become input, nil when the config does not say.
func transform(d view.Data) *jen.Statement {
	var t fields
	t.add("Pad", nonzero(d.Pad))
	t.add("Resize", nonzero(d.Resize))
	t.add("Mean", float32s(d.Mean))
	t.add("Std", float32s(d.Std))
	if len(t) == 0 {
		return nil
	}
	return qual("train/data", "Transform").Values(t...)
}

// task is what the model is for, nil for classification.
func task(t view.Task) *jen.Statement {
	var f fields
	f.add("Name", str(t.Name))
	f.add("Metric", str(t.Metric))
	if len(f) == 0 {
		return nil
	}
	return qual("train/data", "TaskConfig").Values(f...).Dot("Task")
}

// rowColumns says what rows mean, nil when the config does not say.
func rowColumns(d view.Data) *jen.Statement {
	var c fields
	c.add("Label", str(d.Label))
	c.add("Fill", nonzero(d.Fill))
	c.add("Window", nonzero(d.Window))
	c.add("Header", str(d.Header))
	if len(c) == 0 {
		return nil
	}
	return qual("train/data", "Columns").Values(c...)
}

func float32s(list []float64) *jen.Statement {
	if len(list) == 0 {
		return nil
	}
	items := make([]jen.Code, len(list))
	for i, v := range list {
		items[i] = float64Lit(v)
	}
	return jen.Index().Float32().Values(items...)
}
