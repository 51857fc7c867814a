package gen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
	runtime "github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/version"
)

// docFile writes doc_gen.go: what the package is, in words, and as the value that tools work on.
func docFile(f *jen.File, p *view.Package) error {
	for _, l := range packageDoc(p) {
		f.PackageComment(strings.TrimRight("// "+l, " "))
	}
	f.Comment("These lines do not compile if this version of the module github.com/autotailor/autotailor cannot serve this package.")
	f.Const().Defs(
		jen.Id("_").Op("=").Add(qual("version", "Enforce")).Call(number(version.Generated).Op("-").Add(qual("version", "Min"))).Comment("negative: generate this package again"),
		jen.Id("_").Op("=").Add(qual("version", "Enforce")).Call(qual("version", "Max").Op("-").Add(number(version.Generated))).Comment("negative: update the module"),
	)
	f.Line()
	f.Comment("Definition describes the SuperNet to tools, which work on genes. It must not be changed.")
	f.Func().Id("Definition").Params().Op("*").Add(qual("supernet", "Net")).Block(jen.Return(jen.Op("&").Id("definition")))
	f.Line()
	f.Var().Id("definition").Op("=").Add(qual("supernet", "Net")).Add(lines(definition(p)...))
	return nil
}

func definition(p *view.Package) []jen.Code {
	var stages, rules []jen.Code
	for _, s := range p.Stages {
		var r fields
		r.add("Index", number(s.Index))
		r.add("Name", jen.Lit(s.Name))
		if b := s.BlockNames(); len(b) > 0 {
			r.add("Blocks", texts(b))
		}
		if e := s.Places(); e != nil {
			r.add("Elastic", ints(e))
		}
		r.add("Width", number(s.Width))
		stages = append(stages, jen.Values(r...))
	}
	vars := siteVars(p)
	for k, s := range p.Table.Rules {
		var r fields
		r.add("Name", jen.Lit(s.Name))
		if len(s.Patterns) > 0 {
			r.add("Patterns", texts(s.Patterns))
		}
		r.add("Sites", jen.Id(vars[k]).Index(jen.Op(":")))
		rules = append(rules, jen.Values(r...))
	}
	var d fields
	d.add("Package", jen.Lit(p.Name))
	d.add("Title", str(p.Title))
	var source fields
	source.add("File", str(p.Source.File))
	source.add("SHA256", str(p.Source.SHA256))
	source.add("Opset", nonzero(p.Source.Opset))
	d.add("Source", qual("supernet", "Source").Values(source...))
	d.add("Digest", jen.Lit(p.Digest))
	d.add("Choices", jen.Id("choices").Index(jen.Op(":")))
	d.add("Stages", jen.Index().Add(qual("supernet", "Stage")).Add(lines(stages...)))
	d.add("Ops", jen.Id("ops"))
	d.add("Rules", jen.Index().Add(qual("supernet", "Rules")).Add(lines(rules...)))
	d.add("Build", jen.Func().Params(jen.Id("g").Index().Uint8(), jen.Id("b").Add(nnType("Builder"))).Block(
		jen.Id("subNet").Call(jen.Id("g")).Dot("Build").Call(jen.Id("b")),
	))
	if len(p.Groups) > 0 {
		d.add("Groups", jen.Id("coupled").Index(jen.Op(":")))
	}
	d.add("Coverage", qual("supernet", "Coverage").Values(
		jen.Id("Params").Op(":").Add(float64Lit(round4(p.Coverage.Params))), jen.Id("MACs").Op(":").Add(float64Lit(round4(p.Coverage.MACs)))))
	if len(p.Uncounted) > 0 {
		var list []jen.Code
		for _, u := range p.Uncounted {
			list = append(list, jen.Values(jen.Lit(u.Op), number(u.Nodes)))
		}
		d.add("Uncounted", jen.Index().Add(qual("supernet", "Uncounted")).Values(list...))
	}
	d.add("Raw", jen.Lit(p.Raw))
	d.add("Modifications", number(p.Mods))
	return d
}

// round4 keeps four digits, which no machine's rounding changes.
func round4(v float64) float64 { return float64(int(v*1e4+0.5)) / 1e4 }

// packageDoc is the package's documentation: a table of stages, then figures.
func packageDoc(p *view.Package) []string {
	what := "a model"
	if p.Source.File != "" {
		what = view.Comment(p.Source.File)
	}
	out := []string{fmt.Sprintf("Package %s is the SuperNet of %s.", p.Name, what), ""}
	rows := [][]string{{"stage", "blocks", "out", "choices"}}
	for _, s := range p.Stages {
		rows = append(rows, []string{fmt.Sprint(s.Index), view.Comment(s.Summary()), fmt.Sprint(s.Width), p.ChoiceSummary(s)})
	}
	out = append(out, columns(rows)...)
	out = append(out, "")
	var net []string
	for _, c := range p.Choices {
		if c.Stage < 0 {
			net = append(net, fmt.Sprintf("%s %s", c.Name, strings.Join(c.Values, " ")))
		}
	}
	facts := [][]string{}
	if len(net) > 0 {
		facts = append(facts, []string{"all stages", strings.Join(net, "; ")})
	}
	facts = append(facts,
		[]string{"SubNets", fmt.Sprintf("%s as configured, %s distinct (%d modifications)", scientific(p.Raw), scientific(p.Distinct), p.Mods)},
		[]string{"operators", operatorFigures(p)},
		[]string{"elastic", fmt.Sprintf("%.1f %% of parameters, %.1f %% of MACs", 100*p.Coverage.Params, 100*p.Coverage.MACs)},
	)
	if text := runtime.NotCounted(p.Uncounted); text != "" {
		facts = append(facts, []string{"not counted", text})
	}
	if len(p.Missing) > 0 {
		facts = append(facts, []string{"not proven", view.Comment(strings.Join(p.Missing, ", ")) + " (the embedded engine cannot run it)"})
	}
	if p.Source.SHA256 != "" {
		facts = append(facts, []string{"source", fmt.Sprintf("sha256:%.12s, opset %d", p.Source.SHA256, p.Source.Opset)})
	}
	facts = append(facts, []string{"digest", fmt.Sprintf("%.12s", p.Digest)})
	return append(out, columns(facts)...)
}

func operatorFigures(p *view.Package) string {
	var parts []string
	for k, r := range p.Table.Rules {
		text := fmt.Sprintf("%d under fusion rules %q", r.Distinct, r.Name)
		if k == 0 {
			text = fmt.Sprintf("%d distinct", r.Distinct)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// columns aligns rows as a preformatted block of a comment.
func columns(rows [][]string) []string {
	var widths []int
	for _, r := range rows {
		for k, c := range r {
			if k == len(widths) {
				widths = append(widths, 0)
			}
			widths[k] = max(widths[k], len([]rune(c)))
		}
	}
	var out []string
	for _, r := range rows {
		line := "\t"
		for k, c := range r {
			line += c + strings.Repeat(" ", widths[k]-len([]rune(c))+2)
		}
		out = append(out, strings.TrimRight(line, " "))
	}
	return out
}

// scientific shortens a long decimal number.
func scientific(n string) string {
	if len(n) <= 6 {
		return n
	}
	return fmt.Sprintf("%s.%se%d", n[:1], n[1:3], len(n)-1)
}
