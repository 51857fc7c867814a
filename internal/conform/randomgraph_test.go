package conform

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/internal/operators"
)

// randomOpset is the opset of random models.
const randomOpset = 17

// sketch draws a model: steps of all kinds after each other, with weights that several steps share, branches, several inputs and outputs.
type sketch struct {
	rng     *rand.Rand
	g       *onnxpb.GraphProto
	count   int
	batch   bool                // open
	weights map[string][]string // by shape
	maps    []drawnValue        // that later steps may read: of three axes besides the batch
}

// drawnValue is a value and its extents besides the batch.
type drawnValue struct {
	name  string
	shape []int
}

// randomModel is the model of a seed.
func randomModel(seed uint64) []byte {
	s := &sketch{rng: rand.New(rand.NewPCG(seed, 99)), g: &onnxpb.GraphProto{Name: proto.String("random")}, weights: map[string][]string{}}
	s.batch = s.rng.IntN(2) == 0
	side := []int{8, 12, 16}[s.rng.IntN(3)]
	x := s.act(s.conv(s.input("x", 3, side, side), s.width(), 3, 1, 1))
	s.maps = append(s.maps, x)
	if s.rng.IntN(4) == 0 {
		x = s.conditioned(x)
	}
	for range 3 + s.rng.IntN(6) {
		x = s.step(x)
		s.maps = append(s.maps, x)
	}
	s.ends(x)
	m := &onnxpb.ModelProto{
		IrVersion: proto.Int64(8), Graph: s.g,
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(randomOpset)}},
	}
	data, err := proto.Marshal(m)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return data
}

func (s *sketch) name(kind string) string {
	s.count++
	return fmt.Sprintf("%s%d", kind, s.count)
}

func (s *sketch) width() int { return []int{8, 16, 16, 24, 32}[s.rng.IntN(5)] }

func (s *sketch) info(v drawnValue) *onnxpb.ValueInfoProto {
	d := &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: 1}}
	if s.batch {
		d.Value = &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: "N"}
	}
	shape := &onnxpb.TensorShapeProto{Dim: []*onnxpb.TensorShapeProto_Dimension{d}}
	for _, n := range v.shape {
		shape.Dim = append(shape.Dim, &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(n)}})
	}
	return &onnxpb.ValueInfoProto{Name: proto.String(v.name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
		TensorType: &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(1), Shape: shape},
	}}}
}

func (s *sketch) input(name string, shape ...int) drawnValue {
	v := drawnValue{name, shape}
	s.g.Input = append(s.g.Input, s.info(v))
	return v
}

func (s *sketch) output(v drawnValue) {
	if !slices.ContainsFunc(s.g.Output, func(o *onnxpb.ValueInfoProto) bool { return o.GetName() == v.name }) {
		s.g.Output = append(s.g.Output, s.info(v))
	}
}

// weight is an initializer of a shape, now and then one that another step has.
func (s *sketch) weight(shape ...int) string {
	key := fmt.Sprint(shape)
	if have := s.weights[key]; len(have) > 0 && s.rng.IntN(8) == 0 {
		return have[s.rng.IntN(len(have))]
	}
	n, fan := 1, 1
	for k, d := range shape {
		n *= d
		if k > 0 {
			fan *= d
		}
	}
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(s.rng.NormFloat64()) / float32(max(1, fan/2))
	}
	name := s.name("w")
	s.g.Initializer = append(s.g.Initializer, onnx.FromFloat32s(shape, data).Proto(name))
	s.weights[key] = append(s.weights[key], name)
	return name
}

// positive is a vector of numbers above zero.
func (s *sketch) positive(n int) string {
	data := make([]float32, n)
	for i := range data {
		data[i] = 0.5 + s.rng.Float32()
	}
	name := s.name("v")
	s.g.Initializer = append(s.g.Initializer, onnx.FromFloat32s([]int{n}, data).Proto(name))
	return name
}

func (s *sketch) ints(list ...int64) string {
	name := s.name("i")
	s.g.Initializer = append(s.g.Initializer, onnx.FromInt64s([]int{len(list)}, list).Proto(name))
	return name
}

// drawnAttr is an attribute of a node.
type drawnAttr struct {
	name  string
	value any // int, []int, float64 or string
}

func (a drawnAttr) proto() *onnxpb.AttributeProto {
	p := &onnxpb.AttributeProto{Name: proto.String(a.name)}
	switch v := a.value.(type) {
	case int:
		p.Type, p.I = onnxpb.AttributeProto_INT.Enum(), proto.Int64(int64(v))
	case []int:
		p.Type = onnxpb.AttributeProto_INTS.Enum()
		for _, n := range v {
			p.Ints = append(p.Ints, int64(n))
		}
	case float64:
		p.Type, p.F = onnxpb.AttributeProto_FLOAT.Enum(), proto.Float32(float32(v))
	case string:
		p.Type, p.S = onnxpb.AttributeProto_STRING.Enum(), []byte(v)
	}
	return p
}

