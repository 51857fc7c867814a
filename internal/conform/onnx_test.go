package conform

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	onnxgo "github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend/simple"
	"github.com/owulveryck/onnx-go/backend/testbackend"
	_ "github.com/owulveryck/onnx-go/backend/testbackend/onnx" // registers the cases
	_ "go4.org/unsafe/assume-no-moving-gc"                     // onnx-go's tensors need it
	"gonum.org/v1/gonum/graph"
	"google.golang.org/protobuf/proto"
	"gorgonia.org/tensor"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/ir/onnx"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// unsupported lists cases that are known not to work, with the reason. A case that works must not stand here.
var unsupported = map[string]string{
	"TestGemmBroadcast":                         "first operand transposed",
	"TestGemmNobroadcast":                       "a bias that is a matrix",
	"TestMaxpoolWithArgmax2dPrecomputedPads":    "indices of a pooling",
	"TestMaxpoolWithArgmax2dPrecomputedStrides": "indices of a pooling",
	"TestConstantofshapeFloatOnes":              "its shape is an input",
	"TestConstantofshapeIntZeros":               "its shape is an input",
	"TestMaxunpoolExportWithOutputShape":        "indices count in the map that is pooled, as in ONNX Runtime and PyTorch, not in a smaller one",
	"TestSize":                                  "the case has its result, an int64, as float32",
	"TestSizeExample":                           "the case has its result, an int64, as float32",
	"TestTopK":                                  "the case has its K as float32",
	"TestCastFLOATToDOUBLE":                     "float64",
	"TestSliceEndOutOfBounds":                   "the case has its bounds as float32",
	"TestSliceNeg":                              "the case has its bounds as float32",
}

// TestONNXConformance runs the ONNX project's operator cases, as onnx-go carries them, through reader, passes, shape rules and
// the embedded engine.
func TestONNXConformance(t *testing.T) {
	needs.Time(t)
	passed, left := 0, map[string]int{}
	for _, op := range embedded.Operators() {
		for _, c := range testbackend.GetOpTypeTests(op) {
			c := c()
			err := runCase(c)
			reason, known := unsupported[c.Title]
			switch {
			case err == nil && known:
				t.Errorf("%s works; take it off the list (%s)", c.Title, reason)
			case err == nil:
				passed++
			case known || skipped(err) != "":
				left[skipped(err)+reason]++
			default:
				t.Errorf("%s: %v", c.Title, err)
			}
		}
	}
	t.Logf("%d cases pass; left out: %v", passed, left)
	if passed < 100 {
		t.Errorf("only %d cases ran", passed)
	}
}

// errSkip marks cases that are about something which the engine does not do by design.
type errSkip string

func (e errSkip) Error() string { return string(e) }

func skipped(err error) string {
	if s, ok := err.(errSkip); ok {
		return string(s)
	}
	return ""
}

func runCase(c *testbackend.TestCase) error {
	data, weights, first, err := fixed(c)
	if err != nil {
		return err
	}
	g, err := gen.ParseNetwork(data)
	if err != nil {
		return err
	}
	w, err := onnxfile.Parse(data)
	if err != nil {
		return err
	}
	s, err := embedded.New(embedded.Options{}).Compile(g, w)
	if err != nil {
		return fmt.Errorf("%w (%d weights)", err, weights)
	}
	var in []nn.Tensor
	if first != nil {
		in = append(in, *first)
	}
	if len(in) != len(g.Inputs) {
		return errSkip("the result does not depend on an input")
	}
	out, err := s.Run(in...)
	if err != nil {
		return err
	}
	for k, want := range c.ExpectedOutput {
		v, ok := want.Data().([]float32)
		if !ok {
			return errSkip("not float32")
		}
		if k >= len(out) {
			return fmt.Errorf("%d outputs, want %d", len(out), len(c.ExpectedOutput))
		}
		if !slices.Equal([]int(out[k].Shape), []int(want.Shape())) && len(v) > 1 {
			return fmt.Errorf("output %d has shape %v, want %v", k, out[k].Shape, want.Shape())
		}
		if d := distance(v, out[k].Float32s()); !(d < 1e-5) {
			return fmt.Errorf("output %d is %g off", k, d)
		}
	}
	return s.Close()
}

