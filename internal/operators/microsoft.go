package operators

import "slices"

// microsoft are operators of com.microsoft, the domain of what ONNX Runtime adds: operators that it joins of others, and quantised ones.
var microsoft = slices.Concat(
	within(microsoftDomain, Product,
		Operator{Name: "FusedConv", Opsets: "1", Sig: "X W B? Z? -> Y", Attrs: geometry + " activation activation_params", MACs: true},
		Operator{Name: "FusedGemm", Opsets: "1", Sig: "A B C? -> Y", Attrs: "alpha:=1.0 beta:=1.0 transA:=0 transB:=0 activation activation_alpha activation_beta activation_gamma", MACs: true},
		Operator{Name: "FusedMatMul", Opsets: "1", Sig: "A B -> Y", Attrs: "alpha:=1.0 transA:=0 transB:=0 transBatchA:=0 transBatchB:=0", MACs: true},
		Operator{Name: "MatMulNBits", Opsets: "1", Sig: "A B:T2 scales:T1 zero_points:any? g_idx:any? bias? -> Y", Attrs: "K N accuracy_level bits block_size", MACs: true},
		Operator{Name: "QGemm", Opsets: "1", Sig: "A:T1 a_scale:float a_zero_point:T1 B:T2 b_scale:float b_zero_point:T2 C:any? y_scale:float? y_zero_point:T3? -> Y:T3",
			Attrs: "alpha:=1.0 transA:=0 transB:=0", MACs: true},
		Operator{Name: "DynamicQuantizeMatMul", Opsets: "1", Sig: "A:float B:T2 b_scale:float b_zero_point:T2? bias:float? -> Y:float", MACs: true},
		Operator{Name: "MatMulIntegerToFloat", Opsets: "1",
			Sig: "A:T1 B:T2 a_scale:float b_scale:float a_zero_point:T1? b_zero_point:T2? bias:float? -> Y:float", MACs: true},
	),
	within(microsoftDomain, Composite,
		Operator{Name: "Attention", Opsets: "1", Sig: "input weights bias? mask_index:any? past? attention_bias? past_sequence_length:any? -> output present?", Zeros: ZeroAsThird,
			Attrs: "num_heads qkv_hidden_sizes scale unidirectional=0 do_rotary=0 mask_filter_value=-10000 past_present_share_buffer rotary_embedding_dim", MACs: true},
		Operator{Name: "MultiHeadAttention", Opsets: "1",
			Sig: "query key? value? bias? key_padding_mask:any? attention_bias? past_key? past_value? -> output present_key? present_value? qk?", Zeros: ZeroAsThird,
			Attrs: "num_heads scale unidirectional=0 mask_filter_value=-10000", MACs: true},
		Operator{Name: "GroupQueryAttention", Opsets: "1",
			Sig: "query key? value? past_key? past_value? seqlens_k:any? total_sequence_length:any? cos_cache? sin_cache? rest:any... -> output present_key? present_value? rest:any...", Zeros: ZeroAsThird,
			Attrs: "num_heads kv_num_heads scale softcap do_rotary=0 rotary_interleaved=0 local_window_size=-1 smooth_softmax=-1", MACs: true},
		Operator{Name: "MoE", Opsets: "1",
			Sig:   "input router_probs fc1_experts_weights fc1_experts_bias? fc2_experts_weights fc2_experts_bias? fc3_experts_weights? fc3_experts_bias? rest:any... -> output",
			Attrs: "k activation_type normalize_routing_weights=0 use_sparse_mixer=0 swiglu_fusion=0 activation_alpha activation_beta swiglu_limit", MACs: true},
		Operator{Name: "QAttention", Opsets: "1",
			Sig:   "input:T1 weight:T2 bias:float input_scale:float weight_scale:float mask_index:any? input_zero_point:T1? weight_zero_point:T2? past:float? -> output:float present:float?",
			Attrs: "num_heads unidirectional=0 do_rotary=0 mask_filter_value=-10000 past_present_share_buffer scale", MACs: true},
		Operator{Name: "DynamicQuantizeLSTM", Opsets: "1",
			Sig:   "X:float W:T2 R:T2 B:float? sequence_lens:int? initial_h:float? initial_c:float? P:float? W_scale:float W_zero_point:T2 R_scale:float R_zero_point:T2 -> Y:float? Y_h:float? Y_c:float?",
			Attrs: recurrent + " input_forget=0", MACs: true},
		Operator{Name: "EmbedLayerNormalization", Norm: LastAxis, Opsets: "1",
			Sig:   "input_ids:int segment_ids:int? word_embedding position_embedding segment_embedding? gamma beta mask:int? position_ids:int? -> output mask_index:int32? embedding_sum?",
			Attrs: "epsilon mask_index_type"},
		Operator{Name: "RotaryEmbedding", Like: true, Opsets: "1", Sig: "input position_ids:int64 cos_cache sin_cache -> output", Zeros: ZeroAsFirst,
			Attrs: "interleaved=0 is_packed_batching=0 num_heads=0 rotary_embedding_dim=0 scale"},
	),
	within(microsoftDomain, Unary,
		Operator{Name: "Gelu", Opsets: "1", Sig: "X -> Y"},
		Operator{Name: "QuickGelu", Opsets: "1", Sig: "X -> Y", Attrs: "alpha=1.702"},
		Operator{Name: "QLinearSigmoid", Opsets: "1", Sig: "X X_scale:float X_zero_point? Y_scale:float Y_zero_point? -> Y", Zeros: NeverZero},
		Operator{Name: "QLinearLeakyRelu", Opsets: "1", Sig: "X X_scale:float X_zero_point? Y_scale:float Y_zero_point? -> Y", Attrs: "alpha"},
		Operator{Name: "QuantizeLinear", Opsets: "1", Sig: "x y_scale:T1 y_zero_point:T2 -> y:T2", Attrs: "axis"},
		Operator{Name: "DequantizeLinear", Opsets: "1", Sig: "x:T1 x_scale:T2 x_zero_point:T1? -> y:T2", Attrs: "axis"},
	),
	within(microsoftDomain, Broadcast,
		Operator{Name: "BiasGelu", Opsets: "1", Sig: "A B -> C"},
		Operator{Name: "FastGelu", Opsets: "1", Sig: "X bias? -> Y"},
		Operator{Name: "QLinearAdd", Opsets: "1", Sig: "A A_scale:float A_zero_point? B B_scale:float B_zero_point? C_scale:float C_zero_point? -> C"},
		Operator{Name: "QLinearMul", Opsets: "1", Sig: "A A_scale:float A_zero_point? B B_scale:float B_zero_point? C_scale:float C_zero_point? -> C", Zeros: ZeroAsFactors},
	),
	within(microsoftDomain, Rows,
		Operator{Name: "QLinearSoftmax", Opsets: "1", Sig: "X X_scale:float X_zero_point? y_scale:float y_zero_point -> Y", Zeros: NeverZero, Attrs: "axis opset"},
	),
	within(microsoftDomain, Window,
		Operator{Name: "QLinearAveragePool", Opsets: "1", Sig: "X x_scale:float x_zero_point? y_scale:float y_zero_point? -> Y", Attrs: pooling + " channels_last:=0"},
		Operator{Name: "QLinearGlobalAveragePool", Opsets: "1", Sig: "X x_scale:float x_zero_point y_scale:float y_zero_point -> Y", Attrs: "channels_last:=0"},
	),
	within(microsoftDomain, Layout,
		Operator{Name: "QLinearConcat", Opsets: "1", Sig: "Y_scale:float Y_zero_point inputs:any... -> Y:any", Zeros: ZeroAsAll, Attrs: "axis"},
	),
	within(microsoftDomain, Normalisation,
		Operator{Name: "SkipLayerNormalization", Norm: LastAxis, Opsets: "1", Sig: "input skip gamma beta? bias? -> output mean:float? inv_std_var:float? input_skip_bias_sum?", Attrs: "epsilon"},
		Operator{Name: "SkipSimplifiedLayerNormalization", Norm: LastAxis, Opsets: "1", Sig: "input skip gamma bias? -> output mean:float? inv_std_var:float? input_skip_bias_sum?", Attrs: "epsilon"},
	),
)

const microsoftDomain = "com.microsoft"

// within gives rows their domain and class.
func within(domain string, c Class, rows ...Operator) []Operator {
	for i := range rows {
		rows[i].Domain = domain
	}
	return of(c, rows...)
}
