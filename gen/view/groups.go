package view

import (
	runtime "github.com/autotailor/autotailor/runtime/supernet"
)

// groups names the parameters of the net's groups. A group with a tensor that no call uses is left out.
func (p *Package) groups(t *translator) {
	for _, g := range t.net.Groups() {
		out := runtime.Group{Size: g.Size}
		for _, m := range g.Members {
			param, ok := t.params[m.Value]
			if !ok {
				break
			}
			r := runtime.Member{Param: param.Name, Axis: m.Axis, From: m.From, Reads: m.Reads}
			if m.Repeat > 1 {
				r.Repeat, r.Every = m.Repeat, m.Every
			}
			if m.Step > 1 {
				r.Step = m.Step
			}
			out.Of = append(out.Of, r)
		}
		if len(out.Of) == len(g.Members) {
			p.Groups = append(p.Groups, out)
		}
	}
}
