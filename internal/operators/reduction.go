package operators

// rows are functions of each row along one axis.
var rows = of(Rows,
	Operator{Name: "Softmax", Opsets: "1 11 13", Sig: "input -> output", Zeros: NeverZero, Range: "0 1", Logit: LogShare, Attrs: "axis=-1", Builder: "Softmax", Changes: "13: along one axis, not over all from it on"},
	Operator{Name: "LogSoftmax", Opsets: "1 11 13", Sig: "input -> output", Zeros: NeverZero, Attrs: "axis=-1", Torch: "%s.log_softmax({axis})", Changes: "13: along one axis, not over all from it on"},
	Operator{Name: "Hardmax", Opsets: "1 11 13", Sig: "input -> output", Zeros: NeverZero, Range: "0 1", Attrs: "axis=-1", Torch: "hardmax(%s, {axis})", Changes: "13: along one axis, not over all from it on"},
	Operator{Name: "LpNormalization", Opsets: "1 22", Sig: "input -> output", Zeros: ZeroAddsNothing, Attrs: "axis=-1 p=2", Torch: "F.normalize(%s, {p}, {axis}, 1e-30)"},
	Operator{Name: "CumSum", Opsets: "11 14", Sig: "x axis:int -> y", Zeros: ZeroAddsNothing, Attrs: "exclusive=0 reverse=0"},
	Operator{Name: "LRN", Opsets: "1 13", Sig: "X -> Y", Attrs: "alpha=0.0001 beta=0.75 bias=1 size"},
)

// reductions have their axes as an operand since opset 18; without any they reduce all.
var reductions = of(Reduction,
	Operator{Name: "ReduceMean", Opsets: "1 11 13 18", Sig: "data axes:list@18? -> reduced", Range: "X", Attrs: "keepdims:=1 noop_with_empty_axes:=0", Builder: "Mean", NCNN: "Reduction 0=3"},
	Operator{Name: "ReduceSum", Opsets: "1 11 13", Sig: "data axes:list@13? -> reduced", Zeros: ZeroAddsNothing, Attrs: "keepdims:=1 noop_with_empty_axes:=0", Torch: "%s.sum(%s)", NCNN: "Reduction 0=0"},
	Operator{Name: "ReduceMax", Opsets: "1 11 12 13 18 20", Sig: "data axes:list@18? -> reduced", Range: "X", Attrs: "keepdims:=1 noop_with_empty_axes:=0", Torch: "%s.amax(%s)", NCNN: "Reduction 0=4"},
	Operator{Name: "ReduceMin", Opsets: "1 11 12 13 18 20", Sig: "data axes:list@18? -> reduced", Range: "X", Attrs: "keepdims:=1 noop_with_empty_axes:=0", Torch: "%s.amin(%s)", NCNN: "Reduction 0=5"},
	Operator{Name: "ReduceProd", Opsets: "1 11 13 18", Sig: "data axes:list@18? -> reduced", Attrs: "keepdims:=1 noop_with_empty_axes:=0", Torch: "%s.prod(%s)"},
	Operator{Name: "ReduceL1", Opsets: "1 11 13 18", Sig: "data axes:list@18? -> reduced", Zeros: ZeroAddsNothing, Attrs: "keepdims:=1 noop_with_empty_axes:=0", Torch: "%s.abs().sum(%s)"},
	Operator{Name: "ReduceL2", Opsets: "1 11 13 18", Sig: "data axes:list@18? -> reduced", Zeros: ZeroAddsNothing, Attrs: "keepdims:=1 noop_with_empty_axes:=0", Torch: "torch.linalg.vector_norm(%s, 2, %s)"},
	Operator{Name: "ReduceSumSquare", Opsets: "1 11 13 18", Sig: "data axes:list@18? -> reduced", Zeros: ZeroAddsNothing, Attrs: "keepdims:=1 noop_with_empty_axes:=0", Torch: "%s.square().sum(%s)"},
	Operator{Name: "ReduceLogSum", Opsets: "1 11 13 18", Sig: "data axes:list@18? -> reduced", Zeros: NeverZero, Attrs: "keepdims:=1 noop_with_empty_axes:=0", Torch: "%s.sum(%s).log()"},
	Operator{Name: "ReduceLogSumExp", Opsets: "1 11 13 18", Sig: "data axes:list@18? -> reduced", Zeros: NeverZero, Attrs: "keepdims:=1 noop_with_empty_axes:=0", Torch: "%s.logsumexp(%s)"},
	Operator{Name: "ArgMax", Opsets: "1 11 12 13", Sig: "data -> reduced:int64", Zeros: NeverZero, Attrs: "axis=0 keepdims=1 select_last_index=0"},
	Operator{Name: "ArgMin", Opsets: "1 11 12 13", Sig: "data -> reduced:int64", Zeros: NeverZero, Attrs: "axis=0 keepdims=1 select_last_index=0"},
)
