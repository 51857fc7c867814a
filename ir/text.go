package ir

import (
	"encoding/hex"
	"fmt"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// MaxText is the number of bytes up to which Format writes a constant's data; the data of longer ones is left out.
const MaxText = 256

// Format writes a graph as text that Parse reads:
//
//	graph "name" ir 8
//	opset "" 17
//	input %1 "x" f32[?batch,3,32,32]
//	const %2 "w" f32[8,3,1,1] "w" 0x00ff...
//	node "conv1" Conv (%1 %2 _) -> (%3 "y" f32[?batch,8,32,32]) {group:int=1 pads:ints=[0,0,0,0]}
//	output %3
func Format(g *Graph) string {
	w := &textWriter{g: g, ids: map[ValueID]int{}}
	w.line("graph %q ir %d", g.Name, g.IRVersion)
	if g.Producer != "" {
		w.line("producer %q", g.Producer)
	}
	if g.Doc != "" {
		w.line("doc %q", g.Doc)
	}
	for _, d := range slices.Sorted(maps.Keys(g.Opsets)) {
		w.line("opset %q %d", d, g.Opsets[d])
	}
	for _, m := range g.Meta {
		w.line("meta %q %q", m.Key, m.Value)
	}
	for _, id := range g.Inputs {
		w.line("input %s", w.define(id))
	}
	for id, v := range g.Values {
		if v.Const != nil && w.ids[ValueID(id)] == 0 {
			w.line("const %s %s", w.define(ValueID(id)), tensorText(v.Const))
		}
	}
	for _, n := range g.Nodes {
		w.node(n)
	}
	for _, id := range g.Outputs {
		w.line("output %s", w.use(id))
	}
	return w.b.String()
}

type textWriter struct {
	g   *Graph
	b   strings.Builder
	ids map[ValueID]int // values are numbered in the order of their lines
}

func (w *textWriter) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

func (w *textWriter) use(id ValueID) string {
	if id == 0 {
		return "_"
	}
	return fmt.Sprintf("%%%d", w.ids[id])
}

// define numbers a value and describes it.
func (w *textWriter) define(id ValueID) string {
	if id == 0 {
		return "_"
	}
	if w.ids[id] == 0 {
		w.ids[id] = len(w.ids) + 1
	}
	v := w.g.Values[id]
	text := fmt.Sprintf("%%%d %q %v%s", w.ids[id], v.Name, v.Type, shapeText(v.Shape))
	if v.Note != "" {
		text += fmt.Sprintf(" note %q", v.Note)
	}
	return text
}

func (w *textWriter) node(n *Node) {
	op := n.Op
	if !token.IsIdentifier(op) {
		op = strconv.Quote(op)
	}
	if n.Domain != "" {
		op = strconv.Quote(n.Domain) + "." + op
	}
	var in, out, attrs []string
	for _, id := range n.In {
		in = append(in, w.use(id))
	}
	for _, id := range n.Out {
		out = append(out, w.define(id))
	}
	for _, a := range n.Attrs {
		attrs = append(attrs, textOfAttr(a))
	}
	w.b.WriteString(fmt.Sprintf("node %q %s (%s) -> (%s)", n.Name, op, strings.Join(in, " "), strings.Join(out, ", ")))
	if len(attrs) > 0 {
		w.b.WriteString(" {" + strings.Join(attrs, " ") + "}")
	}
	if n.Scope != "" {
		fmt.Fprintf(&w.b, " scope %q", n.Scope)
	}
	for _, m := range n.Meta {
		fmt.Fprintf(&w.b, " meta %q %q", m.Key, m.Value)
	}
	w.b.WriteByte('\n')
}

// shapeText writes extents; open ones are "?" and their name, an unknown shape is nothing at all.
func shapeText(s Shape) string {
	if s == nil {
		return ""
	}
	var parts []string
	for _, d := range s {
		switch {
		case d.Size >= 0:
			parts = append(parts, strconv.Itoa(d.Size))
		case d.Sym == "":
			parts = append(parts, "?")
		default:
			parts = append(parts, "?"+strconv.Quote(d.Sym))
		}
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func tensorText(t *Tensor) string {
	var dims []string
	for _, n := range t.Shape {
		dims = append(dims, strconv.Itoa(n))
	}
	text := fmt.Sprintf("tensor %q %v[%s]", t.Name, t.Type, strings.Join(dims, ","))
	switch {
	case t.Type == String:
		return text + " " + quotedList(t.Strings)
	case t.Raw == nil || len(t.Raw) > MaxText:
		return text + " left"
	}
	return text + " x" + hex.EncodeToString(t.Raw)
}

func quotedList(list []string) string {
	var parts []string
	for _, s := range list {
		parts = append(parts, strconv.Quote(s))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// kindNames are the kinds of attributes in the text form.
var kindNames = map[AttrKind]string{
	AttrFloat: "float", AttrInt: "int", AttrString: "string", AttrTensor: "tensor", AttrGraph: "graph",
	AttrFloats: "floats", AttrInts: "ints", AttrStrings: "strings",
}

func textOfAttr(a Attr) string {
	kind, ok := kindNames[a.Kind]
	if !ok {
		kind = fmt.Sprintf("kind%d", a.Kind)
	}
	value := "x" + hex.EncodeToString(a.Raw)
	switch a.Kind {
	case AttrFloat:
		value = floatText(a.Float)
	case AttrInt:
		value = strconv.FormatInt(a.Int, 10)
	case AttrString:
		value = strconv.Quote(a.String)
	case AttrStrings:
		value = quotedList(a.Strings)
	case AttrInts:
		value = joined(a.Ints, func(v int64) string { return strconv.FormatInt(v, 10) })
	case AttrFloats:
		value = joined(a.Floats, floatText)
	case AttrTensor:
		t, _ := a.Tensor()
		value = tensorText(&Tensor{Tensor: t})
	}
	return strconv.Quote(a.Name) + ":" + kind + "=" + value
}

func floatText(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }

func joined[T any](list []T, text func(T) string) string {
	var parts []string
	for _, v := range list {
		parts = append(parts, text(v))
	}
	return "[" + strings.Join(parts, ",") + "]"
}
