package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
)

// Limits that no real model reaches. Beyond them a file is damaged.
const (
	MaxExtent   = math.MaxInt32 // of one axis
	maxElements = 1 << 40
	maxTensor   = 16 << 30 // bytes
)

// Tensor decodes a tensor: little-endian bytes of exactly its shape. Those that are raw in the file stay parts of it; those in a file beside the
// model are read.
func (m *Model) Tensor(p *onnxpb.TensorProto) (Tensor, error) {
	t, at, err := m.locate(p)
	if err == nil && at != nil {
		t.Raw, err = at.Read(m.ctx)
	}
	return t, err
}

// Locate is Tensor, but many bytes that lie in another file stay there: the extent tells where, and that they are there has been checked. It is
// nil for a tensor that is in memory.
func (m *Model) Locate(p *onnxpb.TensorProto) (Tensor, *Extent, error) {
	t, at, err := m.locate(p)
	switch {
	case err != nil || at == nil:
		return t, nil, err
	case at.Length > maxLoaded:
		return t, at, at.check()
	}
	t.Raw, err = at.Read(m.ctx)
	return t, nil, err
}

// Apart tells whether a tensor's elements lie in another file.
func Apart(p *onnxpb.TensorProto) bool {
	return p.GetDataLocation() == onnxpb.TensorProto_EXTERNAL
}

// maxLoaded is the size up to which Locate reads what lies in another file.
const maxLoaded = 64 << 10

// locate decodes a tensor. Of what another file has it says where that is to be found.
func (m *Model) locate(p *onnxpb.TensorProto) (Tensor, *Extent, error) {
	t := Tensor{Type: DType(p.GetDataType()), Shape: make([]int, len(p.GetDims()))}
	count := int64(1)
	for k, n := range p.GetDims() {
		if n < 0 || n > MaxExtent || n > 0 && count > maxElements/n {
			return t, nil, fmt.Errorf("its shape %v is not possible", p.GetDims())
		}
		t.Shape[k] = int(n)
		count *= n
	}
	if t.Type == String {
		for _, s := range p.GetStringData() {
			t.Strings = append(t.Strings, string(s))
		}
		if int64(len(t.Strings)) != count {
			return t, nil, fmt.Errorf("it has %d strings, its shape %v needs %d", len(t.Strings), t.Shape, count)
		}
		return t, nil, nil
	}
	bits := int64(t.Type.Bits())
	if bits == 0 {
		return t, nil, fmt.Errorf("its element type %v is not known", t.Type)
	}
	want := (count*bits + 7) / 8
	if max(count, want) > math.MaxInt {
		return t, nil, fmt.Errorf("its shape %v needs %d bytes, more than this machine can address", t.Shape, want)
	}
	if p.GetDataLocation() == onnxpb.TensorProto_EXTERNAL {
		at, err := m.extent(p.GetExternalData(), want)
		return t, at, err
	}
	have := int64(len(p.GetRawData()))
	if p.RawData == nil {
		have = dtypes[t.Type].field.size(p, bits)
	}
	switch {
	case have != want:
		return t, nil, fmt.Errorf("it has %d bytes of data, its shape %v needs %d", have, t.Shape, want)
	case p.RawData != nil:
		t.Raw = p.GetRawData()
	default:
		t.Raw = dtypes[t.Type].field.bytes(p, int(bits), make([]byte, 0, want))
	}
	return t, nil, nil
}

// field is one of the typed fields of a TensorProto.
type field uint8

const (
	nowhere field = iota
	floatData
	doubleData
	int32Data
	int64Data
	uint64Data
)

// size is the number of bytes that the elements of a field take.
func (f field) size(p *onnxpb.TensorProto, bits int64) int64 {
	switch f {
	case floatData: // a complex number is two of them
		return 4 * int64(len(p.GetFloatData()))
	case doubleData:
		return 8 * int64(len(p.GetDoubleData()))
	case int64Data:
		return 8 * int64(len(p.GetInt64Data()))
	case uint64Data:
		return bits / 8 * int64(len(p.GetUint64Data()))
	case int32Data: // two elements of 4 bits are one of them
		return max(bits, 8) / 8 * int64(len(p.GetInt32Data()))
	}
	return 0
}

// bytes appends the elements of a field to b.
func (f field) bytes(p *onnxpb.TensorProto, bits int, b []byte) []byte {
	switch f {
	case floatData:
		for _, v := range p.GetFloatData() {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	case doubleData:
		for _, v := range p.GetDoubleData() {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	case int64Data:
		for _, v := range p.GetInt64Data() {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
	case uint64Data:
		for _, v := range p.GetUint64Data() {
			b = appendLow(b, v, bits)
		}
	case int32Data:
		for _, v := range p.GetInt32Data() {
			b = appendLow(b, uint64(v), bits)
		}
	}
	return b
}

// appendLow appends the low bits of v, a byte at least.
func appendLow(b []byte, v uint64, bits int) []byte {
	for k := 0; k < bits; k += 8 {
		b = append(b, byte(v>>k))
	}
	return b
}

// Attr decodes an attribute. Graphs and rare kinds are carried as bytes, which have all their tensors in themselves.
func (m *Model) Attr(p *onnxpb.AttributeProto) (Attr, error) {
	a := Attr{Name: p.GetName(), Kind: AttrKind(p.GetType())}
	var err error
	switch p.GetType() {
	case onnxpb.AttributeProto_FLOAT:
		a.Float = p.GetF()
	case onnxpb.AttributeProto_INT:
		a.Int = p.GetI()
	case onnxpb.AttributeProto_STRING:
		a.String = string(p.GetS())
	case onnxpb.AttributeProto_FLOATS:
		a.Floats = slices.Clone(p.GetFloats())
	case onnxpb.AttributeProto_INTS:
		a.Ints = slices.Clone(p.GetInts()) // which passes change in place
	case onnxpb.AttributeProto_STRINGS:
		for _, s := range p.GetStrings() {
			a.Strings = append(a.Strings, string(s))
		}
	case onnxpb.AttributeProto_TENSOR:
		var t Tensor
		t, err = m.Tensor(p.GetT())
		a = TensorAttr(a.Name, t)
	default:
		if err = m.embed(p); err == nil {
			a.Raw, err = proto.Marshal(p)
		}
	}
	if err != nil {
		err = fmt.Errorf("attribute %q: %w", a.Name, err)
	}
	return a, err
}

// embed brings the data of an attribute's tensors from other files into it.
func (m *Model) embed(p *onnxpb.AttributeProto) error {
	tensors := append([]*onnxpb.TensorProto{p.GetT(), p.GetSparseTensor().GetValues(), p.GetSparseTensor().GetIndices()}, p.GetTensors()...)
	for _, s := range p.GetSparseTensors() {
		tensors = append(tensors, s.GetValues(), s.GetIndices())
	}
	for _, g := range append([]*onnxpb.GraphProto{p.GetG()}, p.GetGraphs()...) {
		tensors = append(tensors, g.GetInitializer()...)
		for _, s := range g.GetSparseInitializer() {
			tensors = append(tensors, s.GetValues(), s.GetIndices())
		}
		for _, n := range g.GetNode() {
			for _, a := range n.GetAttribute() {
				if err := m.embed(a); err != nil {
					return err
				}
			}
		}
	}
	for _, t := range tensors {
		if t.GetDataLocation() != onnxpb.TensorProto_EXTERNAL {
			continue
		}
		v, err := m.Tensor(t)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", t.GetName(), err)
		}
		v.Store(t, t.GetName())
	}
	return nil
}
