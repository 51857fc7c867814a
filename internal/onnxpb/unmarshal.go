package onnxpb

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// maxNesting bounds how deep messages of a file may be nested.
const maxNesting = 100

// rawData is the path of the initializers' raw data: ModelProto.graph, GraphProto.initializer, TensorProto.raw_data.
var rawData = [...]protowire.Number{7, 5, 9}

// Unmarshal decodes a serialised model. The raw data of its initializers stay parts of data, which must not be changed afterwards:
// a model is mostly weights, and a copy of them would double the memory that it takes.
func Unmarshal(data []byte, m *ModelProto) error {
	options := proto.UnmarshalOptions{RecursionLimit: maxNesting}
	var c cutter
	rest, ok := c.cut(data, rawData[:])
	if !ok { // the decoder says what is wrong
		return options.Unmarshal(data, m)
	}
	if err := options.Unmarshal(rest, m); err != nil {
		return err
	}
	for i, t := range m.GetGraph().GetInitializer() {
		if c.raw[i] != nil {
			t.RawData = c.raw[i]
		}
	}
	return nil
}

// cutter collects the fields that it takes out of a message, one slot for each message that may have one.
type cutter struct{ raw [][]byte }

// cut returns the serialised message without the fields at path; ok is false when it is damaged.
func (c *cutter) cut(data []byte, path []protowire.Number) (rest []byte, ok bool) {
	for len(data) > 0 {
		number, kind, tag := protowire.ConsumeTag(data)
		if tag < 0 {
			return nil, false
		}
		n := protowire.ConsumeFieldValue(number, kind, data[tag:])
		if n < 0 {
			return nil, false
		}
		field := data[:tag+n]
		data = data[tag+n:]
		if number != path[0] || kind != protowire.BytesType {
			rest = append(rest, field...)
			continue
		}
		value, _ := protowire.ConsumeBytes(field[tag:])
		if len(path) > 1 {
			if len(path) == 2 {
				c.raw = append(c.raw, nil)
			}
			inner, ok := c.cut(value, path[1:])
			if !ok {
				return nil, false
			}
			rest = protowire.AppendBytes(append(rest, field[:tag]...), inner)
			continue
		}
		c.raw[len(c.raw)-1] = slices.Clip(value) // the last one counts, as for any field
		if len(value) == 0 {
			c.raw[len(c.raw)-1] = nil
			rest = append(rest, field...)
		}
	}
	return rest, true
}
