package supernet

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Graph builds the operator as a network of its own, with inputs i0, i1, ..., parameters p0, p1, ... and outputs o0, o1, ...
func (o Op) Graph() (*nn.Graph, error) {
	b := builder{g: &nn.Graph{Values: make([]nn.Info, 1)}, names: map[string]nn.Value{}}
	err := b.build(o)
	if err != nil {
		return nil, fmt.Errorf("operator %q: %w", o.Steps, err)
	}
	return b.g, nil
}

type builder struct {
	g     *nn.Graph
	names map[string]nn.Value
	read  map[nn.Value]bool
}

func (b *builder) build(o Op) error {
	in, inTypes, err := parseShapes(o.In)
	params, paramTypes, err2 := parseShapes(o.Params)
	outs, outTypes, err3 := parseShapes(o.Out)
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	var usual []string
	for k, s := range in {
		name := fmt.Sprintf("i%d", k)
		b.g.Inputs = append(b.g.Inputs, b.value(nn.Info{Name: name, Type: inTypes[k], Shape: s}))
		usual = append(usual, name)
	}
	for k, s := range params {
		name := fmt.Sprintf("p%d", k)
		b.value(nn.Info{Name: name, Type: paramTypes[k], Shape: s, Param: &nn.Param{Name: name, Shape: s}})
		usual = append(usual, name)
	}
	b.read = map[nn.Value]bool{}
	for k, text := range strings.Split(o.Steps, " | ") {
		if err := b.step(k, text, usual); err != nil {
			return err
		}
	}
	return b.outputs(outs, outTypes)
}

func (b *builder) value(i nn.Info) nn.Value {
	b.g.Values = append(b.g.Values, i)
	v := nn.Value(len(b.g.Values) - 1)
	b.names[i.Name] = v
	return v
}

// step parses "Type attr=value ... (operands)".
func (b *builder) step(k int, text string, usual []string) error {
	head, operands, listed := strings.Cut(text, " (")
	if listed {
		usual = strings.Fields(strings.TrimSuffix(operands, ")"))
	}
	fields := strings.Fields(head)
	if len(fields) == 0 {
		return fmt.Errorf("step %d is empty", k)
	}
	n := nn.Node{Type: fields[0], Name: fmt.Sprintf("step%d", k)}
	if dot := strings.LastIndexByte(n.Type, '.'); dot >= 0 {
		n.Domain, n.Type = n.Type[:dot], n.Type[dot+1:]
	}
	for _, f := range fields[1:] {
		a, err := parseAttr(f)
		if err != nil {
			return err
		}
		n.Attrs = append(n.Attrs, a)
	}
	for _, name := range usual {
		v, err := b.operand(name)
		if err != nil {
			return err
		}
		n.In = append(n.In, v)
		b.read[v] = true
	}
	n.Out = []nn.Value{b.value(nn.Info{Name: fmt.Sprintf("%%%d", k), Type: nn.Float32})}
	b.g.Nodes = append(b.g.Nodes, n)
	return nil
}

func (b *builder) operand(name string) (nn.Value, error) {
	if name == "_" {
		return nn.None, nil
	}
	if v, ok := b.names[name]; ok {
		return v, nil
	}
	if step, _, ok := strings.Cut(name, "."); ok && strings.HasPrefix(name, "%") {
		return b.secondary(step, name)
	}
	if strings.HasSuffix(name, "]") {
		t, err := parseLiteral(name)
		if err != nil {
			return 0, err
		}
		return b.value(nn.Info{Name: name, Type: t.Type, Shape: t.Shape, Const: &t}), nil
	}
	return 0, fmt.Errorf("unknown operand %q", name)
}

// secondary gives a node of several outputs as many as name says.
func (b *builder) secondary(step, name string) (nn.Value, error) {
	k, err := strconv.Atoi(step[1:])
	j, err2 := strconv.Atoi(name[len(step)+1:])
	if err != nil || err2 != nil || k < 0 || k >= len(b.g.Nodes) || j < 0 || j > 64 {
		return 0, fmt.Errorf("unknown operand %q", name)
	}
	n := &b.g.Nodes[k]
	for len(n.Out) <= j {
		n.Out = append(n.Out, b.value(nn.Info{Name: fmt.Sprintf("%s.%d", step, len(n.Out)), Type: nn.Float32}))
	}
	return n.Out[j], nil
}

