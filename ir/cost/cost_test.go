package cost_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/needs"
	internal "github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/cost"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/onnx"
	"github.com/autotailor/autotailor/ir/op"
	"github.com/autotailor/autotailor/ir/pass"
)

// counted is what nodes of a model cost, and whether all are counted.
func counted(t *testing.T, g *ir.Graph, of func(n *ir.Node) bool) (macs int, known bool) {
	t.Helper()
	if err := pass.Canonicalise(g, pass.Options{}); err != nil {
		t.Fatal(err)
	}
	bind := map[ir.ValueID][]dim.Dim{}
	for _, id := range g.Inputs {
		for _, d := range g.Values[id].Shape {
			bind[id] = append(bind[id], dim.Const(max(d.Size, 1)))
		}
	}
	shapes, err := op.InferGraph(g, bind, nil)
	if err != nil {
		t.Fatal(err)
	}
	known = true
	for _, n := range g.Nodes {
		if !of(n) {
			continue
		}
		d, ok, err := cost.MACs(g, n, shapes, nil)
		if err != nil {
			t.Fatal(err)
		}
		macs, known = macs+d.Original(), known && ok
	}
	return macs, known
}

// TestLoopOfAModel: three trips, each with a convolution of 16 by 16 channels, 3x3, on 8x8 pixels.
func TestLoopOfAModel(t *testing.T) {
	needs.Clone(t)
	g, _, err := onnx.Read("../../internal/conform/testdata/cases/loop.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if macs, known := counted(t, g, func(n *ir.Node) bool { return strings.HasPrefix(n.Name, "n3/") }); macs != 3*16*16*9*8*8 || !known {
		t.Errorf("%d MACs, known: %v", macs, known)
	}
}

// TestSubgraphs: products of bodies count once for each trip; what depends on the data is not counted.
func TestSubgraphs(t *testing.T) {
	for name, c := range map[string]struct {
		node  *onnxpb.NodeProto
		macs  int
		known bool
	}{
		"loop": {node("Loop", "M true x", graph("body", "i:i64 c:bool h:7x4", "c z", "MatMul h W -> z")), 200 * 7 * 4 * 4, true},
		"loop that asks": {node("Loop", "M true x", graph("body", "i:i64 c:bool h:7x4", "d z",
			"MatMul h W -> z", "ReduceMax z keepdims=0 -> m", "Cast m to=9 -> d")), 0, false},
		"loop without end":        {node("Loop", "_ true x", graph("body", "i:i64 c:bool h:7x4", "c z", "MatMul h W -> z")), 0, false},
		"loop of computed trips":  {node("Loop", "n true x", graph("body", "i:i64 c:bool h:7x4", "c z", "MatMul h W -> z")), 0, false},
		"scan":                    {node("Scan", "s x num_scan_inputs=1", graph("body", "h:4 r:4", "z z2", "MatMul r W -> p", "Add p h -> z", "Identity z -> z2")), 7 * 4 * 4, true},
		"scan of what is unknown": {node("Scan", "s x num_scan_inputs=1", graph("body", "h:4 r:4", "z z2", "com.example.Odd r -> z", "Identity z -> z2")), 0, false},
		"if":                      {node("If", "b", graph("then_branch", "", "z", "MatMul x W -> z"), graph("else_branch", "", "z", "MatMul x V -> z")), 7 * 4 * 4, true},
		"if of two costs":         {node("If", "b", graph("then_branch", "", "z", "MatMul x W -> z"), graph("else_branch", "", "z", "Relu x -> z")), 0, false},
		"loops in a loop":         {node("Loop", "M true x", graph("body", "i:i64 c:bool h:7x4", "c z", "Loop M true h -> z ?inner")), 200 * 200 * 7 * 4 * 4, true},
	} {
		outs := []string{"y"}
		if name == "scan" || name == "scan of what is unknown" {
			outs = []string{"last", "y"}
		}
		c.node.Output = outs
		m := &onnxpb.ModelProto{IrVersion: proto.Int64(8), OpsetImport: []*onnxpb.OperatorSetIdProto{{Version: proto.Int64(17)}, {Domain: proto.String("com.example"), Version: proto.Int64(1)}},
			Graph: &onnxpb.GraphProto{Name: proto.String("test"), Node: []*onnxpb.NodeProto{c.node},
				Input: values("x:7x4 s:4 b:bool n:i64"), Output: values("y:7x4"),
				Initializer: []*onnxpb.TensorProto{
					internal.FromInt64s(nil, []int64{200}).Proto("M"), internal.Tensor{Type: internal.Bool, Raw: []byte{1}}.Proto("true"),
					internal.FromFloat32s([]int{4, 4}, make([]float32, 16)).Proto("W"), internal.FromFloat32s([]int{4, 4}, make([]float32, 16)).Proto("V"),
				}}}
		data, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		g, err := onnx.Decode(data, "")
		if err != nil {
			t.Fatal(name, err)
		}
		if macs, known := counted(t, g, func(*ir.Node) bool { return true }); macs != c.macs || known != c.known {
			t.Errorf("%s: %d MACs, known: %v; want %d, %v", name, macs, known, c.macs, c.known)
		}
	}
}

