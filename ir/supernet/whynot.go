package supernet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/spell"
	"github.com/autotailor/autotailor/ir"
)

// WhyNot says why a region is not a block of the kind that was asked for.
type WhyNot struct {
	First  string `json:"first"` // nodes at which the region begins and ends
	Last   string `json:"last"`
	Node   string `json:"node"` // first node that does not fit, "" if the region is such a block
	Op     string `json:"op"`
	Reason string `json:"reason"`
}

// WhyNot explains for each region with weights why it is not a block called name: which node does not fit. If at is not empty, it explains only the region that has the
// node or value called at. forms are the templates that find such blocks, by the paper's names.
func (n *Net) WhyNot(templates []Template, name string, forms []string, at string) ([]WhyNot, error) {
	f := NewFlow(n.Graph)
	templates = slices.DeleteFunc(slices.Clone(templates), func(t Template) bool { return !slices.Contains(forms, t.Name) })
	var out []WhyNot
	for i := 0; i < len(f.Items); {
		items := f.found(templates, name, i)
		region := join(f.Items[i : i+max(1, items)])
		if at == "" && f.weighs(region) || at != "" && f.has(region, at) {
			w := WhyNot{First: f.title(region.Nodes[0]), Last: f.title(region.Nodes[len(region.Nodes)-1]), Reason: "it is one"}
			if items == 0 {
				w.ask(f, templates, i)
			}
			out = append(out, w)
		}
		i += max(1, items)
	}
	if len(out) > 0 {
		return out, nil
	}
	if at == "" {
		return nil, fmt.Errorf("no region of the model has weights")
	}
	var known []string
	for _, node := range n.Graph.Nodes {
		known = append(known, node.Name)
	}
	return nil, fmt.Errorf("the graph has no node or value %q after the compiler's passes%s", at, spell.Suggest(at, known))
}

// weighs tells whether an item has a layer with weights.
func (f *Flow) weighs(it Item) bool {
	return slices.ContainsFunc(it.Nodes, func(i int) bool {
		n := f.Graph.Nodes[i]
		return len(n.In) > 1 && slices.Contains([]string{"Conv", "ConvTranspose", "MatMul", "Gemm"}, n.Op) && f.derived[n.In[1]]
	})
}

// has tells whether a node of an item is called name, or reads or makes a value of that name.
func (f *Flow) has(it Item, name string) bool {
	value := func(id ir.ValueID) bool { return id != 0 && f.Graph.Values[id].Name == name }
	return slices.ContainsFunc(it.Nodes, func(i int) bool {
		n := f.Graph.Nodes[i]
		return n.Name == name || slices.ContainsFunc(n.Out, value) ||
			slices.ContainsFunc(n.In, func(id ir.ValueID) bool { return value(id) && f.derived[id] })
	})
}

// found is the number of items of the block called name that begins at item i, 0 if there is none.
func (f *Flow) found(templates []Template, name string, i int) int {
	for _, t := range templates {
		if m, ok := t.Match(f, i); ok && (m.GoName == name || t.Name == name) {
			return m.Items
		}
	}
	return 0
}

// ask lets the templates explain item i. If a block has several forms, the form that matches furthest is the likely one.
func (w *WhyNot) ask(f *Flow, templates []Template, i int) {
	furthest := -1
	for _, t := range templates {
		m, ok := t.Match(f, i)
		if ok {
			node := f.Items[i].Nodes[0]
			if len(m.Kernels) > 0 {
				node = m.Kernels[0]
			}
			furthest = len(f.Graph.Nodes)
			w.blame(f, node, "makes it "+article(m.GoName))
		} else if node, reason := t.Why(f, i); node > furthest {
			furthest = node
			w.blame(f, node, reason)
		}
	}
}

func (w *WhyNot) blame(f *Flow, node int, reason string) {
	w.Node, w.Op, w.Reason = f.title(node), f.Graph.Nodes[node].Op, reason
}

// title is a node's name, or its operator where it has none.
func (f *Flow) title(i int) string {
	if n := f.Graph.Nodes[i]; n.Name != "" {
		return n.Name
	}
	return f.Graph.Nodes[i].Op
}

func article(name string) string {
	if strings.ContainsRune("AEIO", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

// String is the explanation for people, in a line.
func (w WhyNot) String() string {
	region := w.First
	if w.First != w.Last {
		region += " to " + w.Last
	}
	if w.Node == "" {
		return region + ": " + w.Reason
	}
	return fmt.Sprintf("%s: node %s (%s) %s", region, w.Node, w.Op, w.Reason)
}
