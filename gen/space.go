package gen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/runtime/space"
)

// space writes space_gen.go: choice types, SubNet and its genes.
func spaceFile(f *jen.File, p *view.Package) error {
	subNet(f, p)
	for _, s := range p.Stages {
		if s.Type != "" {
			stageType(f, s)
		}
	}
	for _, b := range p.Blocks {
		blockType(f, b)
	}
	for _, t := range p.Types {
		choiceType(f, t)
	}
	text(f)
	genes(f, p)
	return nil
}

func subNet(f *jen.File, p *view.Package) {
	var members []jen.Code
	for _, c := range p.Choices {
		if c.Stage < 0 {
			members = append(members, choiceField(c.Field, c.Type))
		}
	}
	for _, s := range p.Stages {
		if s.Type != "" {
			members = append(members, jen.Id(s.Type).Id(s.Type))
		}
	}
	f.Comment("SubNet selects one network out of the SuperNet. The zero SubNet is the original model.")
	f.Comment("SubNets are comparable. Two SubNets describe the same network exactly if their Canonical forms are equal.")
	f.Type().Id("SubNet").Struct(members...)
	f.Line()
}

func stageType(f *jen.File, s *view.Stage) {
	var members []jen.Code
	for _, x := range s.Fields {
		members = append(members, choiceField(x.Name, x.Type))
	}
	if s.Array != nil {
		members = append(members, jen.Id("Blocks").Index(number(len(s.Elastic))).Id(s.Array.Name))
	} else {
		for _, b := range s.Elastic {
			members = append(members, jen.Id(s.BlockPath(b)).Id(b.Type.Name))
		}
	}
	f.Comment(view.Comment(fmt.Sprintf("%s holds the choices of stage %d: %s.", s.Type, s.Index, s.Summary())))
	f.Type().Id(s.Type).Struct(members...)
	f.Line()
}

func blockType(f *jen.File, b *view.BlockType) {
	var members []jen.Code
	for _, x := range b.Fields {
		members = append(members, choiceField(x.Name, x.Type))
	}
	doc := b.Doc
	if doc == "" {
		doc = "is a block"
	}
	f.Comment(view.Comment(strings.TrimSuffix(b.Name+" "+doc, ".") + "."))
	f.Type().Id(b.Name).Struct(members...)
	f.Line()
}

func stringLits(list []string) []jen.Code {
	out := make([]jen.Code, len(list))
	for i, s := range list {
		out[i] = jen.Lit(s)
	}
	return out
}

// text writes the forms that a SubNet has outside of Go code.
func text(f *jen.File) {
	s := func() *jen.Statement { return jen.Id("s").Id("SubNet") }
	f.Comment("Canonical returns s with the choices of removed blocks set to the original.")
	f.Func().Params(s()).Id("Canonical").Params().Id("SubNet").Block(
		jen.Id("g").Op(":=").Id("s").Dot("genes").Call(),
		qual("space", "Canonical").Call(jen.Id("choices").Index(jen.Op(":")), jen.Id("g").Index(jen.Op(":"))),
		jen.Return(jen.Id("subNet").Call(jen.Id("g").Index(jen.Op(":")))),
	)
	f.Line()
	f.Comment("String lists the choices of s that differ from the original, such as \"resolution=28,stage3.depth=2\"; the original model is \"original\".")
	f.Func().Params(s()).Id("String").Params().String().Block(
		jen.Id("g").Op(":=").Id("s").Dot("genes").Call(),
		jen.Return(qual("space", "Format").Call(jen.Id("choices").Index(jen.Op(":")), jen.Id("g").Index(jen.Op(":")))),
	)
	f.Line()
	f.Comment("ParseSubNet reads the form that String writes, in any order.")
	f.Func().Id("ParseSubNet").Params(jen.Id("text").String()).Params(jen.Id("SubNet"), jen.Error()).Block(
		jen.List(jen.Id("g"), jen.Err()).Op(":=").Add(qual("space", "Parse")).Call(jen.Id("choices").Index(jen.Op(":")), jen.Id("text")),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Id("SubNet").Values(), jen.Err())),
		jen.Return(jen.Id("subNet").Call(jen.Id("g")), jen.Nil()),
	)
	f.Line()
	f.Comment("MarshalText writes the form of String, also for JSON.")
	f.Func().Params(s()).Id("MarshalText").Params().Params(jen.Index().Byte(), jen.Error()).Block(
		jen.Return(jen.Index().Byte().Call(jen.Id("s").Dot("String").Call()), jen.Nil()),
	)
	f.Line()
	f.Comment("UnmarshalText reads the form that MarshalText writes.")
	f.Func().Params(jen.Id("s").Op("*").Id("SubNet")).Id("UnmarshalText").Params(jen.Id("text").Index().Byte()).Params(jen.Err().Error()).Block(
		jen.List(jen.Op("*").Id("s"), jen.Err()).Op("=").Id("ParseSubNet").Call(jen.String().Call(jen.Id("text"))),
		jen.Return(jen.Err()),
	)
	f.Line()
}