// outputs makes outputs of the results that no step reads, and of the last step's. Inner results get shapes where they follow.
func (b *builder) outputs(shapes []nn.Shape, types []nn.DType) error {
	last := &b.g.Nodes[len(b.g.Nodes)-1]
	var free []nn.Value
	for i := range b.g.Nodes {
		for _, v := range b.g.Nodes[i].Out {
			if !b.read[v] {
				free = append(free, v)
			}
		}
	}
	for len(free) < len(shapes) && len(b.g.Nodes) == 1 {
		free = append(free, b.value(nn.Info{Name: fmt.Sprintf("%%0.%d", len(free))}))
		last.Out = append(last.Out, free[len(free)-1])
	}
	if len(free) != len(shapes) {
		return fmt.Errorf("%d results leave it, %d have a shape", len(free), len(shapes))
	}
	for k, v := range free {
		b.g.Values[v].Name = fmt.Sprintf("o%d", k)
		b.g.Values[v].Shape, b.g.Values[v].Type = shapes[k], types[k]
	}
	b.g.Outputs = free
	return b.inner()
}

// inner finds the shapes of results that stay inside: an operator of a fused group has the shape of the one that reads it,
// because what runtimes join to a product is element-wise.
func (b *builder) inner() error {
	for i := len(b.g.Nodes) - 1; i >= 0; i-- {
		n := &b.g.Nodes[i]
		out := b.g.Values[n.Out[0]]
		for _, v := range n.In {
			if inner := &b.g.Values[v]; v != nn.None && inner.Shape == nil && strings.HasPrefix(inner.Name, "%") {
				if isProduct(n.Type) {
					return fmt.Errorf("the shape of result %s is not known", inner.Name)
				}
				inner.Shape = out.Shape
			}
		}
	}
	return nil
}

func parseLiteral(text string) (nn.Tensor, error) {
	open := strings.IndexByte(text, '[')
	if open < 0 {
		return nn.Tensor{}, fmt.Errorf("bad constant %q", text)
	}
	shapes, types, err := parseShapes(text[:open])
	if err != nil || len(shapes) != 1 {
		return nn.Tensor{}, fmt.Errorf("bad constant %q", text)
	}
	parts := elements(text[open+1 : len(text)-1])
	if len(parts) != shapes[0].Count() {
		return nn.Tensor{}, fmt.Errorf("constant %q does not have as many elements as its shape", text)
	}
	if types[0] == nn.Int64 {
		v, err := each(parts, parseInt)
		return nn.FromInt64s(shapes[0], v), err
	}
	v, err := each(parts, parseFloat)
	return nn.FromFloat32s(shapes[0], v), err
}

// elements splits a list; one element is followed by a comma.
func elements(text string) []string {
	text = strings.TrimSuffix(text, ",")
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func each[T any](parts []string, parse func(string) (T, error)) ([]T, error) {
	out := make([]T, len(parts))
	for i, p := range parts {
		v, err := parse(p)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func parseInt(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

func parseFloat(s string) (float32, error) {
	v, err := strconv.ParseFloat(s, 32)
	return float32(v), err
}

// parseAttr is the inverse of attrText.
func parseAttr(text string) (nn.Attr, error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return nn.Attr{}, fmt.Errorf("attribute %q has no value", text)
	}
	a := nn.Attr{Name: name}
	var err error
	isList := value == "" || strings.Contains(value, ",")
	switch {
	case strings.HasPrefix(value, `"`):
		a.Strings, err = each(elements(value), strconv.Unquote)
		a.Kind = nn.AttrStrings
		if !isList && err == nil {
			a.Kind, a.String, a.Strings = nn.AttrString, a.Strings[0], nil
		}
	case strings.HasPrefix(value, "x"):
		kind, raw, _ := strings.Cut(value[1:], ":")
		k, err2 := strconv.ParseUint(kind, 10, 8)
		a.Kind = nn.AttrKind(k)
		a.Raw, err = hex.DecodeString(raw)
		err = cmp.Or(err, err2)
	case strings.ContainsAny(value, ".eIN"):
		a.Floats, err = each(elements(value), parseFloat)
		a.Kind = nn.AttrFloats
		if !isList && err == nil {
			a.Kind, a.Float, a.Floats = nn.AttrFloat, a.Floats[0], nil
		}
	default:
		a.Ints, err = each(elements(value), parseInt)
		a.Kind = nn.AttrInts
		if !isList && err == nil {
			a.Kind, a.Int, a.Ints = nn.AttrInt, a.Ints[0], nil
		}
	}
	if err != nil {
		return nn.Attr{}, fmt.Errorf("attribute %q: %w", text, err)
	}
	return a, nil
}
