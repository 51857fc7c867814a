package newuser

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
)

// drawing makes an ONNX model as an exporter would.
type drawing struct {
	g    onnxpb.GraphProto
	draw *rand.Rand
}

func (d *drawing) weight(name string, lo, hi float64, shape ...int64) string {
	t := &onnxpb.TensorProto{Name: proto.String(name), DataType: proto.Int32(1), Dims: shape}
	n := int64(1)
	for _, s := range shape {
		n *= s
	}
	for range n {
		t.RawData = binary.LittleEndian.AppendUint32(t.RawData, math.Float32bits(float32(lo+(hi-lo)*d.draw.Float64())))
	}
	d.g.Initializer = append(d.g.Initializer, t)
	return name
}

func (d *drawing) node(op, out string, in []string, attributes ...*onnxpb.AttributeProto) string {
	d.g.Node = append(d.g.Node, &onnxpb.NodeProto{OpType: proto.String(op), Name: proto.String("/" + out), Input: in, Output: []string{out}, Attribute: attributes})
	return out
}

func ints(name string, v ...int64) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: proto.String(name), Type: onnxpb.AttributeProto_INTS.Enum(), Ints: v}
}

// conv is a convolution with its normalisation.
func (d *drawing) conv(name, in string, from, to, kernel, stride int64) string {
	pad, scale := kernel/2, math.Sqrt(6/float64(from*kernel*kernel))
	y := d.node("Conv", name+".conv", []string{in, d.weight(name+".weight", -scale, scale, to, from, kernel, kernel)},
		ints("kernel_shape", kernel, kernel), ints("pads", pad, pad, pad, pad), ints("strides", stride, stride))
	return d.node("BatchNormalization", name+".norm", []string{y, d.weight(name+".g", 0.5, 1, to), d.weight(name+".b", -0.1, 0.1, to), d.weight(name+".m", -0.1, 0.1, to), d.weight(name+".v", 0.5, 1, to)})
}

// block is a residual block.
func (d *drawing) block(name, in string, from, to, stride int64) string {
	y := d.node("Relu", name+".relu1", []string{d.conv(name+".1", in, from, to, 3, stride)})
	y = d.conv(name+".2", y, to, to, 3, 1)
	if from != to {
		in = d.conv(name+".down", in, from, to, 1, stride)
	}
	return d.node("Relu", name, []string{d.node("Add", name+".add", []string{y, in})})
}

// info is a value with an open batch.
func info(name string, rest ...int64) *onnxpb.ValueInfoProto {
	dims := []*onnxpb.TensorShapeProto_Dimension{{Value: &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: "batch"}}}
	for _, n := range rest {
		dims = append(dims, &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: n}})
	}
	tensor := &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(1), Shape: &onnxpb.TensorShapeProto{Dim: dims}}
	return &onnxpb.ValueInfoProto{Name: proto.String(name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{TensorType: tensor}}}
}

// model is a small residual network for grey images of 16 x 16 pixels and 4 classes, with random weights.
func model() ([]byte, error) {
	d := &drawing{draw: rand.New(rand.NewPCG(1, 2))}
	y := d.node("Relu", "stem", []string{d.conv("stem.1", "image", 1, 16, 3, 1)})
	from := int64(16)
	for stage, width := range []int64{16, 32} {
		for b := range 3 {
			stride := int64(1)
			if stage > 0 && b == 0 {
				stride = 2
			}
			y = d.block(fmt.Sprintf("layer%d.%d", stage+1, b), y, from, width, stride)
			from = width
		}
	}
	y = d.node("Flatten", "flat", []string{d.node("GlobalAveragePool", "pool", []string{y})})
	d.node("Gemm", "scores", []string{y, d.weight("fc.weight", -0.3, 0.3, 4, from), d.weight("fc.bias", -0.1, 0.1, 4)},
		&onnxpb.AttributeProto{Name: proto.String("transB"), Type: onnxpb.AttributeProto_INT.Enum(), I: proto.Int64(1)})
	d.g.Name, d.g.Input, d.g.Output = proto.String("main"), []*onnxpb.ValueInfoProto{info("image", 1, 16, 16)}, []*onnxpb.ValueInfoProto{info("scores", 4)}
	return proto.Marshal(&onnxpb.ModelProto{IrVersion: proto.Int64(8), ProducerName: proto.String("somebody"), Graph: &d.g,
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(17)}}})
}

// images are n grey images of 12 x 12 pixels and their labels, as IDX files.
func images(n int) (pixels, labels []byte) {
	draw := rand.New(rand.NewPCG(3, 4))
	pixels = binary.BigEndian.AppendUint32(pixels, 0x0803)
	for _, v := range []uint32{uint32(n), 12, 12} {
		pixels = binary.BigEndian.AppendUint32(pixels, v)
	}
	labels = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(labels, 0x0801), uint32(n))
	for range n {
		labels = append(labels, byte(draw.IntN(4)))
		for range 12 * 12 {
			pixels = append(pixels, byte(draw.IntN(256)))
		}
	}
	return pixels, labels
}
