// Package testgraph makes small graphs from short text, so that tests read like models. Only tests import it.
package testgraph

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/ir"
)

// Parse makes a graph of lines such as
//
//	input x Nx3x32x32
//	const w f32 8x3x3x3
//	c = Conv x w [8] pads=1,1,1,1
//	a, b = Split c {4,4} axis=1
//	s = Shape x : i64
//	output a
//
// An operand is the name of a value, _ for an absent one, [8,3] for a parameter of that shape with a name of its own, or
// {4,4} for a list of integers. N is an open extent. A node has the name of its first result; values are float32 unless
// ": type" follows, and have no declared shape unless ": type shape" does. Constants of shape [..] have no data.
func Parse(text string) (*ir.Graph, error) {
	p := &parser{g: &ir.Graph{Name: "test", IRVersion: 8, Values: []*ir.Value{{}}, Opsets: map[string]int{"": 17}}, ids: map[string]ir.ValueID{"_": 0}}
	for k, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := p.line(strings.Fields(line)); err != nil {
			return nil, fmt.Errorf("line %d: %q: %w", k+1, line, err)
		}
	}
	return p.g, nil
}

type parser struct {
	g   *ir.Graph
	ids map[string]ir.ValueID
}

func (p *parser) line(words []string) error {
	switch words[0] {
	case "input":
		s, err := shape(words[2])
		if err != nil {
			return err
		}
		id := p.add(&ir.Value{Name: words[1], Type: kind(words[3:]), Shape: s})
		p.g.Inputs = append(p.g.Inputs, id)
	case "const":
		t, err := tensor(words[1], words[3], "x")
		if err != nil {
			return err
		}
		t.Type = types[words[2]]
		p.constant(words[1], t)
	case "output":
		for _, w := range words[1:] {
			id, ok := p.ids[w]
			if !ok {
				return fmt.Errorf("there is no value %s", w)
			}
			p.g.Outputs = append(p.g.Outputs, id)
		}
	default:
		return p.node(words)
	}
	return nil
}

// node parses "a, b = Op operands attributes : type".
func (p *parser) node(words []string) error {
	n := &ir.Node{}
	var outs []string
	k := 0
	for ; k < len(words) && words[k] != "="; k++ {
		outs = append(outs, strings.TrimSuffix(words[k], ","))
	}
	if k+1 >= len(words) {
		return fmt.Errorf("want input, const, output or name = Op")
	}
	n.Name, n.Op = outs[0], words[k+1]
	if k := strings.LastIndex(n.Op, "."); k > 0 {
		n.Domain, n.Op = n.Op[:k], n.Op[k+1:]
	}
	var rest []string
	words = words[k+2:]
	for k, w := range words {
		if w == ":" {
			rest = words[k+1:]
			break
		}
		if name, text, ok := strings.Cut(w, "="); ok {
			n.Attrs = append(n.Attrs, attr(name, text))
			continue
		}
		id, err := p.operand(n.Name, k, w)
		if err != nil {
			return err
		}
		n.In = append(n.In, id)
	}
	for _, name := range outs {
		if name == "_" {
			n.Out = append(n.Out, 0)
			continue
		}
		v := &ir.Value{Name: name, Type: kind(rest)}
		if len(rest) > 1 {
			s, err := shape(rest[1])
			if err != nil {
				return err
			}
			v.Shape = s
		}
		n.Out = append(n.Out, p.add(v))
	}
	p.g.Nodes = append(p.g.Nodes, n)
	return nil
}

func (p *parser) operand(node string, k int, w string) (ir.ValueID, error) {
	name := fmt.Sprintf("%s.%d", node, k)
	switch {
	case strings.HasPrefix(w, "["):
		t, err := tensor(name, strings.Trim(w, "[]"), ",")
		if err != nil {
			return 0, err
		}
		return p.constant(name, t), nil
	case strings.HasPrefix(w, "{"):
		list := ints(strings.Trim(w, "{}"))
		t := ir.FromInt64s([]int{len(list)}, list)
		t.Name = name
		return p.constant(name, t), nil
	}
	id, ok := p.ids[w]
	if !ok {
		return 0, fmt.Errorf("there is no value %s", w)
	}
	return id, nil
}

func (p *parser) add(v *ir.Value) ir.ValueID {
	p.g.Values = append(p.g.Values, v)
	id := ir.ValueID(len(p.g.Values) - 1)
	p.ids[v.Name] = id
	return id
}

func (p *parser) constant(name string, t *ir.Tensor) ir.ValueID {
	s := ir.Shape{}
	for _, n := range t.Shape {
		s = append(s, ir.Dim{Size: n})
	}
	return p.add(&ir.Value{Name: name, Type: t.Type, Shape: s, Const: t})
}

// tensor is a constant without data.
func tensor(name, dims, sep string) (*ir.Tensor, error) {
	t := &ir.Tensor{Name: name, Tensor: onnx.Tensor{Type: ir.Float32, Shape: []int{}}}
	for _, d := range strings.Split(strings.TrimPrefix(dims, "x"), sep) {
		if d == "" {
			continue
		}
		n, err := strconv.Atoi(d)
		if err != nil {
			return nil, err
		}
		t.Shape = append(t.Shape, n)
	}
	return t, nil
}

func shape(text string) (ir.Shape, error) {
	out := ir.Shape{}
	for _, d := range strings.Split(text, "x") {
		if d == "N" {
			out = append(out, ir.Dim{Size: -1, Sym: "batch"})
			continue
		}
		n, err := strconv.Atoi(d)
		if err != nil {
			return nil, err
		}
		out = append(out, ir.Dim{Size: n})
	}
	return out, nil
}

func ints(text string) []int64 {
	out := []int64{}
	for _, w := range strings.Split(text, ",") {
		if n, err := strconv.ParseInt(w, 10, 64); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// listAttrs are attributes that are lists even when they have one element.
var listAttrs = map[string]bool{"qkv_hidden_sizes": true,
	"pads": true, "strides": true, "dilations": true, "kernel_shape": true, "axes": true, "perm": true, "split": true, "shape": true,
	"starts": true, "ends": true, "output_padding": true, "output_shape": true,
}

func attr(name, text string) ir.Attr {
	if listAttrs[name] {
		return ir.Attr{Name: name, Kind: ir.AttrInts, Ints: ints(text)}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return ir.Attr{Name: name, Kind: ir.AttrInt, Int: n}
	}
	if f, err := strconv.ParseFloat(text, 32); err == nil {
		return ir.Attr{Name: name, Kind: ir.AttrFloat, Float: float32(f)}
	}
	return ir.Attr{Name: name, Kind: ir.AttrString, String: text}
}

// types are the element types that tests need.
var types = map[string]ir.DType{"f32": ir.Float32, "i8": ir.Int8, "u8": ir.Uint8, "i32": ir.Int32, "f16": ir.Float16, "i64": ir.Int64, "bool": ir.Bool}

func kind(words []string) ir.DType {
	if len(words) == 0 {
		return ir.Float32
	}
	return types[words[0]]
}