// fixed makes initializers of all inputs of a case but the first.
func fixed(c *testbackend.TestCase) (data []byte, weights int, first *nn.Tensor, err error) {
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(c.ModelB, &m); err != nil {
		return nil, 0, nil, err
	}
	if v := m.OpsetImport[0].GetVersion(); v < 6 {
		return nil, 0, nil, errSkip("opset below 6")
	}
	g := m.Graph
	for k, in := range g.Input {
		if k >= len(c.Input) {
			break
		}
		t, err := converted(c.Input[k])
		if err != nil {
			return nil, 0, nil, err
		}
		if k == 0 {
			first = t
			continue
		}
		p := &onnxpb.TensorProto{Name: in.Name, DataType: proto.Int32(int32(t.Type)), RawData: t.Raw}
		for _, n := range t.Shape {
			p.Dims = append(p.Dims, int64(n))
		}
		g.Initializer = append(g.Initializer, p)
	}
	if len(g.Input) > 1 {
		g.Input = g.Input[:1]
	}
	data, err = proto.Marshal(&m)
	return data, len(g.Initializer), first, err
}

func converted(t tensor.Tensor) (*nn.Tensor, error) {
	var out nn.Tensor
	switch v := t.Data().(type) {
	case []float32:
		out = nn.FromFloat32s(nn.Shape(t.Shape()), v)
	case []int64:
		out = nn.FromInt64s(nn.Shape(t.Shape()), v)
	case float32:
		out = nn.FromFloat32s(nn.Shape{}, []float32{v})
	default:
		return nil, errSkip("not float32")
	}
	return &out, nil
}

// recorder is onnx-go's simple graph with nodes that keep the bytes of their tensors.
type recorder struct {
	*simple.Graph
	tensors map[string]bool
}

type recordingNode struct {
	*simple.Node
	to *recorder
}

func (r *recorder) NewNode() graph.Node { return recordingNode{r.Graph.NewNode().(*simple.Node), r} }

// SetTensor is called by the decoder for every weight.
func (n recordingNode) SetTensor(t tensor.Tensor) error {
	if v, ok := t.Data().([]float32); ok {
		n.to.tensors[string(nn.FromFloat32s(nn.Shape{len(v)}, v).Raw)] = true
	}
	return n.Node.ApplyTensor(t)
}

// GetTensor is there for the decoder's interface.
func (recordingNode) GetTensor() tensor.Tensor { return nil }

// TestReaderAgreesWithOnnxGo decodes the committed models with onnx-go too: every weight is there, bit for bit.
func TestReaderAgreesWithOnnxGo(t *testing.T) {
	needs.Clone(t)
	for _, name := range []string{"mobilenetv2", "resnet50"} {
		data, err := os.ReadFile(modelPath(name))
		if err != nil {
			t.Fatal(err)
		}
		g, err := onnx.Decode(data, "")
		if err != nil {
			t.Fatal(err)
		}
		theirs := &recorder{Graph: simple.NewSimpleGraph(), tensors: map[string]bool{}}
		m := onnxgo.NewModel(theirs)
		if err := m.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		weights := 0
		for _, v := range g.Values {
			if v.Const == nil || v.Const.Name == "" || len(v.Const.Shape) == 0 || v.Const.Raw == nil {
				continue
			}
			weights++
			if !theirs.tensors[string(v.Const.Raw)] {
				t.Errorf("%s: onnx-go has no tensor with the data of %s", name, v.Name)
			}
		}
		if weights == 0 || math.Abs(float64(len(g.Inputs)-1)) > 0 || !bytes.Contains(data, []byte(strings.TrimSpace(g.Producer))) {
			t.Errorf("%s: %d weights, %d inputs", name, weights, len(g.Inputs))
		}
	}
}
