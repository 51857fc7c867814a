package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/ir"
)

// Limits that no real model reaches: beyond them a file is damaged.
const (
	maxExtent = math.MaxInt32
	maxBytes  = int64(1 << 40)
)

// tensor turns a TensorProto into little-endian bytes of exactly its shape.
func (d *decoder) tensor(p *onnxpb.TensorProto) (*ir.Tensor, error) {
	t := &ir.Tensor{Name: p.GetName(), Type: ir.DType(p.GetDataType()), Shape: make([]int, len(p.GetDims()))}
	count := int64(1)
	for k, n := range p.GetDims() {
		if n < 0 || n > maxExtent || n > 0 && count > maxBytes/n {
			return nil, fmt.Errorf("its shape %v is not possible", p.GetDims())
		}
		t.Shape[k] = int(n)
		count *= n
	}
	if t.Type == ir.String {
		for _, s := range p.GetStringData() {
			t.Strings = append(t.Strings, string(s))
		}
		return t, nil
	}
	bits := t.Type.Bits()
	if bits == 0 {
		return nil, fmt.Errorf("its element type %v is not known", t.Type)
	}
	bytes := (count*int64(bits) + 7) / 8
	if bytes > math.MaxInt {
		return nil, fmt.Errorf("its shape %v needs %d bytes, more than this machine addresses", p.GetDims(), bytes)
	}
	want := int(bytes)
	var err error
	switch {
	case p.GetDataLocation() == onnxpb.TensorProto_EXTERNAL:
		t.Raw, err = d.external(p, want)
	case p.RawData != nil:
		t.Raw = p.GetRawData()
	default:
		t.Raw = typedData(p, bits)
	}
	if err == nil && len(t.Raw) != want {
		err = fmt.Errorf("it has %d bytes of data, its shape %v needs %d", len(t.Raw), t.Shape, want)
	}
	return t, err
}

// typedData joins the elements that a TensorProto stores in one of its typed fields.
func typedData(p *onnxpb.TensorProto, bits int) []byte {
	var b []byte
	for _, v := range p.GetFloatData() {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	for _, v := range p.GetDoubleData() {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	for _, v := range p.GetInt64Data() {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	for _, v := range p.GetUint64Data() {
		if bits == 32 {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		} else {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
	}
	for _, v := range p.GetInt32Data() {
		switch bits {
		case 32:
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		case 16:
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		default:
			b = append(b, byte(v))
		}
	}
	return b
}

// external reads a tensor's bytes from a file beside the model.
func (d *decoder) external(p *onnxpb.TensorProto, want int) ([]byte, error) {
	props := map[string]string{}
	for _, e := range p.GetExternalData() {
		props[e.GetKey()] = e.GetValue()
	}
	name := filepath.FromSlash(props["location"])
	if d.dir == "" || !filepath.IsLocal(name) {
		return nil, fmt.Errorf("its external data file %q is not inside the model's folder", props["location"])
	}
	offset, err := number(props["offset"], 0)
	if err != nil {
		return nil, err
	}
	length, err := number(props["length"], int64(want))
	if err != nil {
		return nil, err
	}
	if length != int64(want) {
		return nil, fmt.Errorf("its external data has %d bytes, its shape needs %d", length, want)
	}
	f, err := os.Open(filepath.Join(d.dir, name))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && (offset < 0 || offset > info.Size()-length) {
		err = fmt.Errorf("external data file %q ends before its data does: it has %d bytes, and %d from %d on are wanted", name, info.Size(), length, offset)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	buf := make([]byte, length)
	_, err = io.ReadFull(io.NewSectionReader(f, offset, length), buf)
	return buf, errors.Join(err, f.Close())
}

func number(s string, def int64) (int64, error) {
	if s == "" {
		return def, nil
	}
	return strconv.ParseInt(s, 10, 64)
}

// attr takes over an attribute; graphs and rare kinds are carried as bytes.
func (d *decoder) attr(node string, p *onnxpb.AttributeProto) ir.Attr {
	a := ir.Attr{Name: p.GetName(), Kind: ir.AttrKind(p.GetType())}
	switch p.GetType() {
	case onnxpb.AttributeProto_FLOAT:
		a.Float = p.GetF()
	case onnxpb.AttributeProto_INT:
		a.Int = p.GetI()
	case onnxpb.AttributeProto_STRING:
		a.String = string(p.GetS())
	case onnxpb.AttributeProto_FLOATS:
		a.Floats = p.GetFloats()
	case onnxpb.AttributeProto_INTS:
		a.Ints = p.GetInts()
	case onnxpb.AttributeProto_STRINGS:
		for _, s := range p.GetStrings() {
			a.Strings = append(a.Strings, string(s))
		}
	case onnxpb.AttributeProto_TENSOR:
		t, err := d.tensor(p.GetT())
		if err != nil {
			d.errorf("node %q: attribute %q: %w", node, a.Name, err)
		}
		a.Tensor = t
	default:
		raw, err := proto.Marshal(p)
		if err != nil {
			d.errorf("node %q: attribute %q: %w", node, a.Name, err)
		}
		a.Raw = raw
	}
	return a
}
