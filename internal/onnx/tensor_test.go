package onnx_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
)

// model serialises a graph.
func model(t testing.TB, g *onnxpb.GraphProto) []byte {
	t.Helper()
	data, err := proto.Marshal(&onnxpb.ModelProto{Graph: g})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// parse reads a model that has one initializer.
func parse(t testing.TB, p *onnxpb.TensorProto, dir string) (*onnx.Model, *onnxpb.TensorProto) {
	t.Helper()
	m, err := onnx.Parse(model(t, &onnxpb.GraphProto{Initializer: []*onnxpb.TensorProto{p}}), dir)
	if err != nil {
		t.Fatal(err)
	}
	return m, m.Proto.Graph.Initializer[0]
}

// TestElementTypes: typed fields and raw bytes of every element type give the same little-endian data. The bytes are those that the ONNX
// specification asks for.
func TestElementTypes(t *testing.T) {
	le32, le64 := binary.LittleEndian.AppendUint32, binary.LittleEndian.AppendUint64
	for _, c := range []struct {
		kind  onnx.DType
		typed *onnxpb.TensorProto
		want  []byte
		n     int64
	}{
		{onnx.Float32, &onnxpb.TensorProto{FloatData: []float32{1.5, -2}}, le32(le32(nil, math.Float32bits(1.5)), math.Float32bits(-2)), 2},
		{onnx.Complex64, &onnxpb.TensorProto{FloatData: []float32{1, 2}}, le32(le32(nil, math.Float32bits(1)), math.Float32bits(2)), 1},
		{onnx.Float64, &onnxpb.TensorProto{DoubleData: []float64{-2}}, le64(nil, math.Float64bits(-2)), 1},
		{onnx.Complex128, &onnxpb.TensorProto{DoubleData: []float64{1, 2}}, le64(le64(nil, math.Float64bits(1)), math.Float64bits(2)), 1},
		{onnx.Int64, &onnxpb.TensorProto{Int64Data: []int64{-1}}, bytes.Repeat([]byte{255}, 8), 1},
		{onnx.Uint64, &onnxpb.TensorProto{Uint64Data: []uint64{1<<63 + 1}}, []byte{1, 0, 0, 0, 0, 0, 0, 128}, 1},
		{onnx.Uint32, &onnxpb.TensorProto{Uint64Data: []uint64{1<<31 + 7}}, []byte{7, 0, 0, 128}, 1},
		{onnx.Int32, &onnxpb.TensorProto{Int32Data: []int32{-2}}, []byte{254, 255, 255, 255}, 1},
		{onnx.Int16, &onnxpb.TensorProto{Int32Data: []int32{-2}}, []byte{254, 255}, 1},
		{onnx.Uint16, &onnxpb.TensorProto{Int32Data: []int32{65535}}, []byte{255, 255}, 1},
		{onnx.Int8, &onnxpb.TensorProto{Int32Data: []int32{-1, 5}}, []byte{255, 5}, 2},
		{onnx.Uint8, &onnxpb.TensorProto{Int32Data: []int32{200}}, []byte{200}, 1},
		{onnx.Bool, &onnxpb.TensorProto{Int32Data: []int32{1, 0, 1}}, []byte{1, 0, 1}, 3},
		{onnx.Float16, &onnxpb.TensorProto{Int32Data: []int32{0x3c00, 0xc000}}, []byte{0, 0x3c, 0, 0xc0}, 2},
		{onnx.BFloat16, &onnxpb.TensorProto{Int32Data: []int32{0x3f80}}, []byte{0x80, 0x3f}, 1},
		{17, &onnxpb.TensorProto{Int32Data: []int32{0x38}}, []byte{0x38}, 1},
		{22, &onnxpb.TensorProto{Int32Data: []int32{0x21, 0x03}}, []byte{0x21, 0x03}, 3}, // two of 4 bits are one
	} {
		raw := &onnxpb.TensorProto{RawData: c.want}
		for form, p := range map[string]*onnxpb.TensorProto{"typed": c.typed, "raw": raw} {
			p.Name, p.DataType, p.Dims = proto.String("w"), proto.Int32(int32(c.kind)), []int64{c.n}
			m, q := parse(t, p, "")
			got, err := m.Tensor(q)
			if err != nil || got.Type != c.kind || !bytes.Equal(got.Raw, c.want) || !slices.Equal(got.Shape, []int{int(c.n)}) {
				t.Errorf("%v, %s: %v %v, want %x", c.kind, form, err, got, c.want)
			}
			p.Dims = []int64{c.n + 2}
			if m, q := parse(t, p, ""); true {
				if v, err := m.Tensor(q); err == nil {
					t.Errorf("%v, %s: too few elements give %v", c.kind, form, v)
				}
			}
		}
	}
}

// TestOtherField: elements in the field of another type are none.
func TestOtherField(t *testing.T) {
	m, p := parse(t, &onnxpb.TensorProto{Dims: []int64{1}, DataType: proto.Int32(1), Int32Data: []int32{1}}, "")
	if v, err := m.Tensor(p); err == nil {
		t.Errorf("float32 of an integer: %v", v)
	}
}

// TestImpossibleTensors: what a tensor claims is compared with what it has before memory is taken.
func TestImpossibleTensors(t *testing.T) {
	kind := func(k int32, dims ...int64) *onnxpb.TensorProto {
		return &onnxpb.TensorProto{DataType: proto.Int32(k), Dims: dims, RawData: []byte{1, 2, 3, 4}}
	}
	for _, c := range []struct {
		p    *onnxpb.TensorProto
		want string
	}{
		{kind(1, 50_000, 50_000), "needs 10000000000"},
		{kind(1, 1<<20, 1<<19), "needs 2199023255552"},
		{kind(14, 1<<20, 1<<20), "needs 8796093022208"},
		{kind(1, 1<<40), "not possible"},
		{kind(1, 1<<31, 1<<31, 1<<31), "not possible"},
		{kind(1, 1<<30, 1<<30, 1<<30), "not possible"},
		{kind(1, math.MaxInt64, math.MaxInt64), "not possible"},
		{kind(1, math.MinInt64), "not possible"},
		{kind(1, -3), "not possible"},
		{kind(1, 0, -1), "not possible"},
		{kind(1, 0), "needs 0"},
		{kind(0, 1), "not known"},
		{kind(99, 4), "not known"},
		{kind(257, 1), "not known"}, // the lowest byte is that of float32
		{kind(-1, 4), "not known"},
	} {
		m, p := parse(t, c.p, "")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v, err := m.Tensor(p)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("type %d, shape %v: %v, %v", c.p.GetDataType(), c.p.GetDims(), v, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("type %d, shape %v: %d bytes allocated", c.p.GetDataType(), c.p.GetDims(), used)
		}
	}
}

// TestNames: initializers have their own names, Constants those of their results, and all forms of a Constant make a tensor.
func TestNames(t *testing.T) {
	constant := func(out string, a *onnxpb.AttributeProto) *onnxpb.NodeProto {
		return &onnxpb.NodeProto{OpType: proto.String("Constant"), Output: []string{out}, Attribute: []*onnxpb.AttributeProto{a}}
	}
	attr := func(name string, kind onnxpb.AttributeProto_AttributeType) *onnxpb.AttributeProto {
		return &onnxpb.AttributeProto{Name: proto.String(name), Type: kind.Enum()}
	}
	value, one, floats, ints, text := attr("value", onnxpb.AttributeProto_TENSOR), attr("value_float", onnxpb.AttributeProto_FLOAT),
		attr("value_floats", onnxpb.AttributeProto_FLOATS), attr("value_ints", onnxpb.AttributeProto_INTS), attr("value_string", onnxpb.AttributeProto_STRING)
	value.T = onnx.FromFloat32s([]int{1}, []float32{1}).Proto("its own")
	one.F, floats.Floats, ints.Ints, text.S = proto.Float32(2), []float32{3, 4}, []int64{5}, []byte("x")
	m, err := onnx.Parse(model(t, &onnxpb.GraphProto{
		Initializer: []*onnxpb.TensorProto{onnx.FromInt64s([]int{1}, []int64{6}).Proto("w")},
		Node: []*onnxpb.NodeProto{
			constant("value", value), constant("one", one), constant("floats", floats), constant("ints", ints), constant("text", text),
			{OpType: proto.String("Relu"), Output: []string{"y"}},
		},
	}), "")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name, p := range onnx.Named(m.Proto.Graph) {
		v, err := m.Tensor(p)
		if err != nil {
			t.Error(err)
		}
		got[name] = hex.EncodeToString(v.Raw)
	}
	want := map[string]string{"w": "0600000000000000", "value": "0000803f", "one": "00000040", "floats": "0000404000008040", "ints": "0500000000000000"}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %q, want %q", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("names %v", got)
	}
}

