package op

import (
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir/dim"
)

// rule is what dim tables need to know of an operator beside its row in package operators.
type rule struct {
	axes  AxesRule
	shape func(c *Ctx) error
	macs  func(c *Ctx) error
}

// classes has the rule of each class whose operators, but for those in exceptions, do the same to shapes and axes.
var classes = map[operators.Class]rule{
	operators.Unary:     {axes: AxesSame, shape: sameShape},
	operators.Broadcast: {axes: AxesElementwise, shape: broadcastShape},
	operators.Rows:      {axes: AxesSoftmax, shape: sameShape},
	operators.Reduction: {axes: AxesReduce, shape: reduceShape},
	operators.Window:    {axes: AxesPool, shape: poolShape},
	operators.Sampling:  {axes: AxesSampling, shape: samplingShape},
	operators.Spectrum:  {shape: spectrumShape},
}

// norms has the rule of each kind of normalisation.
var norms = map[operators.Norm]rule{
	operators.FromAxis:   {axes: AxesLayerNorm, shape: layerNormShape},
	operators.OfChannels: {axes: AxesBatchNorm, shape: channelNormShape},
	operators.OfSpace:    {axes: AxesBatchNorm, shape: channelNormShape},
	operators.OfGroups:   {axes: AxesGroupNorm, shape: groupNormShape},
	operators.OfAxes:     {axes: AxesSame, shape: sameShape},
}

// ruleOf is the rule that an operator's row gives it.
func ruleOf(o operators.Operator) rule {
	switch {
	case o.Class == operators.Normalisation:
		return norms[o.Norm]
	case o.Class == operators.Window && !o.Has("kernel_shape"):
		return rule{axes: AxesGlobalPool, shape: globalPoolShape}
	case o.Class == operators.Reduction && o.Has("axis"):
		return rule{axes: AxesArg, shape: argShape}
	case o.Like && o.Class == operators.Source:
		return rule{axes: AxesSame, shape: sameShape}
	case o.Like:
		return rule{shape: sameShape}
	}
	return classes[o.Class]
}

