package model

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strconv"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// ExportOptions say how a SubNet is written. The zero ExportOptions write a model with an open batch in single precision, whose
// normalisations are multiplied into the layers before them.
type ExportOptions struct {
	// NoRecalibration exports the normalisation statistics that the weights have, even if they belong to another SubNet. Then the accuracy is not the predicted one,
	// and often little better than guessing.
	NoRecalibration bool
	KeepBatchNorm   bool // keep normalisations as operators of their own
	Half            bool // store weights as float16; computation is the runtime's choice
	Batch           int  // fixed size of the batch; 0 leaves it open
	Opset           int  // at least this opset; 0 means the model's. Operators that need a newer one get it
	// Beside is a second file for large weights, which a model above 2 GiB needs, see onnxfile.Large; nil for none.
	Beside *onnxfile.Beside
	// Metadata is added to the model's metadata, beside the entries of autotailor about the SubNet.
	Metadata map[string]string
}

// Metadata describes the SubNet g of net in exported files.
func Metadata(net *supernet.Net, g space.Genes) (map[string]string, error) {
	macs, err := net.MACs()
	if err != nil {
		return nil, err
	}
	params, err := net.Params()
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"autotailor.subnet": space.Format(net.Choices, g), "autotailor.package": net.Package, "autotailor.digest": net.Digest,
		"autotailor.macs": strconv.FormatInt(macs.At(g), 10), "autotailor.params": strconv.FormatInt(params.At(g), 10),
	}, nil
}

// ExportONNX writes the SubNet g of net as a stand-alone ONNX model with weights from w. If w has normalisation statistics of another SubNet, the error is a
// *supernet.StatisticsError, unless o says NoRecalibration.
func ExportONNX(dst io.Writer, net *supernet.Net, g space.Genes, w nn.Weights, o ExportOptions) error {
	if o.Batch < 0 || o.Opset < 0 {
		return fmt.Errorf("a batch of %d and opset %d: want at least 1, or 0 for an open batch and the model's opset", o.Batch, o.Opset)
	}
	if !o.NoRecalibration {
		if err := net.CheckStatistics(g, w); err != nil {
			return err
		}
	}
	graph, err := net.Record(g)
	if err != nil {
		return err
	}
	meta, err := Metadata(net, g)
	if err != nil {
		return err
	}
	maps.Copy(meta, o.Metadata)
	return onnxfile.Write(dst, graph, w, onnxfile.WriteOptions{
		Name: net.Package, Opset: max(o.Opset, net.Source.Opset), Batch: o.Batch, Fold: !o.KeepBatchNorm, Float16: o.Half, Metadata: meta, Beside: o.Beside,
	})
}

// ExportONNX is the function ExportONNX for the SubNet s.
func (n *Net[S]) ExportONNX(dst io.Writer, s S, w nn.Weights, o ExportOptions) error {
	return ExportONNX(dst, n.definition, n.genes(s), w, o)
}

// Recalibrate computes the normalisation statistics of s on the inputs of source, and returns w with them, as ExportONNX needs it. r runs the network, such as
// embedded.New(embedded.Options{}).
func (n *Net[S]) Recalibrate(ctx context.Context, s S, w nn.Weights, r nn.Recalibrator, source nn.Source) (nn.Weights, error) {
	return n.definition.Recalibrate(ctx, n.genes(s), w, r, source)
}
