package gen

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/autotailor/autotailor/internal/fusion"
	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/unique"
)

// maker builds compiled nets by hand, so that emission is tested without the compiler.
type maker struct {
	g     *ir.Graph
	net   *supernet.Net
	stage *supernet.Stage
	nodes []int // of the item under construction
	block *supernet.Block
	count map[string]int
}

func newMaker(opset int) *maker {
	g := &ir.Graph{Values: []*ir.Value{{}}, Opsets: map[string]int{"": opset}}
	return &maker{g: g, net: &supernet.Net{Graph: g, Batched: true, Shapes: [][]dim.Dim{nil}}, count: map[string]int{}}
}

func (m *maker) choice(kind supernet.ChoiceKind, stage, block int, live supernet.Need, candidates ...float64) dim.Choice {
	name := string(kind)
	if block >= 0 {
		name = fmt.Sprintf("stage%d.%d.%s", stage, block, kind)
	} else if stage >= 0 {
		name = fmt.Sprintf("stage%d.%s", stage, kind)
	}
	m.net.Choices = append(m.net.Choices, supernet.Choice{
		Name: name, Kind: kind, Stage: stage, Block: block, Candidates: candidates, Configured: len(candidates), Whole: true, Live: live,
	})
	g := len(m.net.Choices) - 1
	if stage >= 0 && block < 0 {
		m.stage.Choices = append(m.stage.Choices, g)
	}
	return dim.Choice(g)
}

func (m *maker) value(name string, shape ...dim.Dim) ir.ValueID {
	m.g.Values = append(m.g.Values, &ir.Value{Name: name, Type: ir.Float32})
	m.net.Shapes = append(m.net.Shapes, shape)
	return ir.ValueID(len(m.g.Values) - 1)
}

func (m *maker) input(name string, shape ...dim.Dim) ir.ValueID {
	id := m.value(name, shape...)
	m.g.Inputs = append(m.g.Inputs, id)
	return id
}

func (m *maker) beginStage(width int) {
	m.stage = &supernet.Stage{Index: len(m.net.Stages), Width: width}
	m.net.Stages = append(m.net.Stages, m.stage)
}

// param makes a constant and the cut that follows from its extents.
func (m *maker) param(operand int, name string, shape ...dim.Dim) (ir.ValueID, supernet.Param) {
	full := make([]int, len(shape))
	p := supernet.Param{Operand: operand}
	moves := false
	var axes []supernet.Axis
	for k, d := range shape {
		full[k] = d.At(make([]uint8, 64))
		a := supernet.Axis{}
		if _, fixed := d.IsConst(); !fixed {
			a = supernet.Axis{Size: full[k], Keep: d, Centre: k >= 2}
			moves = true
		}
		axes = append(axes, a)
	}
	if moves {
		p.Axes = axes
	}
	id := m.value(name, shape...)
	m.g.Values[id].Const = &ir.Tensor{Name: name, Tensor: onnx.Tensor{Type: ir.Float32, Shape: full}}
	p.Value = id
	return id, p
}

// node appends an operator with the given result extents.
func (m *maker) node(op string, role string, attrs []ir.Attr, in []ir.ValueID, params []supernet.Param, moving map[string][]dim.Dim, out ...dim.Dim) ir.ValueID {
	m.count[op]++
	name := fmt.Sprintf("/%s_%d", op, m.count[op])
	id := m.value(name+"_output_0", out...)
	n := &ir.Node{Op: op, Name: name, In: in, Out: []ir.ValueID{id}, Attrs: attrs}
	m.g.Nodes = append(m.g.Nodes, n)
	m.net.Nodes = append(m.net.Nodes, &supernet.Op{Index: len(m.net.Nodes), Node: n, Stage: m.stage.Index, Block: m.block, Params: params, Attrs: moving})
	i := len(m.g.Nodes) - 1
	m.nodes = append(m.nodes, i)
	if role != "" && m.block != nil {
		m.block.Roles[i] = role
	}
	if m.block == nil {
		m.item(in[:1], id)
	}
	return id
}

func (m *maker) item(in []ir.ValueID, out ir.ValueID) {
	if m.block != nil {
		m.block.Stage, m.block.Item = m.stage.Index, len(m.stage.Items)
	}
	m.stage.Items = append(m.stage.Items, supernet.Item{Nodes: m.nodes, In: in, Out: []ir.ValueID{out}, Block: m.block})
	m.nodes, m.block = nil, nil
}

func (m *maker) begin(kind, goName, doc string, index int, live supernet.Need, choices ...dim.Choice) {
	m.block = &supernet.Block{Type: kind, GoName: goName, Doc: doc, Place: index, Live: live, Roles: map[int]string{}}
	for _, c := range choices {
		m.block.Choices = append(m.block.Choices, int(c))
	}
}

func (m *maker) shape(id ir.ValueID) []dim.Dim { return m.net.Shapes[id] }

