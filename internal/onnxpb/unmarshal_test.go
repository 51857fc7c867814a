package onnxpb_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
)

// sample is a model with initializers of every kind.
func sample(t testing.TB) []byte {
	t.Helper()
	tensor := func(name string, raw []byte) *onnxpb.TensorProto {
		return &onnxpb.TensorProto{Name: proto.String(name), DataType: proto.Int32(1), Dims: []int64{int64(len(raw) / 4)}, RawData: raw}
	}
	m := &onnxpb.ModelProto{IrVersion: proto.Int64(8), ProducerName: proto.String("test"), Graph: &onnxpb.GraphProto{
		Name: proto.String("g"),
		Initializer: []*onnxpb.TensorProto{
			tensor("a", []byte{1, 2, 3, 4, 5, 6, 7, 8}), tensor("empty", nil),
			{Name: proto.String("typed"), DataType: proto.Int32(1), Dims: []int64{2}, FloatData: []float32{1, 2}}, tensor("b", []byte{9, 9, 9, 9}),
		},
		Node: []*onnxpb.NodeProto{{OpType: proto.String("Constant"), Output: []string{"c"}, Attribute: []*onnxpb.AttributeProto{
			{Name: proto.String("value"), Type: onnxpb.AttributeProto_TENSOR.Enum(), T: tensor("", []byte{4, 3, 2, 1})},
		}}},
	}}
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// compare decodes data in both ways.
func compare(t *testing.T, data []byte) {
	t.Helper()
	var got, want onnxpb.ModelProto
	err := onnxpb.Unmarshal(slices.Clone(data), &got)
	if wanted := (proto.UnmarshalOptions{RecursionLimit: 100}).Unmarshal(data, &want); (err == nil) != (wanted == nil) {
		t.Fatalf("%x: error %v, want %v", data, err, wanted)
	}
	if err == nil && !proto.Equal(&got, &want) {
		t.Fatalf("%x: decoded to %v, want %v", data, &got, &want)
	}
}

// TestUnmarshal: every prefix and every flipped bit decode, or fail, as without our shortcut.
func TestUnmarshal(t *testing.T) {
	data := sample(t)
	compare(t, data)
	for i := range data {
		compare(t, data[:i])
		for bit := range 8 {
			b := slices.Clone(data)
			b[i] ^= 1 << bit
			compare(t, b)
		}
	}
	// A message that is written in two parts is one, and of a field that is written twice the last counts.
	compare(t, slices.Concat(data, data))
	raw := protowire.AppendBytes(protowire.AppendTag(nil, 9, protowire.BytesType), []byte{1, 2, 3, 4})
	none := protowire.AppendBytes(protowire.AppendTag(nil, 9, protowire.BytesType), nil)
	for _, tensor := range [][]byte{slices.Concat(raw, raw), slices.Concat(raw, none), slices.Concat(none, raw)} {
		graph := protowire.AppendBytes(protowire.AppendTag(nil, 5, protowire.BytesType), tensor)
		compare(t, protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), graph))
	}
}

// TestRawDataIsShared: weights are not copied.
func TestRawDataIsShared(t *testing.T) {
	needs.Time(t)
	size := 1 << 20
	raw := make([]byte, size)
	for i := range raw {
		raw[i] = byte(rand.Uint32())
	}
	data, err := proto.Marshal(&onnxpb.ModelProto{Graph: &onnxpb.GraphProto{Initializer: []*onnxpb.TensorProto{{Name: proto.String("w"), RawData: raw}}}})
	if err != nil {
		t.Fatal(err)
	}
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := onnxpb.Unmarshal(data, new(onnxpb.ModelProto)); err != nil {
				b.Fatal(err)
			}
		}
	})
	if n := result.AllocedBytesPerOp(); n > int64(size)/8 {
		t.Errorf("%d bytes were allocated for a model of %d", n, size)
	}
}

// FuzzUnmarshal compares with the protobuf library.
func FuzzUnmarshal(f *testing.F) {
	f.Add(sample(f))
	f.Fuzz(compare)
}
