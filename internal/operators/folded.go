package operators

import (
	"fmt"
	"iter"
)

// FoldedBatchNorms counts the convolutions with a bias of a network that normalises nowhere, 0 for one with fewer than three: exporters fold
// BatchNorm into the convolution before it unless they are told not to. nodes yields the names and the numbers of operands of all nodes. A
// network without any normalisation, such as VGG-16, looks the same.
func FoldedBatchNorms(nodes iter.Seq2[string, int]) int {
	const few = 3
	count := 0
	for name, operands := range nodes {
		switch o, _ := Lookup("", name); {
		case o.Class == Normalisation:
			return 0
		case name == "Conv" && operands > 2:
			count++
		}
	}
	if count < few {
		return 0
	}
	return count
}

// FoldedNote says what folded BatchNorms mean for SubNets, and how to keep or restore them. It is "" for none.
func FoldedNote(count int) string {
	if count == 0 {
		return ""
	}
	return fmt.Sprintf("%d convolutions have a bias, and nothing in the model normalises. If it was trained with BatchNorm, the exporter has folded that away: SubNets cannot be "+
		"recalibrated, and lose accuracy that recalibration would keep. Export it again with\n"+
		"  torch.onnx.export(model.eval(), ..., training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)\n"+
		"(with dynamo=True: optimize=False in place of both), or put BatchNorm back with `autotailor renormalise --data DIR --out model_bn.onnx`", count)
}
