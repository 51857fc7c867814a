package view

import "github.com/autotailor/autotailor/ir/supernet"

// Refused lists the operators whose attributes depend on choices, but that no builder method fits. They cannot be carried, because carried attributes are the same for
// all SubNets. The caller freezes their axes.
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