func intsAttr(name string, v ...int64) ir.Attr {
	return ir.Attr{Name: name, Kind: ir.AttrInts, Ints: v}
}

// conv appends a convolution of window k (possibly moving) and stride s; depthwise when depth is set.
func (m *maker) conv(x ir.ValueID, role, name string, out, k dim.Dim, stride int64, depth bool) ir.ValueID {
	full := k.At(make([]uint8, 64))
	pad := int64(full / 2)
	in := m.shape(x)
	weightIn, moving := in[1], map[string][]dim.Dim{}
	attrs := []ir.Attr{intsAttr("kernel_shape", int64(full), int64(full)), intsAttr("pads", pad, pad, pad, pad), intsAttr("strides", stride, stride)}
	if depth {
		weightIn = dim.Const(1)
		attrs = append(attrs, ir.Attr{Name: "group", Kind: ir.AttrInt, Int: int64(out.At(make([]uint8, 64)))})
		moving["group"] = []dim.Dim{out}
	}
	if _, fixed := k.IsConst(); !fixed {
		p := dim.Map(func(k int) int { return int(pad) - (full-k)/2 }, k)
		moving["kernel_shape"], moving["pads"] = []dim.Dim{k, k}, []dim.Dim{p, p, p, p}
	}
	w, p := m.param(1, name+".weight", out, weightIn, k, k)
	side := dim.Map(func(h int) int { return (h-1)/int(stride) + 1 }, in[2])
	return m.node("Conv", role, attrs, []ir.ValueID{x, w}, []supernet.Param{p}, moving, in[0], out, side, side)
}

func (m *maker) norm(x ir.ValueID, name string) ir.ValueID {
	in := []ir.ValueID{x}
	var ps []supernet.Param
	for k, part := range []string{"weight", "bias", "running_mean", "running_var"} {
		id, p := m.param(k+1, name+"."+part, m.shape(x)[1])
		in, ps = append(in, id), append(ps, p)
	}
	return m.node("BatchNormalization", "", []ir.Attr{{Name: "epsilon", Kind: ir.AttrFloat, Float: 1e-5}}, in, ps, nil, m.shape(x)...)
}

func (m *maker) act(op string, x ir.ValueID, attrs ...ir.Attr) ir.ValueID {
	return m.node(op, "", attrs, []ir.ValueID{x}, nil, nil, m.shape(x)...)
}

func (m *maker) add(x, y ir.ValueID) ir.ValueID {
	return m.node("Add", "", nil, []ir.ValueID{x, y}, nil, nil, m.shape(x)...)
}

func (m *maker) output(x ir.ValueID, name string) {
	m.g.Values[x].Name = name
	m.g.Outputs = []ir.ValueID{x}
}

// invertedResidual appends an inverted residual; skip adds its input.
func (m *maker) invertedResidual(x ir.ValueID, name string, index int, out dim.Dim, stride int64, skip bool, live supernet.Need) ir.ValueID {
	s := m.stage.Index
	expand := m.choice(supernet.Expand, s, index, live, 6, 4, 3)
	kernel := m.choice(supernet.Kernel, s, index, live, 5, 3)
	in := m.shape(x)[1]
	wide := dim.Map(func(c int) int { return 6 * c }, in)
	mid, err := dim.Select(expand, []dim.Dim{wide, dim.Map(func(c int) int { return 4 * c }, in), dim.Map(func(c int) int { return 3 * c }, in)})
	if err != nil {
		panic(err)
	}
	m.begin("BottleneckResidualBlock", "InvertedResidual", "is a 1x1 expansion, kxk depthwise and 1x1 projection", index, live, expand, kernel)
	b := m.block
	clip := []ir.Attr{{Name: "min", Kind: ir.AttrFloat}, {Name: "max", Kind: ir.AttrFloat, Float: 6}}
	y := m.conv(x, "expand", name+".0", mid, dim.Const(1), 1, false)
	y = m.act("Clip", m.norm(y, name+".1"), clip...)
	y = m.conv(y, "depthwise", name+".2", mid, dim.Var(kernel, []int{5, 3}), stride, true)
	y = m.act("Clip", m.norm(y, name+".3"), clip...)
	y = m.norm(m.conv(y, "project", name+".4", out, dim.Const(1), 1, false), name+".5")
	if skip {
		y = m.add(x, y)
	}
	m.block = b
	m.item([]ir.ValueID{x}, y)
	return y
}

