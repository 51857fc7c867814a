package supernet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/spell"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
)

// Explanation says why the axes of one value can or cannot change.
type Explanation struct {
	Value string          `json:"value"`
	Place string          `json:"place"` // its place in the graph: "parameter of node conv1 (Conv)"
	Axes  []ExplainedAxis `json:"axes"`
}

// ExplainedAxis is one axis. It has several parts if it is a product (heads x head width) or a concatenation.
type ExplainedAxis struct {
	Axis  int             `json:"axis"`
	Size  int             `json:"size"`
	Parts []ExplainedPart `json:"parts"`
}

// ExplainedPart is a class of axes that have one extent and are cut together.
type ExplainedPart struct {
	Size    int      `json:"size"`
	Choices []string `json:"choices"` // choices that move it; empty if it is fixed
	Node    string   `json:"node"`    // node that fixes it, "" if none does
	Why     string   `json:"why"`     // reason why it is fixed
	Way     []string `json:"way"`     // nodes on the path from the value to Node: each has the class on two of its values
	With    []string `json:"with"`    // other parameters' axes of the class: "conv2.weight axis 1"
}

// Why explains the axes of the parameter or value called name, or of all values of the node called name.
func (n *Net) Why(name string) ([]Explanation, error) {
	w := why{n, map[ir.ValueID][]*ir.Node{}}
	var ids []ir.ValueID
	var known []string
	for _, o := range n.Graph.Nodes {
		values := append(slices.Clone(o.In), o.Out...)
		for _, id := range values {
			if id == 0 {
				continue
			}
			w.users[id] = append(w.users[id], o)
			known = append(known, n.Graph.Values[id].Name)
			if (o.Name == name || n.Graph.Values[id].Name == name) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		known = append(known, o.Name)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("the graph has no value or node %q after the compiler's passes%s", name, spell.Suggest(name, known))
	}
	var out []Explanation
	for _, id := range ids {
		if axes := n.coupling.Axes(id); len(axes) > 0 {
			out = append(out, w.value(id, axes))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%q has no axes", name)
	}
	return out, nil
}

// why explains axes of one net.
type why struct {
	*Net
	users map[ir.ValueID][]*ir.Node // nodes that read or make a value
}

func (w why) value(id ir.ValueID, axes []axis.Var) Explanation {
	e := Explanation{Value: w.Graph.Values[id].Name, Place: w.place(id)}
	for k, v := range axes {
		a := ExplainedAxis{Axis: k, Size: w.coupling.Size(v)}
		for _, l := range w.coupling.Leaves(v) {
			a.Parts = append(a.Parts, w.part(id, k, l))
		}
		e.Axes = append(e.Axes, a)
	}
	return e
}

func (w why) place(id ir.ValueID) string {
	switch {
	case w.Graph.Values[id].Const != nil:
		return "parameter of node " + title(w.users[id][0])
	case slices.Contains(w.Graph.Inputs, id):
		return "input of the model"
	}
	for _, n := range w.users[id] {
		if slices.Contains(n.Out, id) {
			return "made by node " + title(n)
		}
	}
	return ""
}

func title(n *ir.Node) string { return fmt.Sprintf("%s (%s)", n.Name, n.Op) }

// part explains the class l, which axis k of value id has.
func (w why) part(id ir.ValueID, k int, l axis.Var) ExplainedPart {
	p := ExplainedPart{Size: w.coupling.Size(l), Choices: []string{}, Way: []string{}, With: []string{}}
	for _, d := range w.movers(id, k, l) {
		p.Choices = append(p.Choices, w.Choices[d].Name)
	}
	p.With = w.with(id, k, l)
	reason := w.coupling.Frozen(l)
	switch {
	case len(p.Choices) > 0:
	case reason != nil:
		p.Node, p.Why = reason.Node, reason.Why
		p.Way = w.way(id, l, reason.Node)
	case w.coupling.Is(l, axis.Batch):
		p.Why = "it is the batch"
	case w.coupling.Is(l, axis.Spatial):
		p.Why = "it follows the extents of the input, which no choice of the config moves"
	case w.coupling.Is(l, axis.Kernel):
		p.Why = "it is a window, which no choice of the config moves"
	default:
		p.Why = "no choice of the config moves it"
	}
	return p
}

// movers lists the choices that move the class l.
func (w why) movers(id ir.ValueID, k int, l axis.Var) []dim.Choice {
	if d, ok := w.leaves[l]; ok {
		return d.Deps()
	}
	if w.coupling.Is(l, axis.Spatial) && k < len(w.Shapes[id]) {
		return w.Shapes[id][k].Deps()
	}
	return nil
}

// with lists the other parameters' axes that have the class l.
func (w why) with(id ir.ValueID, k int, l axis.Var) []string {
	out := []string{}
	for _, n := range w.Graph.Nodes {
		for _, v := range n.In {
			if v == 0 || w.Graph.Values[v].Const == nil {
				continue
			}
			for a, x := range w.coupling.Axes(v) {
				if (v != id || a != k) && slices.Contains(w.coupling.Leaves(x), l) {
					out = append(out, fmt.Sprintf("%s axis %d", w.Graph.Values[v].Name, a))
				}
			}
		}
	}
	return out
}

// way finds a shortest path from a value to the node, input or output called goal. All values on the path have the class l.
func (w why) way(from ir.ValueID, l axis.Var, goal string) []string {
	type step struct {
		value ir.ValueID
		way   []string
	}
	seen := map[ir.ValueID]bool{from: true}
	for queue := []step{{from, []string{}}}; len(queue) > 0; queue = queue[1:] {
		s := queue[0]
		if w.Graph.Values[s.value].Name == goal {
			return s.way
		}
		for _, n := range w.users[s.value] {
			way := append(slices.Clone(s.way), title(n))
			if cmp.Or(n.Name, n.Op) == goal {
				return way
			}
			for _, v := range append(slices.Clone(n.In), n.Out...) {
				if v != 0 && !seen[v] && slices.ContainsFunc(w.coupling.Axes(v), func(x axis.Var) bool { return slices.Contains(w.coupling.Leaves(x), l) }) {
					seen[v] = true
					queue = append(queue, step{v, way})
				}
			}
		}
	}
	return []string{}
}

// String is the explanation for people, in lines.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", e.Value, e.Place)
	for _, a := range e.Axes {
		of := ""
		if len(a.Parts) > 1 {
			of = fmt.Sprintf(", of %d parts", len(a.Parts))
		}
		fmt.Fprintf(&b, "  axis %d (%d%s)", a.Axis, a.Size, of)
		for _, p := range a.Parts {
			if of != "" {
				fmt.Fprintf(&b, "\n    %d", p.Size)
			}
			b.WriteString(p.text())
		}
		b.WriteString("\n")
	}
	return b.String()
}

// maxWith is the number of parameters' axes that the text lists.
const maxWith = 3

func (p ExplainedPart) text() string {
	text := ": " + p.Why
	switch {
	case len(p.Choices) > 0:
		text = ": moved by " + strings.Join(p.Choices, ", ")
	case p.Node != "":
		text = fmt.Sprintf(": frozen by %s: %s", p.Node, p.Why)
		if len(p.Way) > 0 {
			text += "\n      by way of " + strings.Join(p.Way, ", ")
		}
	}
	if n := len(p.With); n > 0 {
		text += "\n      together with " + strings.Join(p.With[:min(n, maxWith)], ", ")
		if n > maxWith {
			text += fmt.Sprintf(" and %d more", n-maxWith)
		}
	}
	return text
}