// TestAttributes: what is decoded and encoded again is the same message.
func TestAttributes(t *testing.T) {
	kind := func(k onnxpb.AttributeProto_AttributeType, fill func(a *onnxpb.AttributeProto)) *onnxpb.AttributeProto {
		a := &onnxpb.AttributeProto{Name: proto.String("a"), Type: k.Enum()}
		fill(a)
		return a
	}
	m, _ := parse(t, onnx.FromInt64s([]int{1}, []int64{6}).Proto("w"), "")
	for _, want := range []*onnxpb.AttributeProto{
		kind(onnxpb.AttributeProto_FLOAT, func(a *onnxpb.AttributeProto) { a.F = proto.Float32(-1) }),
		kind(onnxpb.AttributeProto_INT, func(a *onnxpb.AttributeProto) { a.I = proto.Int64(math.MinInt64) }),
		kind(onnxpb.AttributeProto_STRING, func(a *onnxpb.AttributeProto) { a.S = []byte("\xff\x00") }),
		kind(onnxpb.AttributeProto_FLOATS, func(a *onnxpb.AttributeProto) { a.Floats = []float32{1, 2} }),
		kind(onnxpb.AttributeProto_INTS, func(a *onnxpb.AttributeProto) { a.Ints = []int64{3, -4} }),
		kind(onnxpb.AttributeProto_STRINGS, func(a *onnxpb.AttributeProto) { a.Strings = [][]byte{[]byte("x"), {}} }),
		kind(onnxpb.AttributeProto_TENSOR, func(a *onnxpb.AttributeProto) { a.T = onnx.FromFloat32s([]int{2, 1}, []float32{1, 2}).Proto("") }),
		kind(onnxpb.AttributeProto_TENSOR, func(a *onnxpb.AttributeProto) {
			a.T = onnx.Tensor{Type: onnx.String, Shape: []int{2}, Strings: []string{"p", "q"}}.Proto("")
		}),
		kind(onnxpb.AttributeProto_GRAPH, func(a *onnxpb.AttributeProto) {
			a.G = &onnxpb.GraphProto{Name: proto.String("g"), Initializer: []*onnxpb.TensorProto{onnx.FromInt64s([]int{1}, []int64{6}).Proto("w")}}
		}),
	} {
		a, err := m.Attr(want)
		if err != nil {
			t.Errorf("%v: %v", want, err)
			continue
		}
		if got, err := a.Proto(); err != nil || !proto.Equal(got, want) {
			t.Errorf("%v became %v, %v", want, got, err)
		}
	}
}

