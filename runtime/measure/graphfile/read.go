package graphfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Bounds of what is read. They are far beyond any network of the field.
const (
	maxValues = 1 << 17
	maxNodes  = 1 << 16
	maxRank   = 8
	maxBytes  = min(1<<34, math.MaxInt) // of a value
	maxName   = 1024
	maxWrong  = 10 // mistakes that are told
)

// Read reads a network and the elements of its integer parameters. The bytes may come from anywhere: whatever is wrong
// with them is an error, and a network that is returned has its values made before they are read, each by one node. Shapes and
// element types are what the operators make of their operands; those of operators that package infer does not know are left to
// the engine.
func Read(text []byte) (*nn.Graph, *Weights, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var f file
	if err := d.Decode(&f); err != nil {
		return nil, nil, fmt.Errorf("this is not a network: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("there is more text after the network")
	}
	switch {
	case f.Version != version:
		return nil, nil, fmt.Errorf("the network has version %d of the format, want %d", f.Version, version)
	case len(f.Values) > maxValues || len(f.Nodes) > maxNodes:
		return nil, nil, fmt.Errorf("%d values and %d nodes are too many", len(f.Values), len(f.Nodes))
	case len(f.Nodes) == 0 || len(f.Outputs) == 0:
		return nil, nil, errors.New("the network computes nothing")
	}
	r := reader{g: &nn.Graph{Values: make([]nn.Info, 1, len(f.Values)+1), Opset: f.Opset}, names: map[string]bool{}, made: make([]bool, len(f.Values)+1), known: map[string]nn.Tensor{}}
	for i := range f.Values {
		r.value(&f.Values[i])
	}
	r.inputs(f.Inputs)
	for i := range f.Nodes {
		r.node(&f.Nodes[i])
	}
	r.outputs(f.Outputs)
	if len(r.errs) > 0 {
		return nil, nil, errors.Join(r.errs...)
	}
	w := &Weights{r.g, r.known}
	if err := infer.Graph(r.g, w); err != nil {
		return nil, nil, fmt.Errorf("the network contradicts itself: %w", err)
	}
	return r.g, w, nil
}

type reader struct {
	g     *nn.Graph
	names map[string]bool
	made  []bool // values
	known map[string]nn.Tensor
	errs  []error
}

func (r *reader) wrong(format string, args ...any) {
	if len(r.errs) < maxWrong {
		r.errs = append(r.errs, fmt.Errorf(format, args...))
	}
}

// value adds the next value.
func (r *reader) value(v *value) {
	i := nn.Info{Name: v.Name, Type: v.Type, Shape: append(nn.Shape{}, v.Shape...)}
	at := len(r.g.Values)
	r.g.Values = append(r.g.Values, i)
	if v.Name == "" || len(v.Name) > maxName || r.names[v.Name] {
		r.wrong("value %d: its name %.40q is empty, too long, or another's", at, v.Name)
	}
	r.names[v.Name] = true
	size := int64(v.Type.Bytes())
	if size == 0 || len(v.Shape) > maxRank {
		r.wrong("value %.40q: type %d or shape %.40s is not supported", v.Name, v.Type, fmt.Sprint(v.Shape))
		return
	}
	for _, n := range v.Shape {
		if n < 1 || size > maxBytes/int64(n) {
			r.wrong("value %.40q: shape %.60s is not possible or too large", v.Name, fmt.Sprint(v.Shape))
			return
		}
		size *= int64(n)
	}
	switch {
	case v.Data != nil && int64(len(v.Data)) != size:
		r.wrong("value %.40q: %d bytes, its shape needs %d", v.Name, len(v.Data), size)
		return
	case v.Data == nil && v.Param && v.Type != nn.Float32:
		r.wrong("parameter %.40q: elements of type %d cannot be made up", v.Name, v.Type)
		return
	case v.Param:
		r.g.Values[at].Param = &nn.Param{Name: v.Name, Type: v.Type, Shape: i.Shape}
		if v.Data != nil {
			r.known[v.Name] = nn.Tensor{Type: v.Type, Shape: i.Shape, Raw: v.Data}
		}
	case v.Data != nil:
		r.g.Values[at].Const = &nn.Tensor{Type: v.Type, Shape: i.Shape, Raw: v.Data}
	}
	r.made[at] = r.g.Values[at].Known()
}

// there tells whether v is a value.
func (r *reader) there(v nn.Value) bool { return v > 0 && int(v) < len(r.g.Values) }

func (r *reader) inputs(list []nn.Value) {
	for _, v := range list {
		if !r.there(v) || r.made[v] {
			r.wrong("input %d does not exist, is a constant, or is listed twice", v)
			continue
		}
		r.made[v] = true
	}
	r.g.Inputs = list
}

func (r *reader) outputs(list []nn.Value) {
	seen := map[nn.Value]bool{}
	for _, v := range list {
		if !r.there(v) || !r.made[v] || seen[v] {
			r.wrong("output %d does not exist, is never made, or is listed twice", v)
			continue
		}
		seen[v] = true
	}
	r.g.Outputs = list
	for v := 1; v < len(r.made); v++ {
		if !r.made[v] {
			r.wrong("value %.40q is never made", r.g.Values[v].Name)
		}
	}
}

// node adds the next node.
func (r *reader) node(n *node) {
	if n.Op == "" || len(n.Op)+len(n.Domain)+len(n.Name) > maxName || len(n.Out) == 0 {
		r.wrong("node %.40q: it has no operator, a name that is too long, or no results", n.Name)
		return
	}
	for _, v := range n.In {
		if v != nn.None && (!r.there(v) || !r.made[v]) {
			r.wrong("node %.40q reads value %d, which is not made before it", n.Name, v)
		}
	}
	for _, v := range n.Out {
		if !r.there(v) || r.made[v] {
			r.wrong("node %.40q makes value %d, which does not exist or was made before", n.Name, v)
			continue
		}
		r.made[v] = true
	}
	out := nn.Node{Type: n.Op, Domain: n.Domain, Name: n.Name, In: n.In, Out: n.Out}
	for i := range n.Attrs {
		out.Attrs = append(out.Attrs, r.attr(n, &n.Attrs[i]))
	}
	r.g.Nodes = append(r.g.Nodes, out)
}

func (r *reader) attr(n *node, a *attr) nn.Attr {
	switch a.Kind {
	case nn.AttrFloat, nn.AttrInt, nn.AttrString, nn.AttrFloats, nn.AttrInts, nn.AttrStrings:
	case nn.AttrTensor:
		count := int64(1)
		for _, e := range a.Ints {
			if e < 0 || e > maxBytes || e > 0 && count > maxBytes/e {
				r.wrong("node %.40q: attribute %.40q has an impossible shape", n.Name, a.Name)
				return nn.Attr{}
			}
			count *= e
		}
		if a.Int < 0 || a.Int > 255 || int64(len(a.Raw)) != count*int64(nn.DType(a.Int).Bytes()) {
			r.wrong("node %.40q: the elements of attribute %.40q do not have its shape and type", n.Name, a.Name)
		}
	default:
		r.wrong("node %.40q: attribute %.40q has kind %d, which is not supported", n.Name, a.Name, a.Kind)
	}
	out := nn.Attr{Name: a.Name, Kind: a.Kind, Int: a.Int, Float: float32(a.Float), String: string(a.String), Ints: a.Ints, Raw: a.Raw}
	for _, v := range a.Floats {
		out.Floats = append(out.Floats, float32(v))
	}
	for _, s := range a.Strings {
		out.Strings = append(out.Strings, string(s))
	}
	return out
}