// node adds a node with n results.
func (s *sketch) node(op string, n int, in []string, attrs ...drawnAttr) []string {
	p := &onnxpb.NodeProto{OpType: proto.String(op), Name: proto.String(s.name(op + "_")), Input: in}
	for range n {
		p.Output = append(p.Output, s.name("y"))
	}
	for _, a := range attrs {
		p.Attribute = append(p.Attribute, a.proto())
	}
	s.g.Node = append(s.g.Node, p)
	return p.Output
}

// one adds a node with one result of a shape.
func (s *sketch) one(op string, shape []int, in []string, attrs ...drawnAttr) drawnValue {
	return drawnValue{s.node(op, 1, in, attrs...)[0], shape}
}

// conv is a convolution of a square window, with or without bias and normalisation.
func (s *sketch) conv(x drawnValue, out, k, stride, groups int) drawnValue {
	in := x.shape[0]
	operands := []string{x.name, s.weight(out, in/groups, k, k)}
	if s.rng.IntN(2) == 0 {
		operands = append(operands, s.weight(out))
	}
	side := func(n int) int { return (n+2*(k/2)-k)/stride + 1 }
	y := s.one("Conv", []int{out, side(x.shape[1]), side(x.shape[2])}, operands,
		drawnAttr{"kernel_shape", []int{k, k}}, drawnAttr{"strides", []int{stride, stride}}, drawnAttr{"pads", []int{k / 2, k / 2, k / 2, k / 2}}, drawnAttr{"group", groups})
	if s.rng.IntN(3) > 0 {
		return y
	}
	return s.one("BatchNormalization", y.shape, []string{y.name, s.positive(out), s.weight(out), s.weight(out), s.positive(out)})
}

// within are functions that are drawn for numbers between 0 and 1 only.
var within = []string{"Log", "Sqrt", "Reciprocal", "Asin", "Acos", "Atanh"}

// unfit are operators of one operand that are no functions from numbers to numbers of such networks.
var unfit = []string{"Cast", "Not", "IsNaN", "IsInf", "Acosh", "Dropout", "Identity", "Tan"}

// act is a function of each element, of all that the table has.
func (s *sketch) act(x drawnValue) drawnValue {
	if s.rng.IntN(2) == 0 {
		return s.one("Relu", x.shape, []string{x.name})
	}
	list := slices.DeleteFunc(operators.Of(operators.Unary), func(o operators.Operator) bool {
		return o.Domain != "" || o.Required() != 1 || o.Since() > randomOpset || slices.Contains(unfit, o.Name) || strings.HasSuffix(o.Name, "Linear")
	})
	op := list[s.rng.IntN(len(list))].Name
	if slices.Contains(within, op) {
		x = s.one("Sigmoid", x.shape, []string{x.name})
	}
	return s.one(op, x.shape, []string{x.name})
}

// conditioned scales a map by a second input.
func (s *sketch) conditioned(x drawnValue) drawnValue {
	c := s.input("condition", 6)
	v := s.gemm(c, x.shape[0])
	u := s.one("Unsqueeze", []int{x.shape[0], 1, 1}, []string{v.name, s.ints(2, 3)})
	return s.one([]string{"Mul", "Add"}[s.rng.IntN(2)], x.shape, []string{x.name, u.name})
}

// gemm is a linear layer of vectors.
func (s *sketch) gemm(x drawnValue, out int) drawnValue {
	in := x.shape[0]
	if s.rng.IntN(2) == 0 {
		return s.one("Gemm", []int{out}, []string{x.name, s.weight(out, in), s.weight(out)}, drawnAttr{"transB", 1})
	}
	y := s.one("MatMul", []int{out}, []string{x.name, s.weight(in, out)})
	return s.one("Add", []int{out}, []string{y.name, s.weight(out)})
}

// ends reduce maps to outputs: of the last map always, of others now and then.
func (s *sketch) ends(x drawnValue) {
	s.output(s.head(x))
	for range s.rng.IntN(3) {
		v := s.maps[s.rng.IntN(len(s.maps))]
		if s.rng.IntN(2) == 0 {
			v = s.conv(v, 4, 1, 1, 1)
		} else {
			v = s.head(v)
		}
		s.output(v)
	}
}

// head pools a map and classifies it.
func (s *sketch) head(x drawnValue) drawnValue {
	c := x.shape[0]
	var v drawnValue
	switch s.rng.IntN(3) {
	case 0:
		p := s.one("GlobalAveragePool", []int{c, 1, 1}, []string{x.name})
		v = s.one("Flatten", []int{c}, []string{p.name}, drawnAttr{"axis", 1})
	case 1:
		v = s.one("ReduceMean", []int{c}, []string{x.name}, drawnAttr{"axes", []int{2, 3}}, drawnAttr{"keepdims", 0})
	default:
		v = s.one("ReduceMax", []int{c}, []string{x.name}, drawnAttr{"axes", []int{2, 3}}, drawnAttr{"keepdims", 0})
	}
	if s.rng.IntN(2) == 0 {
		v = s.act(s.gemm(v, s.width()))
	}
	return s.gemm(v, 5)
}
