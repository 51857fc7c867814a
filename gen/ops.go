package gen

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// shortTable is the longest table that stands within its site's line.
const shortTable = 8

// opsFile writes ops_gen.go: the operator table, and the places of its operators under every rule set.
func opsFile(f *jen.File, p *view.Package) error {
	f.Comment("NumOps is the number of distinct operators over all SubNets and fusion rules.")
	f.Const().Id("NumOps").Op("=").Add(number(len(p.Table.Ops)))
	f.Line()
	shapes(f, p)
	f.Comment("kernels lists the operators, grouped by what they compute. Together with the sites below it is the schema of latency tables.")
	var kernels []jen.Code
	for _, k := range p.Table.Kernels {
		kernels = append(kernels, kernel(p, k))
	}
	f.Var().Id("kernels").Op("=").Index(jen.Op("...")).Add(qual("supernet", "Kernel")).Add(lines(kernels...))
	f.Line()
	f.Comment("ops is sorted by key.")
	f.Var().Id("ops").Op("=").Add(qual("supernet", "Ops")).Call(jen.Id("shapes").Index(jen.Op(":")), jen.Id("kernels").Index(jen.Op(":")))
	f.Line()
	t := &siteTables{names: map[string]string{}}
	vars := siteVars(p)
	for k, r := range p.Table.Rules {
		if slices.Index(vars, vars[k]) < k {
			continue
		}
		var sites []jen.Code
		for _, s := range r.Sites {
			sites = append(sites, t.site(s))
		}
		f.Comment(view.Comment(fmt.Sprintf("%s lists the operator at each place of the network under fusion rules %s.", vars[k], rulesOf(p, vars, vars[k]))))
		f.Var().Id(vars[k]).Op("=").Index(jen.Op("...")).Add(qual("supernet", "Site")).Add(lines(sites...))
		f.Line()
	}
	if len(t.defs) > 0 {
		f.Comment("These tables list the operators of sites that depend on choices: one for each combination, the last choice fastest.")
		f.Var().Defs(t.defs...)
	}
	return nil
}

// shapes writes the shapes of operators: constants that name and number them, and the table of their extents.
func shapes(f *jen.File, p *view.Package) {
	names := []jen.Code{jen.Id("_").Op("=").Iota().Comment("none")}
	var items []jen.Code
	for _, s := range p.Table.Shapes[1:] {
		names = append(names, jen.Id(s.Name))
		var dims []jen.Code
		for _, d := range s.Dims {
			dims = append(dims, jen.Values(numbers([]int(d))...))
		}
		var r fields
		r.add("Dims", jen.Index().Add(nnType("Shape")).Values(dims...))
		if s.Types != nil {
			var types []jen.Code
			for _, t := range s.Types {
				types = append(types, dtype(t))
			}
			r.add("Types", jen.Index().Add(nnType("DType")).Values(types...))
		}
		items = append(items, jen.Id(s.Name).Op(":").Values(r...))
	}
	f.Comment("The shapes of data inputs, of parameters and of results, by number.")
	f.Const().Defs(names...)
	f.Line()
	f.Var().Id("shapes").Op("=").Index(jen.Op("...")).Add(qual("supernet", "Shapes")).Add(lines(items...))
	f.Line()
}

func kernel(p *view.Package, k supernet.Kernel) *jen.Statement {
	name := func(n uint32) *jen.Statement {
		if n == 0 {
			return nil
		}
		return jen.Id(p.Table.Shapes[n].Name)
	}
	var rows []jen.Code
	for _, r := range k.Rows {
		var f fields
		f.add("In", name(r.In))
		f.add("Params", name(r.Params))
		f.add("Out", name(r.Out))
		if r.MACs != 0 {
			f.add("MACs", number(r.MACs))
		}
		rows = append(rows, jen.Values(f...))
	}
	body := lines(rows...)
	if len(rows) == 1 {
		body = jen.Values(rows...)
	}
	return jen.Values(jen.Id("Steps").Op(":").Lit(k.Steps), jen.Id("Rows").Op(":").Index().Add(qual("supernet", "Row")).Add(body))
}

// siteVars names the variable with the sites of each rule set. Sets under which the same operators run share one.
func siteVars(p *view.Package) []string {
	var out []string
	for k, r := range p.Table.Rules {
		same := slices.IndexFunc(p.Table.Rules[:k], func(o view.Rules) bool { return reflect.DeepEqual(o.Sites, r.Sites) })
		if same >= 0 {
			out = append(out, out[same])
			continue
		}
		out = append(out, "sites"+view.Exported(r.Name))
	}
	return out
}

// rulesOf lists the rule sets whose sites a variable has.
func rulesOf(p *view.Package, vars []string, name string) string {
	var list []string
	for k, r := range p.Table.Rules {
		if vars[k] == name {
			list = append(list, strconv.Quote(r.Name))
		}
	}
	return strings.Join(list, ", ")
}

// siteTables names the tables of sites, each once.
type siteTables struct {
	names map[string]string
	defs  []jen.Code
}

func (t *siteTables) site(s supernet.Site) *jen.Statement {
	var r fields
	r.add("Name", jen.Lit(s.Name))
	if len(s.Deps) > 0 {
		r.add("Deps", jen.Index().Uint8().Values(numbers(s.Deps)...))
	}
	r.add("Live", needLit(s.Live))
	r.add("Ops", t.table(s))
	r.add("Shared", ints(s.Shared))
	return jen.Values(r...)
}

func (t *siteTables) table(s supernet.Site) *jen.Statement {
	ids := func() *jen.Statement { return jen.Index().Add(qual("supernet", "ID")) }
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
func tableText(s supernet.Site) string {
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
