package embedded_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
)

// graphOf is a graph inside of a node: lines such as "z = Add a b", of inputs and outputs of the given element types, such as "h:1".
func graphOf(attr string, inputs, outputs string, lines ...string) nn.Attr {
	g := &onnxpb.GraphProto{Name: proto.String(attr)}
	values := func(text string) (list []*onnxpb.ValueInfoProto) {
		for _, f := range strings.Fields(text) {
			name, kind, _ := strings.Cut(f, ":")
			t := &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(int32(kind[0] - '0'))}
			if name == "i" || name == "c" { // the trip's number and the condition are scalars
				t.Shape = &onnxpb.TensorShapeProto{}
			}
			list = append(list, &onnxpb.ValueInfoProto{Name: proto.String(name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{TensorType: t}}})
		}
		return list
	}
	g.Input, g.Output = values(inputs), values(outputs)
	for _, line := range lines {
		f := strings.Fields(line)
		n := &onnxpb.NodeProto{OpType: proto.String(f[2]), Name: proto.String(f[0]), Input: f[3:], Output: f[:1]}
		if strings.HasPrefix(f[2], "Reduce") {
			n.Attribute = []*onnxpb.AttributeProto{{Name: proto.String("keepdims"), Type: onnxpb.AttributeProto_INT.Enum(), I: proto.Int64(0)}}
		}
		g.Node = append(g.Node, n)
	}
	raw, err := proto.Marshal(&onnxpb.AttributeProto{Name: proto.String(attr), Type: onnxpb.AttributeProto_GRAPH.Enum(), G: g})
	if err != nil {
		return nn.Attr{}
	}
	return nn.Attr{Name: attr, Kind: nn.AttrGraph, Raw: raw}
}

func captures(names ...string) nn.Attr {
	return nn.Attr{Name: nn.Captures, Kind: nn.AttrStrings, Strings: names}
}

// trips is a number of them, which may be more than float32 has.
func (d *draw) trips(n uint64) nn.Value {
	return d.constant(nn.Int64, binary.LittleEndian.AppendUint64(nil, n))
}

// loop carries a value; its body reads a value and a parameter from outside. It ends after some trips, or when an element is large.
func loop(d *draw) []nn.Value {
	s := d.shape(2, 4)
	d.mixes = true
	x, y, w := d.input(s), d.input(s), d.b.Param(d.tensor(s[len(s)-1]))
	step := []string{"m = Mul h w", "t = Sigmoid m", "z = Add t y2"}
	yes := d.constant(nn.Bool, []byte{1})
	if d.coin() {
		body := graphOf("body", "i:7 c:9 h:1", "d:9 z:1", "m = Mul h w", "t = Sigmoid m", "y2 = Abs y", "u = Add t y2", "z = Add u h", "r = ReduceMax z", "d = Less r e")
		limit := d.b.Float(9)
		o := nn.Op{Type: "Loop", Attrs: []nn.Attr{captures("w", "y", "e"), body}, Types: []nn.DType{nn.Float32}}.Yields(s)
		return d.b.Op(o, one(d, nn.None, d.trips(1<<62), d.trips(4)), one(d, nn.None, yes), x, w, y, limit)
	}
	n := 1 + d.rng.IntN(4)
	body := graphOf("body", "i:7 c:9 h:1", "d:9 z:1 v:1", "y2 = Neg y", step[0], step[1], step[2], "d = Identity c", "v = Neg z")
	to := append(nn.Shape{n}, s...)
	o := nn.Op{Type: "Loop", Attrs: []nn.Attr{captures("w", "y"), body}, Outputs: 2, Types: []nn.DType{nn.Float32, nn.Float32}}.Yields(s, to)
	return d.b.Op(o, d.trips(uint64(n)), one(d, nn.None, yes), x, w, y)
}

// branches takes one of two graphs, by the mean of all elements.
func branches(d *draw) []nn.Value {
	s := d.shape(2, 4)
	d.mixes = true
	x, w := d.input(s), d.b.Param(d.tensor(s[len(s)-1]))
	mean := d.b.Op(nn.Op{Type: "ReduceMean", Attrs: []nn.Attr{integer("keepdims", 0)}}.Yields(nn.Shape{}), x)[0]
	condition := d.b.Op(nn.Op{Type: "Greater", Types: []nn.DType{nn.Bool}}.Yields(nn.Shape{}), mean, d.b.Float(0))[0]
	attrs := []nn.Attr{captures("x", "w"), graphOf("else_branch", "", "a:1", "a = Mul x w"), graphOf("then_branch", "", "a:1", "n = Neg x", "a = Add n w")}
	return d.b.Op(nn.Op{Type: "If", Attrs: attrs, Types: []nn.DType{nn.Float32}}.Yields(s), condition, x, w)
}

// TestMissingInside: operators that only a graph inside of a node has are named as well.
func TestMissingInside(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{1, 4})
		body := graphOf("body", "i:7 c:9 h:1", "c:9 z:1", "u = Unique h", "z = Relu u")
		o := nn.Op{Type: "Loop", Name: "l", Attrs: []nn.Attr{body}, Types: []nn.DType{nn.Float32}}.Yields(nn.Shape{1, 4})
		b.Output("y", b.Op(o, nn.None, nn.None, x)[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	e := embedded.New(embedded.Options{Threads: 1})
	if got := e.Missing(g); !slices.Equal(got, []string{"Unique"}) {
		t.Errorf("%v is missing", got)
	}
	if _, err := e.Compile(g, nn.MapWeights{}); err == nil || !strings.Contains(err.Error(), "Unique") {
		t.Errorf("%v does not name Unique", err)
	}
}
