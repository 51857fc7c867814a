package view

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/nn"
)

// rule translates one node, or returns errNoMethod.
type rule func(t *translator, i int, o *supernet.Op) ([]Call, error)

// rules lists the operators whose Builder method needs more than the operands. Package operators has the names of the methods.
var rules = map[string]rule{
	"Conv":               (*translator).conv,
	"Gemm":               (*translator).gemm,
	"MatMul":             (*translator).matMul,
	"BatchNormalization": (*translator).batchNorm,
	"LayerNormalization": (*translator).layerNorm,
	"Softmax":            (*translator).softmax,
	"MaxPool":            (*translator).pool,
	"AveragePool":        (*translator).pool,
	"GlobalMaxPool":      (*translator).pool,
	"GlobalAveragePool":  (*translator).pool,
	"ReduceMean":         (*translator).mean,
	"Flatten":            (*translator).flatten,
	"Reshape":            (*translator).reshape,
	"Squeeze":            (*translator).reshape,
	"Unsqueeze":          (*translator).reshape,
	"Transpose":          (*translator).transpose,
	"Concat":             (*translator).concat,
	"Split":              (*translator).split,
	"Clip":               (*translator).clip,
	"Pow":                fitting(elementwise(Pow)),
	"Max":                fitting(elementwise(Max)),
	"Min":                fitting(elementwise(Min)),
	"Where":              fitting(elementwise(Where)),
	"Cast":               fitting((*translator).cast),
	"Slice":              fitting((*translator).slice),
	"Gather":             fitting((*translator).gather),
	"Expand":             fitting((*translator).expand),
	"Resize":             fitting((*translator).resize),
}

// ruleOf returns the rule of an operator that has a Builder method, nil for others.
func ruleOf(domain, name string) rule {
	o, ok := operators.Lookup(domain, name)
	switch {
	case !ok || o.Builder == "" || o.Domain != "":
		return nil
	case rules[o.Name] != nil:
		return rules[o.Name]
	case o.Method() == "Act":
		return act
	case o.Class == operators.Broadcast && o.Method() == o.Name:
		return elementwise(methodNamed(o.Name))
	}
	return nil
}

func calling(c Call) ([]Call, error) { return []Call{c}, nil }

// single is a call with the node's first operand and its result.
func single(method Method, o *supernet.Op) Call {
	return Call{Method: method, In: o.Node.In[:1], Out: o.Node.Out[:1]}
}

// elementwise is the rule of a method that takes operands only.
func elementwise(m Method) rule {
	return func(t *translator, _ int, o *supernet.Op) ([]Call, error) {
		calls, in, err := t.operands(o)
		return append(calls, Call{Method: m, In: in, Out: o.Node.Out}), err
	}
}

func act(_ *translator, _ int, o *supernet.Op) ([]Call, error) {
	if err := carriable(o.Node.Attrs); err != nil {
		return nil, err
	}
	a := nn.Act{Type: o.Node.Op, Attrs: slices.Clone(o.Node.Attrs)}
	if len(o.Node.In) != 1 {
		return nil, errNoMethod
	}
	c := single(Act, o)
	c.Rec.Act = &a
	return calling(c)
}

// clip turns the bounds, which are operands since opset 11, into attributes.
func (t *translator) clip(i int, o *supernet.Op) ([]Call, error) {
	if len(o.Node.In) == 1 {
		return act(t, i, o)
	}
	a := nn.Act{Type: "Clip"}
	for k, name := range []string{"", "min", "max"} {
		if k == 0 || k >= len(o.Node.In) || o.Node.In[k] == 0 {
			continue
		}
		v, ok := scalar(t.net.Graph.Values[o.Node.In[k]].Const)
		if !ok {
			return nil, errNoMethod
		}
		a.Attrs = append(a.Attrs, nn.Attr{Name: name, Kind: nn.AttrFloat, Float: v})
	}
	c := single(Act, o)
	c.Rec.Act = &a
	return calling(c)
}

func (t *translator) softmax(_ int, o *supernet.Op) ([]Call, error) {
	c := single(Softmax, o)
	c.Ints = []int{int(o.Node.Int("axis", -1))}
	return calling(c)
}

func (t *translator) mean(_ int, o *supernet.Op) ([]Call, error) {
	var list []int64
	if len(o.Node.In) > 1 && o.Node.In[1] != 0 {
		ints, ok := integers(t.net.Graph.Values[o.Node.In[1]].Const)
		if !ok {
			return nil, errNoMethod
		}
		list = ints
	} else {
		list = o.Node.Ints("axes")
	}
	if len(list) == 0 {
		return nil, errNoMethod
	}
	c := single(Mean, o)
	c.Keep = o.Node.Int("keepdims", 1) != 0
	c.Ints = toInts(list)
	return calling(c)
}

