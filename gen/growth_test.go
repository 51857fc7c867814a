package gen

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
)

// grown writes graphs of a size.
type grown struct {
	graph *onnxpb.GraphProto
	at    string // the last value
}

func (g *grown) node(kind string, in ...string) string {
	g.at = fmt.Sprintf("v%d", len(g.graph.Node))
	g.graph.Node = append(g.graph.Node, &onnxpb.NodeProto{OpType: &kind, Name: proto.String("n" + g.at), Input: in, Output: []string{g.at}})
	return g.at
}

// weight makes a convolution's weight of n to n channels.
func (g *grown) weight(out, in int) string {
	raw := make([]byte, 4*out*in)
	for i := range out * in {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(float32(i%7)-3))
	}
	name := fmt.Sprintf("w%d", len(g.graph.Initializer))
	g.graph.Initializer = append(g.graph.Initializer, &onnxpb.TensorProto{Name: &name, DataType: proto.Int32(1), Dims: []int64{int64(out), int64(in), 1, 1}, RawData: raw})
	return name
}

// forms are what grows: n is about the number of nodes.
var forms = map[string]func(g *grown, n int){
	"convolutions": func(g *grown, n int) {
		for range n / 2 {
			g.node("Relu", g.node("Conv", g.at, g.weight(8, 8)))
		}
	},
	"residual blocks": func(g *grown, n int) {
		for range n / 4 {
			x := g.at
			g.node("Add", g.node("Conv", g.node("Relu", g.node("Conv", x, g.weight(8, 8))), g.weight(8, 8)), x)
		}
	},
	"identities": func(g *grown, n int) {
		for range n / 2 {
			g.node("Identity", g.node("Relu", g.at))
		}
	},
	"stages": func(g *grown, n int) {
		for range n / 4 {
			g.node("Conv", g.node("Relu", g.node("Conv", g.at, g.weight(16, 8))), g.weight(8, 16))
		}
	},
	"branches": func(g *grown, n int) {
		var list []string
		for range n {
			list = append(list, g.node("Conv", "x", g.weight(8, 8)))
		}
		g.node("Sum", list...)
	},
	"long-lived values": func(g *grown, n int) {
		var list []string
		for range n / 2 {
			list = append(list, g.node("Conv", "x", g.weight(8, 8)))
		}
		for _, v := range list[1:] {
			g.node("Add", g.at, v)
		}
	},
	"outputs": func(g *grown, n int) {
		for range n {
			g.node("Relu", g.at)
			g.graph.Output = append(g.graph.Output, &onnxpb.ValueInfoProto{Name: proto.String(g.at)})
		}
	},
}

// TestCostGrowsLinearly: a network of twice the size takes about twice the memory to propose a config for, to compile and to print. Time is not
// measured: it tells more of the machine.
func TestCostGrowsLinearly(t *testing.T) {
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			one, two := spent(t, form, 1000), spent(t, form, 2000)
			if two > one*5/2 {
				t.Errorf("%d bytes are allocated for 1000 nodes, %d for 2000", one, two)
			}
		})
	}
}

// spent tells how much a form of a size has allocated when its package is printed, which stays the same.
func spent(t *testing.T, form func(g *grown, n int), n int) uint64 {
	t.Helper()
	value := func(name string) *onnxpb.ValueInfoProto {
		shape := &onnxpb.TensorShapeProto{}
		for _, d := range []int64{1, 8, 4, 4} {
			shape.Dim = append(shape.Dim, &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: d}})
		}
		of := &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(1), Shape: shape}
		return &onnxpb.ValueInfoProto{Name: &name, Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{TensorType: of}}}
	}
	g := &grown{&onnxpb.GraphProto{Name: proto.String("g"), Input: []*onnxpb.ValueInfoProto{value("x")}}, "x"}
	if form(g, n); g.graph.Output == nil {
		g.graph.Output = []*onnxpb.ValueInfoProto{value(g.at)}
	}
	for _, o := range g.graph.Output {
		o.Type = value("").Type
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "m.onnx")
	data, err := proto.Marshal(&onnxpb.ModelProto{IrVersion: proto.Int64(8), OpsetImport: []*onnxpb.OperatorSetIdProto{{Version: proto.Int64(17)}}, Graph: g.graph})
	if err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	text, _, err := Proposal{Model: path, Dir: dir, Package: "m"}.Config()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "autotailor.toml"), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Job{Config: filepath.Join(dir, "autotailor.toml")}).Run(); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