// exceptions has the rules of operators that differ from their class, or whose class has none. Without an axes rule, what an operator
// touches is frozen: networks with it go through, and it is carried as it stands.
var exceptions = map[string]rule{
	"Conv":            {axes: AxesConv, shape: convShape, macs: convMACs},
	"ConvTranspose":   {axes: AxesConvTranspose, shape: convTransposeShape, macs: convTransposeMACs},
	"DeformConv":      {shape: picked(convShape, 0, 1, 3), macs: convMACs},
	"Gemm":            {axes: AxesGemm, shape: gemmShape, macs: gemmMACs},
	"MatMul":          {axes: AxesMatMul, shape: matmulShape, macs: matmulMACs},
	"Einsum":          {axes: AxesEinsum, shape: einsumShape, macs: einsumMACs},
	"Attention":       {shape: attentionShape, macs: attentionMACs},
	"RotaryEmbedding": {shape: sameShape},
	"LSTM":            {axes: AxesRecurrent, shape: recurrentShape, macs: recurrentMACs},
	"GRU":             {axes: AxesRecurrent, shape: recurrentShape, macs: recurrentMACs},
	"RNN":             {axes: AxesRecurrent, shape: recurrentShape, macs: recurrentMACs},

	"QLinearConv":   {axes: AxesQuantisedConv, shape: picked(convShape, 0, 3, 8), macs: picked(convMACs, 0, 3)},
	"QLinearMatMul": {axes: AxesQuantisedMatMul, shape: picked(matmulShape, 0, 3), macs: picked(matmulMACs, 0, 3)},
	"ConvInteger":   {axes: AxesQuantisedConv, shape: picked(convShape, 0, 1), macs: convMACs},
	"MatMulInteger": {axes: AxesQuantisedMatMul, shape: picked(matmulShape, 0, 1), macs: matmulMACs},

	"QuantizeLinear":        {axes: AxesQuantize, shape: sameShape},
	"DequantizeLinear":      {axes: AxesQuantize, shape: sameShape},
	"DynamicQuantizeLinear": {axes: AxesSame, shape: dynamicQuantizeShape},

	"MaxUnpool": {axes: AxesUnpool, shape: unpoolShape},

	"LRN":    {axes: AxesSame, shape: localShape},
	"CumSum": {axes: AxesSame, shape: sameShape},

	"Identity": {axes: AxesSame, shape: sameInts},
	"Cast":     {axes: AxesSame, shape: sameInts},
	"Add":      {axes: AxesElementwise, shape: arithmetic(dim.Add)},
	"Sub":      {axes: AxesElementwise, shape: arithmetic(dim.Sub)},
	"Mul":      {axes: AxesElementwise, shape: arithmetic(dim.Mul)},
	"Div":      {axes: AxesElementwise, shape: arithmetic(dim.FloorDiv)},
	"Equal":    {axes: AxesElementwise, shape: arithmetic(equal)},
	"Where":    {axes: AxesElementwise, shape: whereShape},

	"Flatten":      {axes: AxesFlatten, shape: flattenShape},
	"Reshape":      {axes: AxesReshape, shape: reshapeShape},
	"Squeeze":      {axes: AxesSqueeze, shape: squeezeShape},
	"Unsqueeze":    {axes: AxesUnsqueeze, shape: unsqueezeShape},
	"Transpose":    {axes: AxesTranspose, shape: transposeShape},
	"Concat":       {axes: AxesConcat, shape: concatShape},
	"Split":        {axes: AxesSplit, shape: splitShape},
	"Slice":        {axes: AxesSlice, shape: sliceShape},
	"Expand":       {axes: AxesExpand, shape: expandShape},
	"Pad":          {axes: AxesPad, shape: padShape},
	"Resize":       {axes: AxesPad, shape: resizeShape},
	"Upsample":     {axes: AxesPad, shape: resizeShape},
	"Tile":         {axes: AxesTile, shape: tileShape},
	"Trilu":        {axes: AxesSame, shape: sameShape},
	"DepthToSpace": {axes: AxesDepthToSpace, shape: blocksToSpace},
	"SpaceToDepth": {axes: AxesSpaceToDepth, shape: spaceToBlocks},

	"Gather":            {axes: AxesGather, shape: gatherShape},
	"GatherElements":    {axes: AxesGatherElements, shape: gatherElementsShape},
	"GatherND":          {axes: AxesGatherND, shape: gatherNDShape},
	"ScatterElements":   {axes: AxesScatterElements, shape: sameShape},
	"Scatter":           {axes: AxesScatterElements, shape: sameShape},
	"ScatterND":         {axes: AxesScatterND, shape: sameShape},
	"TopK":              {axes: AxesTopK, shape: topKShape},
	"OneHot":            {axes: AxesOneHot, shape: oneHotShape},
	"NonMaxSuppression": {shape: suppressionShape},
	"RoiAlign":          {axes: AxesRegions, shape: regionsShape},
	"NonZero":           {shape: nonZeroShape},

	"Shape":           {axes: AxesShape, shape: shapeShape},
	"Size":            {axes: AxesShape, shape: sizeShape},
	"ConstantOfShape": {shape: constantOfShape},
	"EyeLike":         {shape: sameShape},
	"Range":           {shape: rangeShape},

	"com.microsoft.FusedConv":             {axes: AxesConv, shape: convShape, macs: convMACs},
	"com.microsoft.FusedGemm":             {axes: AxesGemm, shape: gemmShape, macs: gemmMACs},
	"com.microsoft.FusedMatMul":           {shape: turned(matmulShape), macs: turned(matmulMACs)},
	"com.microsoft.MatMulNBits":           {shape: packedShape, macs: packedMACs},
	"com.microsoft.QGemm":                 {axes: AxesQuantisedGemm, shape: picked(gemmShape, 0, 3, 6), macs: picked(gemmMACs, 0, 3)},
	"com.microsoft.DynamicQuantizeMatMul": {axes: AxesQuantisedMatMul, shape: picked(matmulShape, 0, 1), macs: matmulMACs},
	"com.microsoft.MatMulIntegerToFloat":  {axes: AxesQuantisedMatMul, shape: picked(matmulShape, 0, 1), macs: matmulMACs},
	"com.microsoft.DynamicQuantizeLSTM":   {shape: quantisedRecurrentShape, macs: recurrentMACs},

	"com.microsoft.Attention":               {shape: joinedAttentionShape, macs: joinedAttentionMACs},
	"com.microsoft.QAttention":              {shape: joinedAttentionShape, macs: joinedAttentionMACs},
	"com.microsoft.MultiHeadAttention":      {shape: multiHeadShape, macs: multiHeadMACs},
	"com.microsoft.GroupQueryAttention":     {axes: AxesGroupQuery, shape: groupQueryShape, macs: groupQueryMACs},
	"com.microsoft.MoE":                     {axes: AxesExperts, shape: sameShape, macs: expertsMACs},
	"com.microsoft.EmbedLayerNormalization": {shape: embeddingShape},

	"com.microsoft.FastGelu":                 {axes: AxesElementwise, shape: broadcastShape},
	"com.microsoft.QLinearSigmoid":           {axes: AxesSame, shape: sameShape},
	"com.microsoft.QuantizeLinear":           {axes: AxesQuantize, shape: sameShape},
	"com.microsoft.DequantizeLinear":         {axes: AxesQuantize, shape: sameShape},
	"com.microsoft.QLinearAveragePool":       {axes: AxesPool, shape: channelsFirst(poolShape)},
	"com.microsoft.QLinearGlobalAveragePool": {axes: AxesGlobalPool, shape: channelsFirst(globalPoolShape)},
	"com.microsoft.QLinearConcat":            {shape: quantisedConcatShape},

	"com.microsoft.SkipLayerNormalization":           {axes: AxesSkipNorm, shape: skipNormShape},
	"com.microsoft.SkipSimplifiedLayerNormalization": {axes: AxesSkipNorm, shape: skipNormShape},
}

var table = derive(operators.All())

type tableKey struct{ domain, name string }

// derive makes the entries of the operators that have a shape rule.
func derive(rows []operators.Operator) map[tableKey]Spec {
	out := map[tableKey]Spec{}
	for _, o := range rows {
		r, special := exceptions[o.Qualified()]
		if !special {
			r = ruleOf(o)
		}
		if r.shape == nil {
			continue
		}
		s := Spec{Name: o.Name, Domain: o.Domain, Axes: r.axes, Operands: o.Required(), Shape: r.shape, MACs: r.macs}
		for k, p := range o.Operands() {
			if p.Kind == operators.List || p.Kind == operators.Size {
				if s.List == nil {
					s.List = map[string]int{}
				}
				s.List[p.Name] = k
			}
		}
		for _, a := range o.Attributes() {
			if a.Silent {
				s.Attrs = append(s.Attrs, Default{a.Name, a.Default})
			}
		}
		s.operands, s.results = o.Operands(), o.Results()
		out[tableKey{o.Domain, o.Name}] = s
	}
	return out
}