// bottleneck appends a residual bottleneck; with shortcut its input goes through a convolution.
func (m *maker) bottleneck(x ir.ValueID, name string, index int, out dim.Dim, shortcut bool, live supernet.Need) ir.ValueID {
	expand := m.choice(supernet.Expand, m.stage.Index, index, live, 0.25, 0.2)
	mid, err := dim.Select(expand, []dim.Dim{
		dim.Map(func(c int) int { return c / 4 }, out), dim.Map(func(c int) int { return c / 5 / 8 * 8 }, out),
	})
	if err != nil {
		panic(err)
	}
	m.begin("BottleneckResidualBlock", "Bottleneck", "is a 1x1 reduction, kxk convolution and 1x1 expansion", index, live, expand)
	b := m.block
	stride := int64(1)
	if shortcut {
		stride = 2
	}
	y := m.act("Relu", m.conv(x, "reduce", name+".conv1", mid, dim.Const(1), 1, false))
	y = m.act("Relu", m.conv(y, "conv", name+".conv2", mid, dim.Const(3), stride, false))
	y = m.conv(y, "restore", name+".conv3", out, dim.Const(1), 1, false)
	z := x
	if shortcut {
		z = m.conv(x, "shortcut", name+".downsample", out, dim.Const(1), 2, false)
	}
	y = m.act("Relu", m.add(y, z))
	m.block = b
	m.item([]ir.ValueID{x}, y)
	return y
}

// handmade is a net with two stages of inverted residuals and one of bottlenecks whose extents depend on the widths of two stages.
func handmade() *supernet.Net {
	m := newMaker(17)
	res := dim.Choice(0)
	m.net.Choices = []supernet.Choice{{Name: "resolution", Kind: supernet.Resolution, Stage: -1, Block: -1, Candidates: []float64{32, 28, 24}, Configured: 3}}
	side := dim.Var(res, []int{32, 28, 24})
	x := m.input("input", dim.Batch(), dim.Const(3), side, side)

	m.beginStage(16)
	x = m.act("Relu", m.norm(m.conv(x, "", "stem.0", dim.Const(16), dim.Const(3), 2, false), "stem.1"))

	m.beginStage(16)
	none := supernet.Need{}
	w1 := m.choice(supernet.Width, 1, -1, none, 1, 0.5)
	d1 := m.choice(supernet.Depth, 1, -1, none, 3, 2)
	out := dim.Var(w1, []int{16, 8})
	for k := range 3 {
		live := none
		if k == 2 {
			live = supernet.Need{Choice: d1, Below: 1}
		}
		x = m.invertedResidual(x, fmt.Sprintf("stage1.%d", k), k, out, 1, k > 0, live)
	}

	m.beginStage(24)
	d2 := m.choice(supernet.Depth, 2, -1, none, 2, 1)
	x = m.invertedResidual(x, "stage2.0", 0, dim.Const(24), 2, false, none)
	x = m.invertedResidual(x, "stage2.1", 1, dim.Const(24), 1, true, supernet.Need{Choice: d2, Below: 1})

	m.beginStage(64)
	w3 := m.choice(supernet.Width, 3, -1, none, 1, 0.75)
	d3 := m.choice(supernet.Depth, 3, -1, none, 3, 2, 1)
	out = dim.Var(w3, []int{64, 48})
	for k := range 3 {
		live := none
		if k > 0 {
			live = supernet.Need{Choice: d3, Below: uint8(3 - k)}
		}
		x = m.bottleneck(x, fmt.Sprintf("stage3.%d", k), k, out, k == 0, live)
	}

	m.beginStage(64)
	one := dim.Const(1)
	x = m.node("GlobalAveragePool", "", nil, []ir.ValueID{x}, nil, nil, dim.Batch(), m.shape(x)[1], one, one)
	m.beginStage(64)
	x = m.node("Flatten", "", nil, []ir.ValueID{x}, nil, nil, dim.Batch(), m.shape(x)[1])
	m.beginStage(10)
	w, p := m.param(1, "fc.weight", dim.Const(10), m.shape(x)[1])
	c, q := m.param(2, "fc.bias", dim.Const(10))
	x = m.node("Gemm", "", []ir.Attr{{Name: "transB", Kind: ir.AttrInt, Int: 1}}, []ir.ValueID{x, w, c}, []supernet.Param{p, q}, nil, dim.Batch(), dim.Const(10))
	m.output(x, "logits")
	return m.net
}

// renderHandmade is the package of the handmade net.
func renderHandmade(t *testing.T) []File {
	t.Helper()
	net := handmade()
	none, err := fusion.Named("none")
	if err != nil {
		t.Fatal(err)
	}
	table, err := unique.Enumerate(net, []fusion.Rules{none})
	if err != nil {
		t.Fatal(err)
	}
	net.Raw = big.NewInt(1)
	c := &Compiled{Net: net, Ops: table}
	p, err := c.View("handmade")
	if err != nil {
		t.Fatal(err)
	}
	var out []File
	for _, e := range emitters("handmade") {
		data, err := e.render(p, "autotailor.toml", place{"example.com", "handmade"})
		if err != nil {
			t.Fatalf("%s: %v", e.file, err)
		}
		out = append(out, File{e.file, data})
	}
	return out
}
