// Package onnxfile reads the weights of ONNX models and writes recorded networks as ONNX models.
package onnxfile

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Model is the tensors and the description of an ONNX model. It implements nn.Weights.
type Model struct {
	Metadata map[string]string // metadata_props
	Producer string
	Opset    int
	Path     string // as Open was given it, "" of a model in memory
	SHA256   string // of the file, hexadecimal

	dir     string
	tensors map[string]*onnxpb.TensorProto
}

var _ nn.Weights = (*Model)(nil)

// maxFile is the largest file that protobuf can hold.
const maxFile = 2 << 30

// Open reads a model file. Weights that it keeps in other files of its folder are read when they are asked for.
func Open(path string) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: %d bytes are more than an ONNX file can have; store the weights as external data", path, info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m.Path, m.dir = path, filepath.Dir(path)
	return m, nil
}

// Parse reads a model in memory, whose weights must all be in it and stay parts of data.
func Parse(data []byte) (*Model, error) {
	var p onnxpb.ModelProto
	if err := onnxpb.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("this is no ONNX model, or it is damaged: %w", err)
	}
	if p.GetGraph() == nil {
		return nil, errors.New("this is no ONNX model: it has no graph")
	}
	sum := sha256.Sum256(data)
	m := &Model{Metadata: map[string]string{}, Producer: p.GetProducerName(), SHA256: hex.EncodeToString(sum[:]), tensors: map[string]*onnxpb.TensorProto{}}
	for _, e := range p.GetMetadataProps() {
		m.Metadata[e.GetKey()] = e.GetValue()
	}
	for _, o := range p.GetOpsetImport() {
		if o.GetDomain() == "" || o.GetDomain() == "ai.onnx" {
			m.Opset = int(o.GetVersion())
		}
	}
	for _, t := range p.GetGraph().GetInitializer() {
		m.tensors[t.GetName()] = t
	}
	for _, n := range p.GetGraph().GetNode() {
		if n.GetOpType() != "Constant" || len(n.GetOutput()) != 1 {
			continue
		}
		for _, a := range n.GetAttribute() {
			if t := constant(a); t != nil {
				m.tensors[n.GetOutput()[0]] = t
			}
		}
	}
	return m, nil
}

// constant returns the elements of an attribute of a Constant node, which are called by the node's result: a tensor, or a list of numbers.
func constant(a *onnxpb.AttributeProto) *onnxpb.TensorProto {
	switch a.GetName() {
	case "value":
		return a.GetT()
	case "value_floats":
		return &onnxpb.TensorProto{DataType: proto.Int32(int32(nn.Float32)), Dims: []int64{int64(len(a.GetFloats()))}, FloatData: a.GetFloats()}
	case "value_ints":
		return &onnxpb.TensorProto{DataType: proto.Int32(int32(nn.Int64)), Dims: []int64{int64(len(a.GetInts()))}, Int64Data: a.GetInts()}
	}
	return nil
}

// Tensor returns the initializer called name.
func (m *Model) Tensor(name string) (nn.Tensor, error) {
	p, ok := m.tensors[name]
	if !ok {
		return nn.Tensor{}, nn.NoTensorError(fmt.Sprintf("the model has no tensor %q: these weights are of another model", name))
	}
	t, err := m.decode(p)
	if err != nil {
		return nn.Tensor{}, fmt.Errorf("tensor %q: %w", name, err)
	}
	return t, nil
}

func (m *Model) decode(p *onnxpb.TensorProto) (nn.Tensor, error) {
	t := nn.Tensor{Type: nn.DType(p.GetDataType()), Shape: make(nn.Shape, len(p.GetDims()))}
	count := int64(1)
	for i, n := range p.GetDims() {
		if n < 0 || n > math.MaxInt32 || n > 0 && count > math.MaxInt64/8/n {
			return t, fmt.Errorf("its shape %v is not possible", p.GetDims())
		}
		t.Shape[i] = int(n)
		count *= n
	}
	want := count * int64(t.Type.Bytes())
	if want == 0 && count > 0 {
		return t, fmt.Errorf("its element type %d is not supported", t.Type)
	}
	var err error
	switch {
	case p.GetDataLocation() == onnxpb.TensorProto_EXTERNAL:
		t.Raw, err = m.external(p, want)
	case p.RawData != nil:
		t.Raw = p.GetRawData()
	default:
		t.Raw = typed(p, t.Type.Bytes())
	}
	if err == nil && int64(len(t.Raw)) != want {
		err = fmt.Errorf("it has %d bytes, its shape %v needs %d", len(t.Raw), t.Shape, want)
	}
	return t, err
}

// typed joins the elements that stand in one of the typed fields.
func typed(p *onnxpb.TensorProto, size int) []byte {
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
	for _, v := range p.GetInt32Data() {
		switch size {
		case 4:
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		case 2:
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		default:
			b = append(b, byte(v))
		}
	}
	return b
}

// external reads weights from another file of the model's folder.
func (m *Model) external(p *onnxpb.TensorProto, want int64) ([]byte, error) {
	props := map[string]string{"offset": "0", "length": strconv.FormatInt(want, 10)}
	for _, e := range p.GetExternalData() {
		props[e.GetKey()] = e.GetValue()
	}
	offset, err := strconv.ParseInt(props["offset"], 10, 64)
	length, err2 := strconv.ParseInt(props["length"], 10, 64)
	if err := errors.Join(err, err2); err != nil || offset < 0 || length != want {
		return nil, errors.Join(fmt.Errorf("its external data is at %q with %q bytes, its shape needs %d", props["offset"], props["length"], want), err)
	}
	if m.dir == "" {
		return nil, errors.New("it is stored in another file")
	}
	root, err := os.OpenRoot(m.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(filepath.FromSlash(props["location"]))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size()-offset < length {
		return nil, fmt.Errorf("%s ends before its data does", props["location"])
	}
	buf := make([]byte, length)
	_, err = f.ReadAt(buf, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return buf, err
}
