package supernet

// Op is one distinct operator, or fused group of operators, at concrete shapes (batch 1).
// It is comparable; all fields but MACs are its key, and it can be built and run on its own (see Graph).
//
// Steps is one ONNX operator with its non-default attributes in alphabetical order, or several
// separated by " | " in execution order when a runtime runs them as one kernel:
//
//	Conv kernel_shape=3,3 pads=1,1,1,1 strides=2,2
//	Conv kernel_shape=1,1 (i0 p0 p1) | Add (%0 i1) | Relu (%1)
//
// Operands in parentheses are data inputs i, parameters p and results % of earlier steps; a single step
// without parentheses takes all inputs, then all parameters.
type Op struct {
	Steps  string // operators and attributes
	In     string // shapes of data inputs, such as "1x3x224x224 1x64"; a type other than f32 precedes: "i64:3"
	Params string // shapes of parameters, such as "32x3x3x3 32"
	Out    string // shapes of outputs
	MACs   int64  // multiply-accumulates
}
