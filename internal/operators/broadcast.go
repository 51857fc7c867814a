package operators

// broadcast are element-wise functions of several operands.
var broadcast = of(Broadcast,
	Operator{Name: "Add", Opsets: "1 6 7 13 14", Sig: "A B -> C", Builder: "Add", Torch: "%s + %s", Changes: "7: broadcasts as numpy does"},
	Operator{Name: "Sub", Opsets: "1 6 7 13 14", Sig: "A B -> C", Builder: "Sub", Torch: "%s - %s", Changes: "7: broadcasts as numpy does"},
	Operator{Name: "Mul", Opsets: "1 6 7 13 14", Sig: "A B -> C", Builder: "Mul", Torch: "%s * %s", Changes: "7: broadcasts as numpy does"},
	Operator{Name: "Div", Opsets: "1 6 7 13 14", Sig: "A B -> C", Builder: "Div", Torch: "%s / %s", Changes: "7: broadcasts as numpy does"},
	Operator{Name: "Pow", Opsets: "1 7 12 13 15", Sig: "X Y:T1 -> Z", Builder: "Pow", Torch: "%s.pow(%s)"},
	Operator{Name: "Mod", Opsets: "10 13", Sig: "A B -> C", Attrs: "fmod=0"},
	Operator{Name: "BitShift", Opsets: "11", Sig: "X Y -> Z", Attrs: "direction"},
	Operator{Name: "BitwiseAnd", Opsets: "18", Sig: "A B -> C", Torch: "%s & %s"},
	Operator{Name: "BitwiseOr", Opsets: "18", Sig: "A B -> C", Torch: "%s | %s"},
	Operator{Name: "PRelu", Opsets: "1 6 7 9 16", Sig: "X slope -> Y", Torch: "torch.where(%[1]s < 0, %[1]s * %[2]s, %[1]s)"},
	Operator{Name: "Max", Opsets: "1 6 8 12 13", Sig: "data... -> max", Builder: "Max", Torch: "torch.maximum(%s, %s)"},
	Operator{Name: "Min", Opsets: "1 6 8 12 13", Sig: "data... -> min", Builder: "Min", Torch: "torch.minimum(%s, %s)"},
	Operator{Name: "Sum", Opsets: "1 6 8 13", Sig: "data... -> sum", Torch: "%s + %s"},
	Operator{Name: "Mean", Opsets: "1 6 8 13", Sig: "data... -> mean"},

	Operator{Name: "Equal", Opsets: "1 7 11 13 19", Sig: "A B -> C:bool", Torch: "%s == %s"},
	Operator{Name: "Less", Opsets: "1 7 9 13", Sig: "A B -> C:bool", Torch: "%s < %s"},
	Operator{Name: "LessOrEqual", Opsets: "12 16", Sig: "A B -> C:bool", Torch: "%s <= %s"},
	Operator{Name: "Greater", Opsets: "1 7 9 13", Sig: "A B -> C:bool", Torch: "%s > %s"},
	Operator{Name: "GreaterOrEqual", Opsets: "12 16", Sig: "A B -> C:bool", Torch: "%s >= %s"},
	Operator{Name: "And", Opsets: "1 7", Sig: "A:bool B:bool -> C:bool", Torch: "%s & %s"},
	Operator{Name: "Or", Opsets: "1 7", Sig: "A:bool B:bool -> C:bool", Torch: "%s | %s"},
	Operator{Name: "Xor", Opsets: "1 7", Sig: "A:bool B:bool -> C:bool", Torch: "%s ^ %s"},
	Operator{Name: "Where", Opsets: "9 16", Sig: "condition:bool X Y -> output", Builder: "Where", Torch: "torch.where(%s, %s, %s)"},
)
