package operators

// samplings read their first operand between its elements, at places in space that the second one has for each element of the result.
var samplings = of(Sampling,
	Operator{Name: "GridSample", Opsets: "16 20 22", Sig: "X grid:T1 -> Y", Attrs: "align_corners=0 mode=linear padding_mode=zeros",
		Changes: "20: bilinear is called linear, bicubic is called cubic, and there may be any number of spatial axes"},
)
