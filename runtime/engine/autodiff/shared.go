package autodiff

import (
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// Operator turns one node into steps.
type Operator func(p *Plan, n Node) error

// Entry is one ONNX operator type.
type Entry struct {
	Operands int // at least
	Lower    Operator
}

// SharedOperators has each operator that inference and training compute in the same way. The engines have those that they fuse with their
// neighbours, or that one of them knows constants of.
func SharedOperators() map[string]Entry {
	table := map[string]Entry{
		"Softmax":            {1, softmax},
		"LayerNormalization": {2, layerNorm},

		"MaxPool":           {1, pool(false)},
		"AveragePool":       {1, pool(true)},
		"GlobalMaxPool":     {1, globalPool(false)},
		"GlobalAveragePool": {1, globalPool(true)},
		"ReduceMean":        {1, reduce},
		"ReduceSum":         {1, reduce},
		"ReduceMax":         {1, reduce},
		"CumSum":            {2, cumSum},
		"LRN":               {1, lrn},

		"Clip":     {1, clip},
		"Cast":     {1, cast},
		"CastLike": {2, cast},
		"Where":    {3, where},

		"Identity":  {1, rename},
		"Dropout":   {1, rename},
		"Flatten":   {1, rename},
		"Reshape":   {1, rename},
		"Squeeze":   {1, rename},
		"Unsqueeze": {1, rename},
		"Transpose": {1, transpose},
		"Concat":    {1, concat},
		"Split":     {1, split},
		"Slice":     {1, slice},
		"Gather":    {2, gather},
		"Expand":    {1, expand},
		"Pad":       {1, pad},

		"Shape":           {1, made(extentsOf)},
		"Size":            {1, made(extentsOf)},
		"ConstantOfShape": {1, made(constantOfShape)},
		"Range":           {3, made(counted)},
		"EyeLike":         {1, made(eyeLike)},

		"Tile":         {1, tile},
		"Trilu":        {1, trilu},
		"Resize":       {1, resize},
		"DepthToSpace": {1, depthToSpace},
		"SpaceToDepth": {1, spaceToDepth},
	}
	for _, o := range operators.All() {
		if _, ok := table[o.Name]; !ok && o.Domain == "" {
			if lower := ofClass(o); lower != nil {
				table[o.Name] = Entry{o.Required(), lower}
			}
		}
	}
	return table
}

// ofClass is how the operators of a class are computed, as soon as there is a kernel.
func ofClass(o operators.Operator) Operator {
	switch {
	case o.Class == operators.Unary && kernel.HasUnary(o.Name):
		return unary
	case o.Class == operators.Broadcast && kernel.HasBinary(o.Name):
		return binary
	case o.Class == operators.Reduction && o.Has("axis"):
		return arg
	case o.Class == operators.Reduction && kernel.HasFold(o.Name):
		return fold
	case o.Class == operators.Rows && kernel.HasRowFunc(o.Name):
		return rows
	case o.Class == operators.Normalisation && kernel.HasNormal(o.Name):
		return normal
	case o.Class == operators.Sampling && kernel.HasSampler(o.Name):
		return sampling
	}
	return nil
}
