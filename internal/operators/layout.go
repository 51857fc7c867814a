package operators

// layouts keep elements and change their shape or places.
var layouts = of(Layout,
	Operator{Name: "Flatten", Opsets: "1 9 11 13 21 23 24", Sig: "input -> output", Range: "X", Attrs: "axis:=1", Builder: "Flatten"},
	Operator{Name: "Reshape", Opsets: "1 5 13 14 19 21 23 24", Sig: "data shape:size@5 -> reshaped", Range: "X", Attrs: "allowzero:=*", Builder: "Reshape"},
	Operator{Name: "Squeeze", Opsets: "1 11 13 21 23 24", Sig: "data axes:list@13? -> squeezed", Range: "X", Builder: "Reshape"},
	Operator{Name: "Unsqueeze", Opsets: "1 11 13 21 23 24", Sig: "data axes:list@13 -> expanded", Range: "X", Builder: "Reshape"},
	Operator{Name: "Transpose", Opsets: "1 13 21 23 24", Sig: "data -> transposed", Range: "X", Attrs: "perm", Builder: "Transpose"},
	Operator{Name: "Concat", Opsets: "1 4 11 13", Sig: "inputs... -> concat_result", Zeros: ZeroAsAll, Attrs: "axis", Builder: "Concat"},
	Operator{Name: "Split", Opsets: "1 2 11 13 18", Sig: "input split:list@13? -> outputs...", Range: "X", Attrs: "axis=0 num_outputs", Builder: "Split"},
	Operator{Name: "Slice", Opsets: "1 10 11 13", Sig: "data starts:list@10 ends:list@10 axes:list@10? steps:list@10? -> output", Range: "X", Builder: "Slice"},
	Operator{Name: "Expand", Opsets: "8 13", Sig: "input shape:size -> output", Range: "X", Builder: "Expand"},
	Operator{Name: "Pad", Opsets: "1 2 11 13 18 19 21 23 24", Sig: "data pads:list@11 value@11? axes:list? -> output", Attrs: "mode:=constant"},
	Operator{Name: "Tile", Opsets: "1 6 13", Sig: "input repeats:list -> output", Range: "X", Changes: "6: repeats are a list of all axes"},
	Operator{Name: "Trilu", Opsets: "14", Sig: "input k:int64? -> output", Attrs: "upper=1"},
	Operator{Name: "ReverseSequence", Opsets: "10", Sig: "input sequence_lens:int64 -> Y", Like: true, Attrs: "batch_axis=1 time_axis=0"},
	Operator{Name: "DepthToSpace", Opsets: "1 11 13", Sig: "input -> output", Range: "X", Attrs: "blocksize mode=DCR"},
	Operator{Name: "SpaceToDepth", Opsets: "1 13", Sig: "input -> output", Range: "X", Attrs: "blocksize"},
	Operator{Name: "Resize", Opsets: "10 11 13 18 19", Sig: "X roi:T2? scales:float? sizes:size? -> Y", Builder: "Resize",
		Attrs:   "antialias=0 axes coordinate_transformation_mode=half_pixel cubic_coeff_a=-0.75 exclude_outside=0 extrapolation_value=0 keep_aspect_ratio_policy=stretch mode=nearest nearest_mode=round_prefer_floor",
		Changes: "11: scales are the third operand, and positions are at pixels' centres"},
	Operator{Name: "Upsample", Opsets: "1 7 9 10", Sig: "X scales:float? -> Y", Attrs: "mode=nearest", Changes: "10: Resize takes its place"},
)

