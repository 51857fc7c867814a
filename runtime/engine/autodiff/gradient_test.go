package autodiff_test

import (
	"math/rand/v2"

	"github.com/autotailor/autotailor/runtime/nn"
)

// net is a network of parameters only: data operands are parameters too, so that gradients with respect to them can be checked.
type net struct {
	*nn.Tape
	rng *rand.Rand
}

// data is an operand.
func (n net) data(s ...int) nn.Value { return n.Param(p("x", s...)) }

func p(name string, s ...int) nn.Param { return nn.Param{Name: name, Shape: s} }

// op is an operator without a method of its own.
func (n net) op(o nn.Op, xs ...nn.Value) nn.Value { return n.Op(o, xs...)[0] }

func (n net) between(lo, hi int) int { return lo + n.rng.IntN(hi-lo+1) }

func ints(v ...int64) nn.Attr { return nn.Attr{Kind: nn.AttrInts, Ints: v} }

func named(name string, a nn.Attr) nn.Attr {
	a.Name = name
	return a
}

// cases has at least one network for each operator; each is drawn several times, with other shapes.
var cases = map[string]func(n net) nn.Value{
	"Conv": func(n net) nn.Value {
		in, out, k := n.between(1, 20), n.between(1, 40), n.between(1, 3)
		return n.Conv(n.data(n.between(1, 3), in, n.between(3, 7), n.between(3, 7)), nn.Conv{
			Name: "c", Weight: p("w", out, in, k, k), Bias: p("b", out), Kernel: []int{k, k}, Strides: []int{n.between(1, 2), n.between(1, 2)}, Pads: []int{1, 0, 1, 2},
		})
	},
	"Conv grouped": func(n net) nn.Value {
		groups, each, out := n.between(2, 3), n.between(2, 12), n.between(2, 9)
		return n.Conv(n.data(2, groups*each, 5, 5), nn.Conv{
			Name: "c", Weight: p("w", groups*out, each, 3, 3), Kernel: []int{3, 3}, Strides: []int{n.between(1, 2), 1}, Groups: groups, Dilations: []int{1, 2}, Pads: []int{1, 1, 1, 1},
		})
	},
	"Conv depthwise": func(n net) nn.Value {
		c, k := n.between(2, 70), 1+2*n.between(0, 3)
		return n.Conv(n.data(2, c, 7, 8), nn.Conv{
			Name: "c", Weight: p("w", c, 1, k, k), Bias: p("b", c), Kernel: []int{k, k}, Strides: []int{n.between(1, 2), n.between(1, 2)}, Groups: c, Pads: []int{k / 2, k / 2, k / 2, k / 2},
		})
	},
	"Conv of one axis": func(n net) nn.Value {
		return n.Conv(n.data(2, 9, 11), nn.Conv{Name: "c", Weight: p("w", 5, 9, 3), Kernel: []int{3}, AutoPad: "SAME_UPPER"})
	},
	"Conv cropped": func(n net) nn.Value {
		c := nn.Conv{Name: "c", Weight: p("w", 8, 1, 5, 5), Kernel: []int{5, 5}, Groups: 8, Pads: []int{2, 2, 2, 2}}
		return n.Conv(n.data(2, 6, 5, 5), c.Group(6).Crop(3))
	},
	"Conv cropped, dense": func(n net) nn.Value {
		c := nn.Conv{Name: "c", Weight: p("w", 5, 4, 5, 3), Kernel: []int{5, 3}, Pads: []int{2, 1, 2, 1}}
		return n.Conv(n.data(2, 4, 5, 5), c.Crop(3))
	},
	"Conv cut": func(n net) nn.Value {
		c := nn.Conv{Name: "c", Weight: p("w", 9, 6, 3, 3), Bias: p("b", 9), Kernel: []int{3, 3}}
		pick := nn.Product(nn.Prefix(3, 2), nn.Pick{Size: 3, Keep: 2, From: 1})
		return n.Conv(n.data(2, 4, 5, 5), c.OutPick(pick).In(4))
	},
	"Gemm": func(n net) nn.Value {
		k, out := n.between(1, 50), n.between(1, 40)
		return n.Linear(n.data(n.between(1, 9), k), nn.Linear{Name: "l", Weight: p("w", out, k), Bias: p("b", out), TransB: true})
	},
	"MatMul": func(n net) nn.Value {
		k, out := n.between(1, 50), n.between(1, 40)
		return n.Linear(n.data(2, n.between(1, 9), k), nn.Linear{Name: "l", Weight: p("w", k, out), Bias: p("b", out), BiasName: "a"})
	},
	"MatMul transposed": func(n net) nn.Value {
		w := p("w", 7, 12)
		w.Transposed = true
		return n.Linear(n.data(3, 7), nn.Linear{Name: "l", Weight: w.Cut(1, 5)})
	},
	"MatMul batched": func(n net) nn.Value {
		m, k, c := n.between(1, 20), n.between(1, 20), n.between(1, 40)
		return n.MatMul(n.data(2, 3, m, k), n.Param(p("y", 2, 3, k, c)))
	},
	"MatMul broadcast": func(n net) nn.Value {
		return n.MatMul(n.data(2, 1, 4, 5), n.Param(p("y", 3, 5, 6)))
	},
	"BatchNormalization": func(n net) nn.Value {
		c := n.between(1, 40)
		return n.BatchNorm(n.data(3, c, 3, 4), nn.BatchNorm{Name: "n", Scale: p("s", c), Bias: p("b", c), Mean: p("m", c), Var: p("v", c), Epsilon: 1e-3})
	},
	"BatchNormalization of a matrix": func(n net) nn.Value {
		return n.BatchNorm(n.data(9, 5), nn.BatchNorm{Name: "n", Scale: p("s", 5), Bias: p("b", 5), Mean: p("m", 5), Var: p("v", 5), Epsilon: 1e-5})
	},
	"LayerNormalization": func(n net) nn.Value {
		c := n.between(2, 40)
		return n.LayerNorm(n.data(3, 4, c), nn.LayerNorm{Name: "n", Scale: p("s", c), Bias: p("b", c), Axis: -1, Epsilon: 1e-5})
	},
	"LayerNormalization without bias": func(n net) nn.Value {
		return n.LayerNorm(n.data(3, 4, 5), nn.LayerNorm{Name: "n", Scale: p("s", 4, 5), Axis: 1, Epsilon: 1e-5})
	},
	"Softmax":            func(n net) nn.Value { return n.Softmax(n.data(2, 3, n.between(1, 40)), -1) },
	"Softmax in between": func(n net) nn.Value { return n.Softmax(n.data(2, n.between(1, 9), 5), 1) },

	"MaxPool": func(n net) nn.Value {
		return n.Pool(n.data(2, n.between(1, 20), 6, 7), nn.Pool{Kind: nn.Max, Kernel: []int{3, 2}, Strides: []int{2, 1}, Pads: []int{1, 0, 1, 1}, CeilMode: true})
	},
	"AveragePool": func(n net) nn.Value {
		return n.Pool(n.data(2, n.between(1, 20), 6, 7), nn.Pool{Kind: nn.Average, Kernel: []int{3, 2}, Strides: []int{2, 1}, Pads: []int{1, 0, 1, 1}, CountIncludePad: n.between(0, 1) > 0})
	},
	"GlobalAveragePool": func(n net) nn.Value {
		return n.Pool(n.data(2, n.between(1, 20), 3, 4), nn.Pool{Kind: nn.GlobalAverage})
	},
	"GlobalMaxPool": func(n net) nn.Value { return n.Pool(n.data(2, n.between(1, 20), 3, 4), nn.Pool{Kind: nn.GlobalMax}) },
	"ReduceMean":    func(n net) nn.Value { return n.Mean(n.data(2, 3, 4, 5), n.between(0, 1) > 0, 1, 3) },
	"ReduceMean of an image": func(n net) nn.Value {
		return n.Mean(n.Pool(n.data(2, 3, 4, 5), nn.Pool{Kind: nn.Average, Kernel: []int{2, 2}}), n.between(0, 1) > 0, 1)
	},
	"ReduceSum": func(n net) nn.Value {
		return n.op(nn.Op{Type: "ReduceSum", Attrs: []nn.Attr{named("axes", ints(0, -1))}, Shapes: []nn.Shape{{1, 3, 1}}}, n.data(2, 3, 4))
	},

	"Add":           func(n net) nn.Value { return n.Add(n.data(2, 3, 4, 5), n.Param(p("y", 2, 3, 4, 5))) },
	"Add of a row":  func(n net) nn.Value { return n.Add(n.Param(p("y", 5)), n.data(2, 3, 4, 5)) },
	"Add to itself": func(n net) nn.Value { x := n.data(2, 3); return n.Add(x, x) },
	"Sub":           func(n net) nn.Value { return n.Sub(n.data(2, 3, 4), n.Param(p("y", 3, 1))) },
	"Mul":           func(n net) nn.Value { return n.Mul(n.data(2, 3, 4), n.Param(p("y", 2, 3, 4))) },
	"Mul of channels": func(n net) nn.Value {
		x := n.Pool(n.data(2, n.between(1, 30), 4, 5), nn.Pool{Kind: nn.Average, Kernel: []int{2, 2}})
		return n.Mul(x, n.Pool(x, nn.Pool{Kind: nn.GlobalAverage}))
	},
	"Mul by a number": func(n net) nn.Value { return n.Mul(n.data(2, 3, 4), n.Param(p("y"))) },
	"Div": func(n net) nn.Value {
		return n.Div(n.data(2, 3, 4), n.Act(n.Param(p("y", 2, 1, 4)), nn.Act{Type: "Exp"}))
	},
	"Pow": func(n net) nn.Value {
		return n.op(nn.Op{Type: "Pow"}, n.Act(n.data(2, 3), nn.Act{Type: "Exp"}), n.Param(p("y", 3)))
	},

	"Relu":        act(nn.Relu()),
	"Clip":        act(nn.Clip(-0.5, 0.7)),
	"LeakyRelu":   act(nn.Act{Type: "LeakyRelu"}),
	"Elu":         act(nn.Act{Type: "Elu"}),
	"HardSigmoid": act(nn.Act{Type: "HardSigmoid"}),
	"HardSwish":   act(nn.HardSwish()),
	"Swish":       act(nn.Act{Type: "Swish", Attrs: []nn.Attr{{Name: "alpha", Kind: nn.AttrFloat, Float: 1.5}}}),
	"Sigmoid":     act(nn.Sigmoid()),
	"Tanh":        act(nn.Tanh()),
	"Gelu":        act(nn.Gelu()),
	"Gelu tanh":   act(nn.Act{Type: "Gelu", Attrs: []nn.Attr{{Name: "approximate", Kind: nn.AttrString, String: "tanh"}}}),
	"Erf":         act(nn.Erf()),
	"Exp":         act(nn.Act{Type: "Exp"}),
	"Log":         func(n net) nn.Value { return n.Act(n.Act(n.data(3, 4), nn.Act{Type: "Exp"}), nn.Act{Type: "Log"}) },
	"Sqrt":        func(n net) nn.Value { return n.Act(n.Act(n.data(3, 4), nn.Act{Type: "Exp"}), nn.Act{Type: "Sqrt"}) },
	"Reciprocal": func(n net) nn.Value {
		return n.Act(n.Act(n.data(3, 4), nn.Act{Type: "Exp"}), nn.Act{Type: "Reciprocal"})
	},
	"Neg":      act(nn.Act{Type: "Neg"}),
	"Abs":      act(nn.Act{Type: "Abs"}),
	"Softplus": act(nn.Act{Type: "Softplus"}),

	"Identity": act(nn.Act{Type: "Identity"}),
	"Dropout":  act(nn.Act{Type: "Dropout"}),
	"Flatten":  func(n net) nn.Value { return n.Act(n.Flatten(image(n), 1), nn.Tanh()) },
	"Reshape":  func(n net) nn.Value { return n.Act(n.Reshape(image(n), nn.Shape{3, 2, 4}), nn.Tanh()) },
	"Squeeze": func(n net) nn.Value {
		return n.op(nn.Op{Type: "Squeeze", Shapes: []nn.Shape{{2, 3, 4}}}, n.data(2, 1, 3, 4))
	},
	"Unsqueeze": func(n net) nn.Value {
		return n.op(nn.Op{Type: "Unsqueeze", Shapes: []nn.Shape{{2, 1, 3}}}, n.data(2, 3))
	},
	"Transpose": func(n net) nn.Value { return n.Softmax(n.Transpose(n.data(2, 3, 4, 5), 0, 3, 1, 2), -1) },
	"Transpose and back": func(n net) nn.Value {
		x := n.Transpose(image(n), 0, 2, 3, 1)
		x = n.LayerNorm(x, nn.LayerNorm{Name: "n", Scale: p("s", 3), Bias: p("b", 3), Axis: -1, Epsilon: 1e-5})
		return n.Transpose(x, 0, 3, 1, 2)
	},
	"Concat": func(n net) nn.Value {
		return n.Concat(1, n.data(2, 3, 4), n.Param(p("y", 2, 1, 4)), n.Param(p("z", 2, 2, 4)))
	},
	"Split": func(n net) nn.Value {
		parts := n.Split(n.data(2, 7, 3), 1, 1, 2, 3, 1)
		return n.Mul(parts[2], n.Concat(1, parts[1], parts[0]))
	},
	"Slice backwards": func(n net) nn.Value {
		return n.op(nn.Op{Type: "Slice", Attrs: []nn.Attr{named("starts", ints(-1, 3)), named("ends", ints(-99, 0)), named("axes", ints(2, 1)), named("steps", ints(-2, -1))}, Shapes: []nn.Shape{{2, 3, 3}}}, n.data(2, 5, 5))
	},
	"Pad that crops": func(n net) nn.Value {
		return n.op(nn.Op{Type: "Pad", Attrs: []nn.Attr{named("pads", ints(0, 1, 0, -1))}, Shapes: []nn.Shape{{2, 3}}}, n.data(2, 3))
	},
	"Slice": func(n net) nn.Value {
		return n.op(nn.Op{Type: "Slice", Attrs: []nn.Attr{named("starts", ints(0, 1)), named("ends", ints(99, -1)), named("axes", ints(2, 1)), named("steps", ints(2, 1))}, Shapes: []nn.Shape{{2, 3, 3}}}, n.data(2, 5, 5))
	},
	"Gather": func(n net) nn.Value {
		index := n.op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_ints", Kind: nn.AttrInts, Ints: []int64{2, 0, -1, 1}}}})
		return n.op(nn.Op{Type: "Gather", Attrs: []nn.Attr{{Name: "axis", Kind: nn.AttrInt, Int: 1}}, Shapes: []nn.Shape{{2, 4, 3}}}, n.data(2, 3, 3), index)
	},
	"Gather of a table": func(n net) nn.Value {
		index := n.op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_ints", Kind: nn.AttrInts, Ints: []int64{1, 1, 0}}}})
		return n.op(nn.Op{Type: "Gather", Shapes: []nn.Shape{{3, 2}}}, n.data(4, 2), index)
	},
	"Expand": func(n net) nn.Value {
		return n.op(nn.Op{Type: "Expand", Shapes: []nn.Shape{{4, 3, 5}}}, n.data(3, 1))
	},
	"Pad": func(n net) nn.Value {
		return n.op(nn.Op{Type: "Pad", Attrs: []nn.Attr{named("pads", ints(0, 1, 0, 2))}, Shapes: []nn.Shape{{2, 6}}}, n.data(2, 3))
	},
	"an interpolated embedding": func(n net) nn.Value {
		e := nn.Param{Name: "e", Shape: nn.Shape{1, 17, 6}}
		return n.Add(n.data(2, 10, 4), n.Param(e.Grid(1, 1, 4, 3).Cut(2, 4)))
	},
}

func act(a nn.Act) func(n net) nn.Value {
	return func(n net) nn.Value { return n.Act(n.data(2, n.between(1, 50)), a) }
}

// image is what lies in memory with its channels last.
func image(n net) nn.Value {
	return n.Pool(n.data(2, 3, 3, 3), nn.Pool{Kind: nn.Average, Kernel: []int{2, 2}})
}
