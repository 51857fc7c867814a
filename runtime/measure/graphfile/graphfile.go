// Package graphfile writes recorded networks as text and reads them from sources that are not trusted: it is how networks
// travel to devices. The form is JSON, with the shapes of parameters and not their elements, because how long a network
// takes does not depend on them: whoever reads it makes them up (see Weights). Constants and integer parameters, which may
// be indices, keep theirs.
package graphfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/autotailor/autotailor/runtime/nn"
)

// version is that of the format.
const version = 1

// file is the form of a network.
type file struct {
	Version int        `json:"version"`
	Values  []value    `json:"values"` // from number 1 on
	Inputs  []nn.Value `json:"inputs"`
	Nodes   []node     `json:"nodes"`
	Outputs []nn.Value `json:"outputs"`
	Opset   int        `json:"opset,omitempty"`
}

type value struct {
	Name  string   `json:"name"`
	Type  nn.DType `json:"type"`
	Shape []int    `json:"shape"`
	Param bool     `json:"param,omitempty"`
	Data  []byte   `json:"data,omitempty"` // elements of constants and of parameters that are no floats
}

type node struct {
	Op     string     `json:"op"`
	Domain string     `json:"domain,omitempty"`
	Name   string     `json:"name"`
	Attrs  []attr     `json:"attrs,omitempty"`
	In     []nn.Value `json:"in"`
	Out    []nn.Value `json:"out"`
}

type attr struct {
	Name    string      `json:"name"`
	Kind    nn.AttrKind `json:"kind"`
	Int     int64       `json:"int,omitempty"`
	Float   number      `json:"float,omitempty"`
	String  []byte      `json:"string,omitempty"` // ONNX strings are bytes
	Ints    []int64     `json:"ints,omitempty"`
	Floats  []number    `json:"floats,omitempty"`
	Strings [][]byte    `json:"strings,omitempty"`
	Raw     []byte      `json:"raw,omitempty"`
}

// number is a float that JSON can hold: infinities and what is not a number are text.
type number float32

// MarshalJSON writes all bits of a finite number.
func (n number) MarshalJSON() ([]byte, error) {
	v := float64(n)
	text := strconv.FormatFloat(v, 'g', -1, 32)
	if math.IsInf(v, 0) || math.IsNaN(v) {
		text = `"` + text + `"`
	}
	return []byte(text), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *number) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseFloat(string(bytes.Trim(text, `"`)), 32)
	if err != nil {
		return fmt.Errorf("%q is not a float32", text)
	}
	*n = number(v)
	return nil
}

// Write writes g, whose axes must all have their extents. Integer parameters are taken from w.
func Write(dst io.Writer, g *nn.Graph, w nn.Weights) error {
	f := file{Version: version, Inputs: g.Inputs, Outputs: g.Outputs, Opset: g.Opset}
	var errs []error
	for i := 1; i < len(g.Values); i++ {
		v, err := valueOf(&g.Values[i], w)
		f.Values, errs = append(f.Values, v), append(errs, err)
	}
	for i := range g.Nodes {
		n, err := nodeOf(&g.Nodes[i])
		f.Nodes, errs = append(f.Nodes, n), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return json.NewEncoder(dst).Encode(f)
}

func valueOf(i *nn.Info, w nn.Weights) (value, error) {
	v := value{Name: i.Name, Type: i.Type, Shape: append([]int{}, i.Shape...), Param: i.Param != nil}
	switch {
	case i.Shape.Open():
		return v, fmt.Errorf("value %q has an open axis: %v", i.Name, i.Shape)
	case i.Const != nil:
		v.Data = i.Const.Raw
	case i.Param != nil && i.Type != nn.Float32:
		t, err := nn.Fetch(w, *i.Param)
		if err != nil {
			return v, err
		}
		v.Data = t.Raw
	}
	return v, nil
}

func nodeOf(n *nn.Node) (node, error) {
	out := node{Op: n.Type, Domain: n.Domain, Name: n.Name, In: append([]nn.Value{}, n.In...), Out: n.Out}
	for _, a := range n.Attrs {
		if a.Kind == nn.AttrGraph {
			return out, fmt.Errorf("node %q (%s) has a network inside, which cannot be sent to a device", n.Name, n.Type)
		}
		b := attr{Name: a.Name, Kind: a.Kind, Int: a.Int, Float: number(a.Float), String: []byte(a.String), Ints: a.Ints, Raw: a.Raw}
		for _, v := range a.Floats {
			b.Floats = append(b.Floats, number(v))
		}
		for _, s := range a.Strings {
			b.Strings = append(b.Strings, []byte(s))
		}
		out.Attrs = append(out.Attrs, b)
	}
	return out, nil
}
