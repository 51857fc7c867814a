package gen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/runtime/optable"
)

// shortTable is the longest table that stands within its site's line.
const shortTable = 8

// opsFile writes ops_gen.go: the operator table, and for every rule set where its operators occur.
func opsFile(f *jen.File, p *view.Package) error {
	f.Comment("NumOps is the number of distinct operators over all SubNets and fusion rules.")
	f.Const().Id("NumOps").Op("=").Add(number(len(p.Table.Ops)))
	f.Line()
	f.Comment("ops is sorted by key. With the sites below it is the schema of latency tables.")
	var rows []jen.Code
	for _, o := range p.Table.Ops {
		rows = append(rows, opRow(o))
	}
	f.Var().Id("ops").Op("=").Index(jen.Id("NumOps")).Add(qual("optable", "Op")).Add(lines(rows...))
	f.Line()
	t := &siteTables{names: map[string]string{}}
	for _, r := range p.Table.Rules {
		var sites []jen.Code
		for _, s := range r.Sites {
			sites = append(sites, t.site(s))
		}
		f.Comment(view.Comment(fmt.Sprintf("%s has the operator at every place of the network under fusion rules %q.", siteVar(r.Name), r.Name)))
		f.Var().Id(siteVar(r.Name)).Op("=").Index(jen.Op("...")).Add(qual("optable", "Site")).Add(lines(sites...))
		f.Line()
	}
	if len(t.defs) > 0 {
		f.Comment("The operators of sites that depend on choices, dense over them, the last one fastest.")
		f.Var().Defs(t.defs...)
	}
	return nil
}

func opRow(o optable.Op) *jen.Statement {
	var r fields
	r.add("Steps", jen.Lit(o.Steps))
	r.add("In", str(o.In))
	r.add("Params", str(o.Params))
	r.add("Out", str(o.Out))
	if o.MACs != 0 {
		r.add("MACs", number(o.MACs))
	}
	return jen.Values(r...)
}

// siteVar is the variable with the sites of a rule set.
func siteVar(rules string) string { return "sites" + view.Exported(rules) }

// siteTables names the tables of sites, each once.
type siteTables struct {
	names map[string]string
	defs  []jen.Code
}

func (t *siteTables) site(s optable.Site) *jen.Statement {
	var r fields
	r.add("Name", jen.Lit(s.Name))
	if len(s.Deps) > 0 {
		r.add("Deps", jen.Index().Uint8().Values(numbers(s.Deps)...))
	}
	r.add("Live", needLit(s.Live))
	r.add("Ops", t.table(s))
	return jen.Values(r...)
}

func (t *siteTables) table(s optable.Site) *jen.Statement {
	ids := func() *jen.Statement { return jen.Index().Add(qual("optable", "ID")) }
	if len(s.Ops) <= shortTable {
		return ids().Values(numbers(s.Ops)...)
	}
	text := tableText(s)
	name, ok := t.names[text]
	if !ok {
		name = fmt.Sprintf("table%d", len(t.defs))
		t.names[text] = name
		t.defs = append(t.defs, jen.Id(name).Op("=").Add(ids()).Op("{"+text+"}"))
	}
	return jen.Id(name)
}

// tableText lists a site's operators, twenty in a line.
func tableText(s optable.Site) string {
	var b strings.Builder
	b.WriteByte('\n')
	for k, id := range s.Ops {
		b.WriteString(strconv.FormatUint(uint64(id), 10))
		b.WriteByte(',')
		if k%20 == 19 || k == len(s.Ops)-1 {
			b.WriteByte('\n')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
