package onnx

import (
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
)

// Proto is t as a message of the name, whose raw data are t's.
func (t Tensor) Proto(name string) *onnxpb.TensorProto {
	p := &onnxpb.TensorProto{}
	t.Store(p, name)
	return p
}

// Store makes the message p be t, whatever it was.
func (t Tensor) Store(p *onnxpb.TensorProto, name string) {
	proto.Reset(p)
	if name != "" {
		p.Name = proto.String(name)
	}
	p.Dims, p.DataType = dims(t.Shape), proto.Int32(int32(t.Type))
	if t.Type == String {
		for _, s := range t.Strings {
			p.StringData = append(p.StringData, []byte(s))
		}
		return
	}
	if p.RawData = t.Raw; t.Raw == nil { // which says that the tensor has its data, and none of them
		p.RawData = []byte{}
	}
}

// Elements are the bytes of a tensor that Store wrote.
func Elements(p *onnxpb.TensorProto) []byte { return p.GetRawData() }

// Outside takes a tensor's elements out of its message: they stand in a file beside the model, from an offset on.
func Outside(p *onnxpb.TensorProto, file string, offset int64) {
	for _, e := range [][2]string{{"location", file}, {"offset", strconv.FormatInt(offset, 10)}, {"length", strconv.Itoa(len(p.GetRawData()))}} {
		p.ExternalData = append(p.ExternalData, &onnxpb.StringStringEntryProto{Key: proto.String(e[0]), Value: proto.String(e[1])})
	}
	p.DataLocation, p.RawData = onnxpb.TensorProto_EXTERNAL.Enum(), nil
}

// Proto is a as a message.
func (a Attr) Proto() (*onnxpb.AttributeProto, error) {
	p := &onnxpb.AttributeProto{}
	if a.Raw != nil && a.Kind != AttrTensor {
		if err := proto.Unmarshal(a.Raw, p); err != nil {
			return nil, fmt.Errorf("attribute %q: %w", a.Name, err)
		}
	}
	p.Name, p.Type = proto.String(a.Name), onnxpb.AttributeProto_AttributeType(a.Kind).Enum()
	switch a.Kind {
	case AttrFloat:
		p.F = proto.Float32(a.Float)
	case AttrInt:
		p.I = proto.Int64(a.Int)
	case AttrString:
		p.S = []byte(a.String)
	case AttrTensor:
		t, _ := a.Tensor()
		p.T = t.Proto("")
	case AttrFloats:
		p.Floats = a.Floats
	case AttrInts:
		p.Ints = a.Ints
	case AttrStrings:
		for _, s := range a.Strings {
			p.Strings = append(p.Strings, []byte(s))
		}
	}
	return p, nil
}
