package operators

// geometry are the attributes of windows that move over space.
const geometry = "kernel_shape auto_pad:=NOTSET dilations:=1... group:=1 pads:=0... strides:=1..."

// windows are functions of the elements of windows.
var windows = of(Window,
	Operator{Name: "MaxPool", Opsets: "1 8 10 11 12 22", Sig: "X -> Y Indices:int64?", Range: "X", Attrs: pooling, Builder: "Pool"},
	Operator{Name: "AveragePool", Opsets: "1 7 10 11 19 22", Sig: "X -> Y", Range: "X 0", Attrs: pooling, Builder: "Pool"},
	Operator{Name: "LpPool", Opsets: "1 2 11 18 22", Sig: "X -> Y", Attrs: pooling + " p=2"},
	Operator{Name: "MaxUnpool", Opsets: "9 11 22", Sig: "X I:int64 output_shape:size@9? -> output", Attrs: "kernel_shape pads:=0... strides:=1..."},
	Operator{Name: "GlobalMaxPool", Opsets: "1 22", Sig: "X -> Y", Range: "X", Builder: "Pool"},
	Operator{Name: "GlobalLpPool", Opsets: "1 2 22", Sig: "X -> Y", Attrs: "p=2"},
	Operator{Name: "GlobalAveragePool", Opsets: "1 22", Sig: "X -> Y", Range: "X", Builder: "Pool"},
)

const pooling = geometry + " ceil_mode:=0 count_include_pad:=0 storage_order:=0"

// products are what networks spend their time on. A normalisation after one is its bias.
var products = of(Product,
	Operator{Name: "Conv", Opsets: "1 11 22", Sig: "X W B? -> Y", Attrs: geometry, MACs: true, Builder: "Conv"},
	Operator{Name: "ConvTranspose", Opsets: "1 11 22", Sig: "X W B? -> Y", Attrs: geometry + " output_padding output_shape", MACs: true},
	Operator{Name: "Gemm", Opsets: "1 6 7 9 11 13", Sig: "A B C? -> Y", Attrs: "alpha:=1.0 beta:=1.0 transA:=0 transB:=0", MACs: true, Builder: "Linear"},
	Operator{Name: "MatMul", Opsets: "1 9 13", Sig: "A B -> Y", MACs: true, Builder: "MatMul", Torch: "%s @ %s"},
)

// composites stand for several operators.
var composites = of(Composite,
	Operator{Name: "DeformConv", Opsets: "19 22", Sig: "X W offset B? mask? -> Y", Zeros: ZeroAsFactors, Attrs: geometry + " offset_group:=1", MACs: true},
	Operator{Name: "Einsum", Opsets: "12", Sig: "Inputs... -> Output", Zeros: ZeroAsFactors, Attrs: "equation", MACs: true},
	Operator{Name: "Attention", Opsets: "23 24", Sig: "Q K V:T2 attn_mask:any? past_key? past_value:T2? nonpad_kv_seqlen:int64? -> Y present_key? present_value:T2? qk_matmul_output?", Zeros: ZeroAsThird,
		Attrs: "is_causal=0 kv_num_heads q_num_heads qk_matmul_output_mode=0 scale softcap=0 softmax_precision", MACs: true},
	Operator{Name: "RotaryEmbedding", Opsets: "23", Sig: "X cos_cache sin_cache position_ids:int64? -> Y", Zeros: ZeroAsFirst, Attrs: "interleaved=0 num_heads=0 rotary_embedding_dim=0"},
	Operator{Name: "LSTM", Opsets: "1 7 14 22", Sig: "X W R B? sequence_lens:int? initial_h? initial_c? P? -> Y? Y_h? Y_c?", Zeros: ZeroAsStates, Attrs: recurrent + " input_forget=0", MACs: true},
	Operator{Name: "GRU", Opsets: "1 3 7 14 22", Sig: "X W R B? sequence_lens:int? initial_h? -> Y? Y_h?", Zeros: ZeroAsStates, Attrs: recurrent + " linear_before_reset=0", MACs: true},
	Operator{Name: "RNN", Opsets: "1 7 14 22", Sig: "X W R B? sequence_lens:int? initial_h? -> Y? Y_h?", Zeros: ZeroAsStates, Attrs: recurrent, MACs: true},
)

const recurrent = "activation_alpha activation_beta activations clip direction=forward hidden_size layout=0"

// normalisations bring elements to mean 0 and deviation 1, then scale and shift them.
var normalisations = of(Normalisation,
	Operator{Name: "BatchNormalization", Norm: OfChannels, Opsets: "1 6 7 9 14 15", Sig: "X scale:T1 B:T1 mean:T2 var:T2 -> Y running_mean:T2? running_var:T2?",
		Attrs: "epsilon=1e-05 momentum:=* training_mode:=0 spatial:=1", Builder: "BatchNorm", Changes: "14: training_mode says whether it uses the batch's statistics"},
	Operator{Name: "InstanceNormalization", Norm: OfSpace, Opsets: "1 6 22", Sig: "input scale B -> output", Attrs: "epsilon=1e-05"},
	Operator{Name: "GroupNormalization", Norm: OfGroups, Opsets: "18 21", Sig: "X scale bias -> Y", Attrs: "epsilon=1e-05 num_groups stash_type:=1",
		Torch:   "F.group_norm(%[1]s, {num_groups}, %[2]s.repeat_interleave(%[1]s.shape[1] // %[2]s.shape[0]), %[3]s.repeat_interleave(%[1]s.shape[1] // %[3]s.shape[0]), {epsilon})",
		Changes: "21: scale and bias have one element for each channel, not for each group"},
	Operator{Name: "LayerNormalization", Norm: FromAxis, Opsets: "17", Sig: "X Scale B? -> Y Mean:any? InvStdDev:any?", Attrs: "axis=-1 epsilon=1e-05 stash_type:=1", Builder: "LayerNorm"},
	Operator{Name: "SimplifiedLayerNormalization", Norm: FromAxis, Opsets: "1", Sig: "X scale -> Y inv_std_var:any?", Attrs: "axis=-1 epsilon=1e-05 stash_type:=1"},
	Operator{Name: "RMSNormalization", Norm: FromAxis, Opsets: "23", Sig: "X scale -> Y", Attrs: "axis=-1 epsilon=1e-05 stash_type:=1", Torch: "rms_norm(%s, %s, {axis}, {epsilon})"},
	Operator{Name: "MeanVarianceNormalization", Norm: OfAxes, Opsets: "9 13", Sig: "X -> Y", Attrs: "axes=0,2,3"},
)
