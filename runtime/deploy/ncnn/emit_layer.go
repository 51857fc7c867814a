package ncnn

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// withLayers adds the operators of which the operator table says which layer they are.
func withLayers(own map[string]emitter) map[string]emitter {
	for _, o := range operators.All() {
		if o.NCNN == "" || o.Domain != "" {
			continue
		}
		switch o.Class {
		case operators.Unary:
			own[o.Name] = emitter{layerOf(o), false}
		case operators.Broadcast:
			own[o.Name] = emitter{joint(number(o, "0"), number(o, "swapped")), true}
		case operators.Reduction:
			own[o.Name] = emitter{reduction(number(o, "0")), true}
		}
	}
	return own
}

// number is a parameter of an operator's layer.
func number(o operators.Operator, name string) int {
	for _, f := range strings.Fields(o.NCNN)[1:] {
		if id, value, _ := strings.Cut(f, "="); id == name {
			n, _ := strconv.Atoi(value) // a test reads every row
			return n
		}
	}
	return 0
}

// layerOf makes the layer that the table gives an operator.
func layerOf(o operators.Operator) func(e *exporter, n *nn.Node) error {
	attributes, fields := o.Attributes(), strings.Fields(o.NCNN)
	return func(e *exporter, n *nn.Node) error {
		l := Layer{Type: fields[0]}
		for _, a := range attributes {
			if want, err := strconv.ParseFloat(a.Default, 32); err != nil || slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(f, "{"+a.Name+"}") }) {
				continue
			} else if attrFloat(n, a.Name, float32(want)) != float32(want) {
				return fmt.Errorf("NCNN's %s has no %s", l.Type, a.Name)
			}
		}
		for _, f := range fields[1:] {
			id, value, _ := strings.Cut(f, "=")
			l.Params = append(l.Params, paramOf(n, attributes, id, value))
		}
		return e.act(n, l)
	}
}

// paramOf makes a parameter of a layer: a number, or an attribute of the node in braces.
func paramOf(n *nn.Node, attributes []operators.Attr, id, value string) Param {
	at, _ := strconv.Atoi(id) // a test reads every row
	if name, ok := strings.CutPrefix(value, "{"); ok {
		name = strings.TrimSuffix(name, "}")
		k := slices.IndexFunc(attributes, func(a operators.Attr) bool { return a.Name == name })
		def, _ := strconv.ParseFloat(attributes[k].Default, 32)
		return float(at, attrFloat(n, name, float32(def)))
	}
	if whole, err := strconv.Atoi(value); err == nil {
		return integer(at, whole)
	}
	number, _ := strconv.ParseFloat(value, 32)
	return float(at, float32(number))
}
