package pytorch

import (
	"strings"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/runtime/nn"
	runtime "github.com/autotailor/autotailor/runtime/supernet"
)

// couplingFile is coupling.py: the groups of channels that are cut together.
func couplingFile(p *view.Package) string {
	tensors := params(p)
	var w writer
	w.line(0, `"""Channels that are cut together: sorted together, they stay one net."""`)
	w.line(0, "")
	w.line(0, "from .sorting import Group, Place")
	w.line(0, "")
	w.line(0, "GROUPS = [")
	for _, g := range p.Groups {
		w.line(1, "Group(%d, (", g.Size)
		for _, m := range g.Of {
			w.line(2, "%s,", member(tensors[m.Param], m))
		}
		w.line(1, ")),")
	}
	w.line(0, "]")
	return w.String()
}

// member writes a group's place in a tensor, whose axes are those that the file stores.
func member(t nn.Param, m runtime.Member) string {
	a := args{}
	axis := m.Axis
	if t.Transposed {
		axis = 1 - axis
	}
	a.add("%s, %d", quote(t.Source()), axis)
	a.other("start", m.From, 0)
	if m.Repeat > 1 {
		a.add("repeat=%d, every=%d", m.Repeat, m.Every)
	}
	if m.Step > 1 {
		a.add("step=%d", m.Step)
	}
	if m.Reads {
		a.add("reads=True")
	}
	return "Place(" + strings.Join(a.list, ", ") + ")"
}

// params finds the tensors of all calls by their names.
func params(p *view.Package) map[string]nn.Param {
	out := map[string]nn.Param{}
	add := func(list ...nn.Param) {
		for _, t := range list {
			if was, ok := out[t.Name]; !ok || was.Transposed { // of a matrix that is used in both forms, the stored one
				out[t.Name] = t
			}
		}
	}
	for _, s := range p.Stages {
		for _, it := range s.Items {
			for _, c := range it.Calls {
				switch r := c.Rec; {
				case r.Conv != nil:
					add(r.Conv.Weight, r.Conv.Bias)
				case r.Linear != nil:
					add(r.Linear.Weight, r.Linear.Bias)
				case r.BatchNorm != nil:
					add(r.BatchNorm.Scale, r.BatchNorm.Bias, r.BatchNorm.Mean, r.BatchNorm.Var)
				case r.LayerNorm != nil:
					add(r.LayerNorm.Scale, r.LayerNorm.Bias)
				case r.Param != nil:
					add(*r.Param)
				}
			}
		}
	}
	return out
}
