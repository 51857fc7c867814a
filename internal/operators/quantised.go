package operators

// quantised are products of integers, which stand for numbers by a scale and a zero point.
var quantised = of(Product,
	Operator{Name: "QLinearConv", Opsets: "10",
		Sig: "x:T1 x_scale:float x_zero_point:T1 w:T2 w_scale:float w_zero_point:T2 y_scale:float y_zero_point:T3 B:any? -> y:T3", Attrs: geometry, MACs: true},
	Operator{Name: "QLinearMatMul", Opsets: "10 21",
		Sig: "a:T1 a_scale:any a_zero_point:T1 b:T2 b_scale:any b_zero_point:T2 y_scale:any y_zero_point:T3 -> y:T3", MACs: true},
	Operator{Name: "ConvInteger", Opsets: "10", Sig: "x:T1 w:T2 x_zero_point:T1? w_zero_point:T2? -> y:int32", Attrs: geometry, MACs: true},
	Operator{Name: "MatMulInteger", Opsets: "10", Sig: "A:T1 B:T2 a_zero_point:T1? b_zero_point:T2? -> Y:int32", MACs: true},
)

// scales are element-wise changes between integers and the numbers that they stand for.
var scales = of(Unary,
	Operator{Name: "QuantizeLinear", Opsets: "10 13 19 21 23 24", Sig: "x y_scale:any y_zero_point:any? -> y:any", Attrs: "axis=1 block_size=0 output_dtype=0 precision=0 saturate=1",
		Changes: "13: scales may differ along an axis"},
	Operator{Name: "DequantizeLinear", Opsets: "10 13 19 21 23 24", Sig: "x x_scale:T1 x_zero_point? -> y:T1", Attrs: "axis=1 block_size=0 output_dtype=0",
		Changes: "13: scales may differ along an axis"},
	Operator{Name: "DynamicQuantizeLinear", Opsets: "11", Sig: "x:float -> y:uint8 y_scale:float y_zero_point:uint8"},
)
