package gen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// instanceType writes the struct with what differs between a class's blocks.
func (m *moduleWriter) instanceType(c *view.Class) {
	var members []jen.Code
	for _, e := range c.Layout.Extent {
		t := jen.Id(e.Name)
		var by []string
		for _, i := range e.Index {
			t.Index(number(i.Card))
			if i.Arg >= 0 {
				by = append(by, c.Layout.Args[i.Arg].Name)
			} else {
				by = append(by, strings.ToLower(i.Field))
			}
		}
		t.Int()
		says := e.Doc()
		if len(by) > 0 {
			says += ", indexed by " + strings.Join(by, ", ")
		}
		t.Comment(says)
		members = append(members, t)
	}
	calls := c.Body.Calls
	for k, n := range c.Layout.Recs {
		if n != "" {
			members = append(members, jen.Id(n).Add(recordType(calls[k].Rec)))
		}
	}
	if c.Skip == view.SomeSkip {
		members = append(members, jen.Id("skip").Bool().Comment("the input is added to the result"))
	}
	m.f.Comment(view.Comment(fmt.Sprintf("%s has the tensors and widths of one %s of the network, for %s.", c.At, c.GoName, c.Func)))
	m.f.Type().Id(c.At).Struct(members...)
	m.f.Line()
}

func recordType(r view.Rec) *jen.Statement {
	switch {
	case r.Conv != nil:
		return nnType("Conv")
	case r.Linear != nil:
		return nnType("Linear")
	case r.BatchNorm != nil:
		return nnType("BatchNorm")
	case r.LayerNorm != nil:
		return nnType("LayerNorm")
	case r.Param != nil:
		return nnType("Param")
	case r.Pool != nil:
		return nnType("Pool")
	case r.Act != nil:
		return nnType("Act")
	case r.Resize != nil:
		return nnType("Resize")
	}
	return nnType("Op")
}
