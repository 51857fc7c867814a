package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// coupled declares what choices cut together.
func coupled(f *jen.File, p *view.Package) {
	if len(p.Groups) == 0 {
		return
	}
	var groups []jen.Code
	for _, g := range p.Groups {
		var of []jen.Code
		for _, m := range g.Of {
			var r fields
			r.add("Param", jen.Lit(m.Param))
			r.add("Axis", nonzero(m.Axis))
			r.add("From", nonzero(m.From))
			r.add("Repeat", nonzero(m.Repeat))
			r.add("Every", nonzero(m.Every))
			r.add("Step", nonzero(m.Step))
			r.add("Reads", flag(m.Reads))
			of = append(of, jen.Values(r...))
		}
		groups = append(groups, jen.Values(
			jen.Id("Size").Op(":").Add(number(g.Size)), jen.Id("Of").Op(":").Index().Add(qual("supernet", "Member")).Add(lines(of...)),
		))
	}
	f.Comment("coupled lists the axes that are cut together. Training sorts their channels so that the most important ones come first.")
	f.Var().Id("coupled").Op("=").Index(number(len(groups))).Add(qual("supernet", "Group")).Add(lines(groups...))
	f.Line()
}
