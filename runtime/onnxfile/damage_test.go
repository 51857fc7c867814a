package onnxfile_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// TestDamagedFiles: truncated or with flipped bits, a file is a model or an error that names it, never a panic.
func TestDamagedFiles(t *testing.T) {
	g := record(t)
	w := weights(g)
	var b bytes.Buffer
	if err := onnxfile.Write(&b, g, w, onnxfile.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	read := func(data []byte) {
		m, err := onnxfile.Parse(data)
		if err != nil {
			return
		}
		for name := range w {
			_, _ = m.Tensor(name)
		}
	}
	for range 300 {
		read(b.Bytes()[:rng.IntN(b.Len())])
		flipped := bytes.Clone(b.Bytes())
		for range 1 + rng.IntN(4) {
			flipped[rng.IntN(len(flipped))] ^= 1 << rng.IntN(8)
		}
		read(flipped)
	}
	path := filepath.Join(t.TempDir(), "broken.onnx")
	for _, data := range [][]byte{{}, []byte("no model at all"), b.Bytes()[:b.Len()/2]} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := onnxfile.Open(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%d bytes: %v", len(data), err)
		}
	}
	if _, err := onnxfile.Open(filepath.Join(t.TempDir(), "none.onnx")); err == nil {
		t.Error("no error for a file that is not there")
	}
}

// TestTensorsThatLie: what a tensor claims is compared with what it has before any memory is taken.
func TestTensorsThatLie(t *testing.T) {
	external := func(offset, length string) *onnxpb.TensorProto {
		return &onnxpb.TensorProto{
			Dims: []int64{1 << 20, 1 << 20}, DataType: proto.Int32(1), DataLocation: onnxpb.TensorProto_EXTERNAL.Enum(),
			ExternalData: []*onnxpb.StringStringEntryProto{
				{Key: proto.String("location"), Value: proto.String("m.onnx")}, {Key: proto.String("offset"), Value: proto.String(offset)},
				{Key: proto.String("length"), Value: proto.String(length)},
			},
		}
	}
	for name, p := range map[string]*onnxpb.TensorProto{
		"large":    {Dims: []int64{1 << 40}, DataType: proto.Int32(1), RawData: []byte{1, 2, 3, 4}},
		"overflow": {Dims: []int64{1 << 31, 1 << 31, 1 << 31}, DataType: proto.Int32(1)},
		"negative": {Dims: []int64{-1}, DataType: proto.Int32(1), RawData: []byte{}},
		"few":      {Dims: []int64{2}, DataType: proto.Int32(1), FloatData: []float32{1}},
		"type":     {Dims: []int64{1}, DataType: proto.Int32(8), RawData: []byte{1}},
		"terabyte": external("0", "4398046511104"),
		"offset":   external("-4", "4398046511104"),
		"number":   external("zero", "4398046511104"),
		"length":   external("0", "4"),
	} {
		p.Name = proto.String("w")
		data, err := proto.Marshal(&onnxpb.ModelProto{Graph: &onnxpb.GraphProto{Initializer: []*onnxpb.TensorProto{p}}})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "m.onnx")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := onnxfile.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Check(); err == nil && name != "type" || err != nil && !strings.Contains(err.Error(), `"w"`) {
			t.Errorf("%s: Check: %v", name, err)
		}
		if v, err := m.Tensor("w"); err == nil || !strings.Contains(err.Error(), `"w"`) {
			t.Errorf("%s: %d bytes, %v", name, len(v.Raw), err)
		}
	}
}