// accesses pick or put elements at places that other tensors say.
var accesses = of(Access,
	Operator{Name: "Gather", Opsets: "1 11 13", Sig: "data indices:int -> output", Range: "X", Builder: "Gather", Attrs: "axis:=0"},
	Operator{Name: "GatherElements", Opsets: "11 13", Sig: "data indices:int -> output", Attrs: "axis=0"},
	Operator{Name: "GatherND", Opsets: "11 12 13", Sig: "data indices:int64 -> output", Attrs: "batch_dims=0"},
	Operator{Name: "Scatter", Opsets: "9 11", Sig: "data indices:int updates -> output", Zeros: ZeroAsAll, Attrs: "axis=0", Changes: "11: ScatterElements takes its place"},
	Operator{Name: "ScatterElements", Opsets: "11 13 16 18", Sig: "data indices:int updates -> output", Zeros: ZeroAsAll, Attrs: "axis=0 reduction=none"},
	Operator{Name: "ScatterND", Opsets: "11 13 16 18", Sig: "data indices:int64 updates -> output", Zeros: ZeroAsAll, Attrs: "reduction=none"},
	Operator{Name: "TopK", Opsets: "1 10 11 24", Sig: "X K:int64? -> Values Indices:int64", Zeros: NeverZero, Attrs: "axis=-1 largest=1 sorted=1 k", Changes: "10: K is an operand"},
	Operator{Name: "OneHot", Opsets: "9 11", Sig: "indices:T1 depth:T2 values -> output", Zeros: NeverZero, Attrs: "axis=-1"},
	Operator{Name: "RoiAlign", Opsets: "10 16 22", Sig: "X rois:T1 batch_indices:int64 -> Y",
		Attrs:   "coordinate_transformation_mode=half_pixel mode=avg output_height=1 output_width=1 sampling_ratio=0 spatial_scale=1.0",
		Changes: "16: pixels are at their centres, half a pixel further"},
	Operator{Name: "NonZero", Opsets: "9 13", Sig: "X -> Y:int64", Zeros: NeverZero},
	Operator{Name: "NonMaxSuppression", Opsets: "10 11", Sig: "boxes:float scores:float max_output_boxes_per_class:int64? iou_threshold:float? score_threshold:float? -> selected_indices:int64", Zeros: NeverZero, Attrs: "center_point_box=0"},
)

// sources make tensors of sizes and numbers.
var sources = of(Source,
	Operator{Name: "Constant", Opsets: "1 9 11 12 13 19 21 23 24", Sig: "-> output:any", Attrs: "value value_float value_floats value_int value_ints"},
	Operator{Name: "ConstantOfShape", Opsets: "9 20 21 23 24", Sig: "input:list -> output:any", Attrs: "value"},
	Operator{Name: "EyeLike", Opsets: "9 22", Sig: "input:T1 -> output:any", Attrs: "dtype k=0"},
	Operator{Name: "RandomNormalLike", Opsets: "1 22", Sig: "input:T1 -> output:any", Like: true, Attrs: "dtype mean=0 scale=1 seed"},
	Operator{Name: "RandomUniformLike", Opsets: "1 22", Sig: "input:T1 -> output:any", Like: true, Attrs: "dtype high=1 low=0 seed"},
	Operator{Name: "Bernoulli", Opsets: "15 22", Sig: "input:T1 -> output:any", Like: true, Attrs: "dtype seed"},
	Operator{Name: "Range", Opsets: "11", Sig: "start limit delta -> output"},
	Operator{Name: "Shape", Opsets: "1 13 15 19 21 23 24", Sig: "data -> shape:int64", Attrs: "start=0 end"},
	Operator{Name: "Size", Opsets: "1 13 19 21 23 24", Sig: "data -> size:int64"},
)

// controls run subgraphs. Readers look for the names that those capture; a model's passes take apart what they can.
var controls = of(Control,
	Operator{Name: "If", Opsets: "1 11 13 16 19 21 23 24", Sig: "cond:bool -> outputs:any...", Attrs: "then_branch else_branch"},
	Operator{Name: "Loop", Opsets: "1 11 13 16 19 21 23 24", Sig: "M:int64? cond:bool? v_initial:any... -> v_final_and_scan_outputs:any...", Attrs: "body"},
	Operator{Name: "Scan", Opsets: "8 9 11 16 19 21 23 24", Sig: "initial_state_and_scan_inputs:any... -> final_state_and_scan_outputs:any...", Attrs: "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions"},
)