// genes writes the flat form that tables and searches work on.
func genes(f *jen.File, p *view.Package) {
	f.Comment("NumGenes is the number of choices.")
	f.Const().Id("NumGenes").Op("=").Add(number(len(p.Choices)))
	f.Line()
	f.Comment("genes holds the index of each choice's value, in the order of choices.")
	f.Type().Id("genes").Op("=").Index(jen.Id("NumGenes")).Uint8()
	f.Line()
	var rows, values []jen.Code
	for _, c := range p.Choices {
		rows = append(rows, choiceRow(c))
		values = append(values, jen.Id("s."+c.Value+".i"))
	}
	f.Var().Id("choices").Op("=").Index(jen.Id("NumGenes")).Add(qual("space", "Choice")).Add(lines(rows...))
	f.Line()
	f.Func().Params(jen.Id("s").Op("*").Id("SubNet")).Id("genes").Params().Id("genes").Block(jen.Return(jen.Id("genes").Add(lines(values...))))
	f.Line()
	f.Comment("subNet is the inverse of SubNet.genes.")
	f.Func().Id("subNet").Params(jen.Id("g").Index().Uint8()).Id("SubNet").Block(jen.Return(jen.Id("SubNet").Add(lines(fromGenes(p)...))))
}

func choiceRow(c *view.Choice) *jen.Statement {
	var r fields
	r.add("Name", jen.Lit(c.Name))
	r.add("Was", str(c.Was))
	r.add("Kind", jen.Lit(c.Kind))
	r.add("Values", jen.Id(view.Unexported(c.Type.Name)+"Texts"))
	r.add("Live", needLit(c.Live))
	return jen.Values(r...)
}

func needLit(n space.Need) *jen.Statement {
	if n.Below == 0 {
		return nil
	}
	return qual("space", "Need").Values(jen.Id("Gene").Op(":").Add(number(n.Gene)), jen.Id("Below").Op(":").Add(number(n.Below)))
}

// fromGenes is the inside of a SubNet literal with values from g.
func fromGenes(p *view.Package) []jen.Code {
	var out fields
	value := func(g int) *jen.Statement {
		return jen.Id(p.Choices[g].Type.Name).Values(jen.Id("g").Index(number(g)))
	}
	for g, c := range p.Choices {
		if c.Stage < 0 {
			out.add(c.Field, value(g))
		}
	}
	for _, s := range p.Stages {
		if s.Type == "" {
			continue
		}
		var in fields
		for _, x := range s.Fields {
			in.add(x.Name, value(x.Gene))
		}
		var blocks []jen.Code
		for _, b := range s.Elastic {
			var bf []jen.Code
			for _, g := range b.Genes {
				bf = append(bf, value(g))
			}
			if s.Array == nil {
				in.add(s.BlockPath(b), jen.Id(b.Type.Name).Values(bf...))
			}
			blocks = append(blocks, jen.Values(bf...))
		}
		if s.Array != nil {
			in.add("Blocks", jen.Index(number(len(s.Elastic))).Id(s.Array.Name).Values(blocks...))
		}
		out.add(s.Type, jen.Id(s.Type).Values(in...))
	}
	return out
}