// FuzzTensors: any bytes are a model or an error, and so is each of its tensors and attributes.
func FuzzTensors(f *testing.F) {
	f.Add([]byte("\x08\x08"))
	f.Add([]byte{})
	f.Add(model(f, &onnxpb.GraphProto{
		Initializer: []*onnxpb.TensorProto{
			onnx.FromFloat32s([]int{2}, []float32{1, 2}).Proto("w"), {Dims: []int64{2}, DataType: proto.Int32(10), Int32Data: []int32{1, 2}},
			{Dims: []int64{1}, DataType: proto.Int32(1), DataLocation: onnxpb.TensorProto_EXTERNAL.Enum()},
		},
		Node: []*onnxpb.NodeProto{{OpType: proto.String("Constant"), Output: []string{"c"}, Attribute: []*onnxpb.AttributeProto{
			{Name: proto.String("value_floats"), Type: onnxpb.AttributeProto_FLOATS.Enum(), Floats: []float32{1}},
		}}},
	}))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := onnx.Parse(data, dir)
		if err != nil {
			return
		}
		for name, p := range onnx.Named(m.Proto.Graph) {
			v, err := m.Tensor(p)
			if bits := v.Type.Bits(); err == nil && bits > 0 && len(v.Raw) != (v.NumElements()*bits+7)/8 {
				t.Errorf("%q: %d bytes of shape %v", name, len(v.Raw), v.Shape)
			}
		}
		for _, n := range m.Proto.Graph.Node {
			for _, a := range n.GetAttribute() {
				if v, err := m.Attr(a); err == nil {
					if _, err := v.Proto(); err != nil {
						t.Error(err)
					}
				}
			}
		}
	})
}