// values reads "x:7x4 c:bool".
func values(text string) []*onnxpb.ValueInfoProto {
	var out []*onnxpb.ValueInfoProto
	for _, f := range strings.Fields(text) {
		name, kind, _ := strings.Cut(f, ":")
		tensor := &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(int32(ir.Float32)), Shape: &onnxpb.TensorShapeProto{}}
		switch kind {
		case "i64":
			tensor.ElemType = proto.Int32(int32(ir.Int64))
		case "bool":
			tensor.ElemType = proto.Int32(int32(ir.Bool))
		default:
			for _, d := range strings.Split(kind, "x") {
				tensor.Shape.Dim = append(tensor.Shape.Dim, &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(d[0] - '0')}})
			}
		}
		out = append(out, &onnxpb.ValueInfoProto{Name: proto.String(name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{TensorType: tensor}}})
	}
	return out
}

// node reads "operands attr=number -> results"; "?inner" gives it the body of a product.
func node(kind, text string, attrs ...*onnxpb.AttributeProto) *onnxpb.NodeProto {
	n := &onnxpb.NodeProto{OpType: proto.String(kind), Attribute: attrs}
	if at := strings.LastIndexByte(kind, '.'); at >= 0 {
		n.Domain, n.OpType = proto.String(kind[:at]), proto.String(kind[at+1:])
	}
	results := false
	for _, f := range strings.Fields(text) {
		name, value, isAttr := strings.Cut(f, "=")
		switch {
		case f == "->":
			results = true
		case f == "?inner":
			n.Attribute = append(n.Attribute, graph("body", "i:i64 cc:bool hh:7x4", "cc zz", "MatMul hh W -> zz"))
		case isAttr:
			n.Attribute = append(n.Attribute, &onnxpb.AttributeProto{Name: proto.String(name), Type: onnxpb.AttributeProto_INT.Enum(), I: proto.Int64(int64(value[0] - '0'))})
		case results:
			n.Output = append(n.Output, f)
		default:
			n.Input = append(n.Input, strings.TrimPrefix(f, "_"))
		}
	}
	return n
}

func graph(attr, inputs, outputs string, nodes ...string) *onnxpb.AttributeProto {
	g := &onnxpb.GraphProto{Name: proto.String(attr), Input: values(inputs)}
	for _, text := range nodes {
		kind, rest, _ := strings.Cut(text, " ")
		g.Node = append(g.Node, node(kind, rest))
	}
	for _, name := range strings.Fields(outputs) {
		g.Output = append(g.Output, &onnxpb.ValueInfoProto{Name: proto.String(name)})
	}
	return &onnxpb.AttributeProto{Name: proto.String(attr), Type: onnxpb.AttributeProto_GRAPH.Enum(), G: g}
}
