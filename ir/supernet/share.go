package supernet

import (
	"bytes"
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// shareTensors makes one value of all uses of a tensor that the model stores once, so that it has one set of axes. Exporters pass copies through Identity nodes,
// so a tensor may be several values before.
//
// Vectors whose elements are all equal are the exception. Exporters store them once by accident, such as the ones of all normalisations, but they need not be cut
// alike, or stay equal in training. Each of their uses becomes a parameter of its own. So does each use of whole numbers, because indices and extents follow the
// operators that read them.
func shareTensors(g *ir.Graph) {
	uses, separate := map[string]int{}, map[string]bool{}
	operands(g, func(_ *ir.ValueID, t *ir.Tensor) { uses[t.Name]++ })
	operands(g, func(_ *ir.ValueID, t *ir.Tensor) {
		if _, known := separate[t.Name]; uses[t.Name] > 1 && !known {
			separate[t.Name] = apart(t)
		}
	})
	values, copies := map[form]ir.ValueID{}, map[string]int{}
	operands(g, func(id *ir.ValueID, t *ir.Tensor) {
		key := form{ir.Identity{Name: t.Name}, t.Transposed}
		if separate[t.Name] {
			key.Copy = copies[t.Name]
			copies[t.Name]++
		}
		if _, ok := values[key]; !ok {
			values[key] = of(g, *id, key.Copy)
		}
		*id = values[key]
	})
}

// operands calls visit with every operand that is a tensor of the model.
func operands(g *ir.Graph, visit func(id *ir.ValueID, t *ir.Tensor)) {
	for _, n := range g.Nodes {
		for k, id := range n.In {
			if id == 0 || g.Values[id].Const == nil {
				continue
			}
			if _, ok := g.Values[id].Const.Identity(); ok {
				visit(&n.In[k], g.Values[id].Const)
			}
		}
	}
}

// form is a tensor as it is stored, or transposed.
type form struct {
	ir.Identity
	transposed bool
}

// of returns the copy of value id with the given number: the value itself, or a new value.
func of(g *ir.Graph, id ir.ValueID, copy int) ir.ValueID {
	v := *g.Values[id]
	if v.Const.Copy == copy {
		return id
	}
	t := *v.Const
	t.Copy, v.Const = copy, &t
	g.Values = append(g.Values, &v)
	return ir.ValueID(len(g.Values) - 1)
}

// apart tells whether each use of a tensor is a parameter of its own, see shareTensors.
func apart(t *ir.Tensor) bool {
	size := t.Type.Bytes()
	switch t.Type {
	case ir.Float32, ir.Float16, ir.BFloat16, ir.Float64:
	default:
		return true
	}
	n, long := t.NumElements(), 0
	for _, d := range t.Shape {
		long = max(long, d)
	}
	if n < 2 || n != long {
		return false
	}
	raw, err := t.Bytes()
	if err != nil || len(raw) != n*size {
		return false
	}
	return bytes.Equal(raw[size:], raw[:len(raw)-size])
}

// readers lists the nodes that read the tensor whose value is id, in execution order.
func (b *binder) readers(id ir.ValueID) []int {
	if b.reading == nil {
		b.reading = map[ir.Identity][]int{}
		for i, n := range b.graph.Nodes {
			for _, in := range n.In {
				if t := b.graph.Values[in].Const; t != nil {
					if key, ok := t.Identity(); ok && !slices.Contains(b.reading[key], i) {
						b.reading[key] = append(b.reading[key], i)
					}
				}
			}
		}
	}
	key, _ := b.graph.Values[id].Const.Identity()
	return b.reading[key]
}

// forms has the value of each tensor: as the model stores it where that is used.
type forms map[ir.Identity]ir.ValueID

func (n *Net) stored() forms {
	out := forms{}
	operands(n.Graph, func(id *ir.ValueID, t *ir.Tensor) {
		if key, _ := t.Identity(); out[key] == 0 || !t.Transposed {
			out[key] = *id
		}
	})
	return out
}

// of is the value that stands for the tensor whose value is id.
func (f forms) of(g *ir.Graph, id ir.ValueID) ir.ValueID {
	if key, ok := g.Values[id].Const.Identity(); ok {
		return f[key]
	}
	return id
}
