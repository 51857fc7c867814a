package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// params writes params_gen.go: the SuperNet's tensors, and for each place of the network what moves there.
func paramsFile(f *jen.File, p *view.Package) error {
	for _, s := range p.Sections {
		sectionVars(f, s)
		for _, piece := range s.Pieces {
			if piece.Run != nil {
				runTable(f, piece.Run)
			}
		}
	}
	coupled(f, p)
	helpers(f, p)
	return nil
}

// sectionVars declares the records and extents of the calls that stand in a section's function.
func sectionVars(f *jen.File, s *view.Section) {
	var defs []jen.Code
	for _, e := range s.Layout.Extent {
		value := extentType(e).Add(nested(e.Index, e.Tables[0]))
		defs = append(defs, jen.Id(s.Name+view.Exported(e.Name)).Op("=").Add(value))
	}
	for _, piece := range s.Pieces {
		for k, c := range piece.Calls {
			if name := s.Layout.Recs[piece.First+k]; name != "" {
				defs = append(defs, jen.Id(name).Op("=").Add(record(c.Rec)))
			}
		}
	}
	if len(defs) == 0 {
		return
	}
	f.Var().Defs(defs...)
	f.Line()
}

func extentType(e *view.Extent) *jen.Statement {
	t := &jen.Statement{}
	for _, i := range e.Index {
		t.Index(number(i.Card))
	}
	return t.Int()
}

// nested is the literal of a dense table, the last index fastest.
func nested(index []view.Index, table []int) *jen.Statement {
	if len(index) == 0 {
		return jen.Parens(number(table[0]))
	}
	if len(index) == 1 {
		return jen.Values(numbers(table)...)
	}
	step := len(table) / index[0].Card
	var rows []jen.Code
	for k := range index[0].Card {
		rows = append(rows, nested(index[1:], table[k*step:(k+1)*step]))
	}
	return jen.Values(rows...)
}

// runTable declares the instances of a run.
func runTable(f *jen.File, r *view.Run) {
	var rows []jen.Code
	for _, i := range r.Instances {
		rows = append(rows, instance(r.Class, i))
	}
	if len(rows) == 1 {
		f.Var().Id(r.Table).Op("=").Id(r.Class.At).Add(rows[0])
	} else {
		f.Var().Id(r.Table).Op("=").Index(number(len(rows))).Id(r.Class.At).Add(lines(rows...))
	}
	f.Line()
}

func instance(c *view.Class, i *view.Instance) *jen.Statement {
	var items fields
	k := i.Number()
	for _, e := range c.Layout.Extent {
		if len(e.Index) == 0 {
			items.add(e.Name, number(e.Tables[k][0]))
			continue
		}
		items.add(e.Name, extentType(e).Add(nested(e.Index, e.Tables[k])))
	}
	for j, call := range i.Body.Calls {
		if name := c.Layout.Recs[j]; name != "" {
			items.add(name, record(call.Rec))
		}
	}
	if i.Skip && c.Skip == view.SomeSkip {
		items.add("skip", jen.True())
	}
	return lines(items...)
}

// records calls visit with the record of every call of the package.
func records(p *view.Package, visit func(r view.Rec)) {
	for _, s := range p.Sections {
		for _, piece := range s.Pieces {
			for _, c := range piece.Calls {
				visit(c.Rec)
			}
			if piece.Run == nil {
				continue
			}
			for _, i := range piece.Run.Instances {
				for _, c := range i.Body.Calls {
					visit(c.Rec)
				}
			}
		}
	}
}

// helpers writes the constructors that keep the tables short, those that are needed.
func helpers(f *jen.File, p *view.Package) {
	norms, matrices := false, false
	records(p, func(r view.Rec) {
		if r.BatchNorm != nil {
			_, ok := torchNorm(*r.BatchNorm)
			norms = norms || ok
		}
		matrices = matrices || r.Linear != nil && r.Linear.Weight.Transposed || r.Param != nil && r.Param.Transposed
	})
	paramHelper(f)
	if matrices {
		transposedHelper(f)
	}
	if norms {
		batchNormHelper(f)
	}
}

func paramHelper(f *jen.File) {
	f.Func().Id("param").Params(jen.Id("name").String(), jen.Id("shape").Op("...").Int()).Add(nnType("Param")).Block(
		jen.Return(nnType("Param").Values(jen.Id("Name").Op(":").Id("name"), jen.Id("Shape").Op(":").Id("shape"))),
	)
	f.Line()
}

func transposedHelper(f *jen.File) {
	f.Comment("transposed is a matrix that the model stores with its axes swapped.")
	f.Func().Id("transposed").Params(jen.Id("name").String(), jen.Id("shape").Op("...").Int()).Add(nnType("Param")).Block(
		jen.Return(nnType("Param").Values(jen.Id("Name").Op(":").Id("name"), jen.Id("Shape").Op(":").Id("shape"), jen.Id("Transposed").Op(":").True())),
	)
	f.Line()
}

func batchNormHelper(f *jen.File) {
	f.Comment("batchNorm is a normalisation whose tensors have PyTorch's names.")
	part := func(suffix string) *jen.Statement {
		return jen.Id("param").Call(jen.Id("prefix").Op("+").Lit(suffix), jen.Id("channels"))
	}
	f.Func().Id("batchNorm").Params(
		jen.List(jen.Id("name"), jen.Id("prefix")).String(), jen.Id("channels").Int(), jen.Id("epsilon").Float32(),
	).Add(nnType("BatchNorm")).Block(jen.Return(nnType("BatchNorm").Add(lines(
		jen.Id("Name").Op(":").Id("name"),
		jen.Id("Scale").Op(":").Add(part(".weight")),
		jen.Id("Bias").Op(":").Add(part(".bias")),
		jen.Id("Mean").Op(":").Add(part(".running_mean")),
		jen.Id("Var").Op(":").Add(part(".running_var")),
		jen.Id("Epsilon").Op(":").Id("epsilon"),
	))))
}