// TestTypedFields: elements may stand in a field of their type instead of as bytes.
func TestTypedFields(t *testing.T) {
	for _, c := range []struct {
		p    *onnxpb.TensorProto
		want []byte
	}{
		{&onnxpb.TensorProto{DataType: proto.Int32(1), FloatData: []float32{1, -2}}, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}},
		{&onnxpb.TensorProto{DataType: proto.Int32(11), DoubleData: []float64{1, -2}}, []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0}},
		{&onnxpb.TensorProto{DataType: proto.Int32(7), Int64Data: []int64{1, -1}}, []byte{1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255}},
		{&onnxpb.TensorProto{DataType: proto.Int32(6), Int32Data: []int32{1, -1}}, []byte{1, 0, 0, 0, 255, 255, 255, 255}},
		{&onnxpb.TensorProto{DataType: proto.Int32(10), Int32Data: []int32{0x3c00, 0xc000}}, []byte{0, 0x3c, 0, 0xc0}},
		{&onnxpb.TensorProto{DataType: proto.Int32(3), Int32Data: []int32{1, -1}}, []byte{1, 255}},
	} {
		c.p.Name, c.p.Dims = proto.String("w"), []int64{2}
		data, err := proto.Marshal(&onnxpb.ModelProto{Graph: &onnxpb.GraphProto{Initializer: []*onnxpb.TensorProto{c.p}}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := onnxfile.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := m.Tensor("w"); err != nil || !bytes.Equal(v.Raw, c.want) {
			t.Errorf("type %d: %v, %v", c.p.GetDataType(), v.Raw, err)
		}
	}
}

// TestMovedAttributes: what newer opsets have as operands is written so that ONNX Runtime computes the same in all of them.
func TestMovedAttributes(t *testing.T) {
	lib, err := ort.Find()
	if err != nil {
		t.Skip("ONNX Runtime is the oracle of this test: ", err)
	}
	oracle, err := ort.New(lib, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	ints := func(name string, list ...int64) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrInts, Ints: list} }
	float := func(name string, v float32) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrFloat, Float: v} }
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 8, 8})
		op := func(typ string, x nn.Value, to nn.Shape, attrs ...nn.Attr) nn.Value {
			return b.Op(nn.Op{Type: typ, Attrs: attrs}.Yields(to), x)[0]
		}
		x = op("Dropout", x, nn.Shape{nn.Batch, 3, 8, 8}, float("ratio", 0.5))
		x = op("Pad", x, nn.Shape{nn.Batch, 3, 9, 10}, ints("pads", 0, 0, 0, 1, 0, 0, 1, 1), float("value", 0.25))
		x = op("Clip", x, nn.Shape{nn.Batch, 3, 9, 10}, float("max", 0.5))
		x = op("Slice", x, nn.Shape{nn.Batch, 3, 4, 10}, ints("starts", 5), ints("ends", 9), ints("axes", 2))
		x = op("Unsqueeze", x, nn.Shape{nn.Batch, 1, 3, 4, 10}, ints("axes", 1))
		x = op("Squeeze", x, nn.Shape{nn.Batch, 3, 4, 10}, ints("axes", 1))
		var all []nn.Value
		for _, part := range b.Split(b.Reshape(x, nn.Shape{nn.Batch, 12, 10}), 2, 4, 6) {
			for _, typ := range []string{"ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"} {
				all = append(all, op(typ, part, nn.Shape{nn.Batch, 12, 1}, ints("axes", 2)))
			}
		}
		b.Output("y", b.Concat(1, all...))
	})
	if err != nil {
		t.Fatal(err)
	}
	var first []float32
	for _, opset := range []int{13, 17, 18, 20, 22} {
		path := filepath.Join(t.TempDir(), "m.onnx")
		var data bytes.Buffer
		if err := onnxfile.Write(&data, g, nn.MapWeights{}, onnxfile.WriteOptions{Opset: opset}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := oracle.OpenModel(path)
		if err != nil {
			t.Errorf("opset %d: %v", opset, err)
			continue
		}
		in := make([]float32, 2*3*8*8)
		for i := range in {
			in[i] = float32(i%11)/8 - 0.6
		}
		out, err := s.Run(nn.FromFloat32s(nn.Shape{2, 3, 8, 8}, in))
		if err != nil {
			t.Fatal(err)
		}
		got := out[0].Float32s()
		if first == nil {
			first = append(first, got...)
		}
		if !near(first, got) {
			t.Errorf("opset %d: %v, opset 13 %v", opset, got[:8], first[:8])
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