func (t *translator) flatten(_ int, o *supernet.Op) ([]Call, error) {
	c := single(Flatten, o)
	c.Ints = []int{int(o.Node.Int("axis", 1))}
	return calling(c)
}

// reshape uses the extents of the result, not the model's shape operand.
func (t *translator) reshape(_ int, o *supernet.Op) ([]Call, error) {
	c := single(Reshape, o)
	c.Dims = append(c.Dims, t.net.Shapes[o.Node.Out[0]]...)
	return calling(c)
}

func (t *translator) transpose(_ int, o *supernet.Op) ([]Call, error) {
	perm := toInts(o.Node.Ints("perm"))
	if perm == nil {
		for k := range t.net.Shapes[o.Node.In[0]] {
			perm = append([]int{k}, perm...)
		}
	}
	c := single(Transpose, o)
	c.Ints = perm
	return calling(c)
}

func (t *translator) concat(_ int, o *supernet.Op) ([]Call, error) {
	calls, in, err := t.operands(o)
	return append(calls, Call{Method: Concat, In: in, Out: o.Node.Out, Ints: []int{int(o.Node.Int("axis", 0))}}), err
}

func (t *translator) split(_ int, o *supernet.Op) ([]Call, error) {
	c := single(Split, o)
	c.Out = o.Node.Out
	axis := int(o.Node.Int("axis", 0))
	for _, id := range o.Node.Out {
		s := t.net.Shapes[id]
		if axis < 0 {
			axis += len(s)
		}
		if id == 0 || axis >= len(s) {
			return nil, errNoMethod
		}
		c.Dims = append(c.Dims, s[axis])
	}
	c.Ints = []int{axis}
	return calling(c)
}

func (t *translator) pool(_ int, o *supernet.Op) ([]Call, error) {
	n := o.Node
	kind := map[string]nn.PoolKind{
		"MaxPool": nn.Max, "AveragePool": nn.Average, "GlobalMaxPool": nn.GlobalMax, "GlobalAveragePool": nn.GlobalAverage,
	}[n.Op]
	if len(n.Out) > 1 && n.Out[1] != 0 || n.Int("storage_order", 0) != 0 {
		return nil, errNoMethod
	}
	c := single(Pool, o)
	c.Rec.Pool = &nn.Pool{
		Name: n.Name, Kind: kind, Kernel: toInts(n.Ints("kernel_shape")), Strides: unless(1, n.Ints("strides")),
		Pads: unless(0, n.Ints("pads")), Dilations: unless(1, n.Ints("dilations")),
		CeilMode: n.Int("ceil_mode", 0) != 0, CountIncludePad: n.Int("count_include_pad", 0) != 0, AutoPad: autoPad(n),
	}
	return calling(c)
}

func autoPad(n *ir.Node) string {
	if p := n.String("auto_pad", "NOTSET"); p != "NOTSET" {
		return p
	}
	return ""
}

// unless returns nil for a list of defaults.
func unless(def int64, list []int64) []int {
	if !slices.ContainsFunc(list, func(v int64) bool { return v != def }) {
		return nil
	}
	return toInts(list)
}

func toInts(list []int64) []int {
	var out []int
	for _, v := range list {
		out = append(out, int(v))
	}
	return out
}

// cut describes how one axis of a parameter is cut: verb takes a number of leading positions, pick a structure.
func cut(verb, pick string, axis, full int, a supernet.Axis) Cut {
	c := Cut{Verb: verb, Axis: axis, Full: full, N: dim.Const(full)}
	switch {
	case a.Grid != nil:
		c.Verb, c.Grid, c.N = "Grid", a.Grid, a.Grid.To
	case len(a.Of) > 0 || a.Centre:
		p := picked(a)
		c.Verb, c.Pick = pick, &p
	case a.Size > 0:
		c.N = a.Keep
	}
	return c
}

func picked(a supernet.Axis) Pick {
	p := Pick{Size: a.Size, Keep: a.Keep, Centre: a.Centre, Sum: a.Sum}
	for _, f := range a.Of {
		if len(f.Of) == 0 && f.Size > 0 && len(f.Keep.Deps()) == 0 {
			f.Keep = dim.Const(f.Size)
		}
		p.Of = append(p.Of, picked(f))
	}
	return p
}
