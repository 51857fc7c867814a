package nn

// Builder receives a SubNet one operator at a time, in execution order.
// Methods of a Builder never fail. It remembers its first error instead, so that
// generated Build methods stay straight-line code.
type Builder interface {
	// Input declares a graph input. Axis 0 of size Batch is the open batch axis.
	Input(name string, t DType, s Shape) Value
	// Output declares x as the graph output called name.
	Output(name string, x Value)
	// Param makes the picked part of a SuperNet tensor a value (positional embeddings, layer scales, ...).
	Param(p Param) Value

	// Conv is a convolution: dense, grouped or depthwise, of any spatial rank.
	Conv(x Value, c Conv) Value
	// Linear multiplies the last axis by a constant matrix and adds an optional bias.
	Linear(x Value, l Linear) Value
	// MatMul multiplies two activations, batched over the leading axes.
	MatMul(x, y Value) Value
	// BatchNorm normalises axis 1 with stored statistics.
	BatchNorm(x Value, n BatchNorm) Value
	// LayerNorm normalises the axes from n.Axis on.
	LayerNorm(x Value, n LayerNorm) Value
	// Act applies an element-wise function of one operand.
	Act(x Value, a Act) Value
	// Softmax normalises along axis.
	Softmax(x Value, axis int) Value
	// Pool is a max or average pooling, windowed or global.
	Pool(x Value, p Pool) Value
	// Mean averages over axes, which are kept with size 1 when keep is set.
	Mean(x Value, keep bool, axes ...int) Value

	// Add, Sub, Mul and Div are element-wise with ONNX broadcasting.
	Add(x, y Value) Value
	Sub(x, y Value) Value
	Mul(x, y Value) Value
	Div(x, y Value) Value
	// Pow, Max, Min and Where, which takes x where c holds and y elsewhere, broadcast too.
	Pow(x, y Value) Value
	Max(xs ...Value) Value
	Min(xs ...Value) Value
	Where(c, x, y Value) Value
	// Cast converts the elements of x.
	Cast(x Value, to DType) Value

	// Flatten makes a matrix: the axes before axis times the axes from axis on.
	Flatten(x Value, axis int) Value
	// Reshape gives x the shape s; Batch stands for the open batch size.
	Reshape(x Value, s Shape) Value
	// Transpose permutes the axes.
	Transpose(x Value, perm ...int) Value
	// Concat joins values along axis.
	Concat(axis int, xs ...Value) Value
	// Split cuts x along axis into parts of the given sizes.
	Split(x Value, axis int, sizes ...int) []Value
	// Slice keeps ranges of x, at most one for each axis. The open batch is not cut.
	Slice(x Value, ranges ...Range) Value
	// Gather picks positions of x along axis. In the result, the axes of index replace that axis.
	Gather(x, index Value, axis int) Value
	// Expand repeats x along axes of size 1 until it broadcasts with the shape s.
	Expand(x Value, s Shape) Value
	// Resize scales images.
	Resize(x Value, r Resize) Value

	// Int, Ints, Float and Floats are constants that stand in the code: a scalar or a list.
	Int(v int64) Value
	Ints(v ...int64) Value
	Float(v float32) Value
	Floats(v ...float32) Value

	// Op is every operator without a method of its own, carried as it stands in the model.
	// An absent optional operand is None.
	Op(o Op, xs ...Value) []Value
}
