package view

import "github.com/autotailor/autotailor/ir/supernet"

// Refused lists operators whose attributes move with choices although no builder method fits them: as they stand in the model they cannot be
// written for all SubNets. Their axes are to be frozen.
func Refused(net *supernet.Net) []supernet.Rigid {
	var out []supernet.Rigid
	t := newTranslator(net)
	for _, o := range net.Nodes {
		if len(o.Attrs) == 0 {
			continue
		}
		if _, merged := t.merged[o.Index]; merged {
			continue
		}
		if _, err := t.node(o); err != nil {
			out = append(out, supernet.Rigid{Node: o.Node.Name, Why: err.Error()})
		}
	}
	return out
}
