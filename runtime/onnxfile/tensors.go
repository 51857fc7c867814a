package onnxfile

import (
	"io"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/internal/release"
	"github.com/autotailor/autotailor/runtime/nn"
)

// WriteTensors writes tensors as a model without nodes, which Open reads.
func WriteTensors(dst io.Writer, name string, tensors map[string]nn.Tensor) error {
	b := &writer{graph: &onnxpb.GraphProto{Name: proto.String(name)}}
	for _, k := range slices.Sorted(maps.Keys(tensors)) {
		b.initializer(k, tensors[k])
	}
	m := &onnxpb.ModelProto{
		IrVersion: proto.Int64(irVersion(MinOpset)), Graph: b.graph, ProducerName: proto.String("autotailor"), ProducerVersion: proto.String(release.Version),
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(MinOpset)}},
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return err
	}
	_, err = dst.Write(data)
	return err
}
