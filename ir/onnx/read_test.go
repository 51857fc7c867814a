package onnx

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/ir"
)

func relu(in, out string) *onnxpb.NodeProto { return node("Relu", []string{in}, []string{out}) }

// TestDamagedModels: whatever is wrong with a file is an error that says what and where.
func TestDamagedModels(t *testing.T) {
	edit := func(m *onnxpb.ModelProto, f func(*onnxpb.ModelProto)) *onnxpb.ModelProto { f(m); return m }
	huge := floats("w", []int64{50_000, 50_000})
	huge.FloatData, huge.RawData = nil, []byte{1, 2, 3, 4}
	overflow := floats("w", []int64{1 << 30, 1 << 30, 1 << 30})
	negative := floats("w", []int64{-3})
	unknown := floats("w", []int64{1}, 1)
	unknown.DataType = proto.Int32(99)
	external := floats("w", []int64{4})
	external.DataLocation = onnxpb.TensorProto_EXTERNAL.Enum()
	external.ExternalData = []*onnxpb.StringStringEntryProto{{Key: proto.String("location"), Value: proto.String("../../etc/passwd")}}
	withWeights := func(w *onnxpb.TensorProto) *onnxpb.ModelProto {
		return edit(model(node("Add", []string{"x", "w"}, []string{"y"})), func(m *onnxpb.ModelProto) { m.Graph.Initializer = []*onnxpb.TensorProto{w} })
	}
	for name, c := range map[string]struct {
		m    *onnxpb.ModelProto
		want []string
	}{
		"cycle":           {model(node("Add", []string{"x", "b"}, []string{"a"}), relu("a", "b"), relu("b", "y")), []string{"cycle", "Add_of_a"}},
		"missing operand": {model(relu("nowhere", "y")), []string{`"nowhere"`, "Relu_of_y"}},
		"made twice":      {model(relu("x", "y"), relu("x", "y")), []string{`"y" is defined twice`}},
		"missing output":  {model(relu("x", "z")), []string{`output "y"`}},
		"no outputs":      {edit(model(relu("x", "y")), func(m *onnxpb.ModelProto) { m.Graph.Output = nil }), []string{"no outputs"}},
		"no graph":        {edit(model(), func(m *onnxpb.ModelProto) { m.Graph = nil }), []string{"no graph"}},
		"old opset":       {edit(model(relu("x", "y")), func(m *onnxpb.ModelProto) { m.OpsetImport[0].Version = proto.Int64(5) }), []string{"opset 5", "version_converter"}},
		"no opset":        {edit(model(relu("x", "y")), func(m *onnxpb.ModelProto) { m.OpsetImport = nil }), []string{"opset"}},
		"10 GB":           {withWeights(huge), []string{`"w"`, "10000000000"}},
		"overflow":        {withWeights(overflow), []string{`"w"`, "not possible"}},
		"negative extent": {withWeights(negative), []string{`"w"`, "not possible"}},
		"element type":    {withWeights(unknown), []string{`"w"`, "element type"}},
		"outside":         {withWeights(external), []string{`"w"`, "not inside"}},
		"mixed types":     {edit(model(node("Add", []string{"x", "i"}, []string{"y"})), func(m *onnxpb.ModelProto) { m.Graph.Input = append(m.Graph.Input, info("i", 7, 1, 4)) }), []string{"Add_of_y", "i64"}},
		"wrong result":    {edit(model(relu("x", "y")), func(m *onnxpb.ModelProto) { m.Graph.Output[0] = info("y", 7, 1, 4) }), []string{"Relu_of_y", "i64"}},
		"several":         {model(relu("p", "a"), relu("q", "b")), []string{`"p"`, `"q"`, `output "y"`}},
		"attribute twice": {model(node("Flatten", []string{"x"}, []string{"y"}, intAttr("axis", 1), intAttr("axis", 0))), []string{`"axis"`, "twice"}},
	} {
		g, err := Decode(marshal(t, c.m), t.TempDir())
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q (graph %v)", name, err, want, g != nil)
			}
		}
	}
}

// TestClaimsDoNotAllocate: a file that claims 10 GB costs as much memory as it has bytes.
func TestClaimsDoNotAllocate(t *testing.T) {
	w := floats("w", []int64{50_000, 50_000})
	w.FloatData, w.RawData = nil, []byte{1, 2, 3, 4}
	m := model(node("Add", []string{"x", "w"}, []string{"y"}))
	m.Graph.Initializer = []*onnxpb.TensorProto{w}
	data := marshal(t, m)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Decode(data, ""); err == nil {
		t.Error("no error")
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes allocated", used)
	}
}

// TestTruncatedAndFlipped: every prefix, and every single flipped bit, of a real model's bytes ends in a graph or an error.
func TestTruncatedAndFlipped(t *testing.T) {
	m := model(node("Add", []string{"x", "w"}, []string{"a"}), relu("a", "y"))
	m.Graph.Initializer = []*onnxpb.TensorProto{floats("w", []int64{4}, 1, 2, 3, 4)}
	data := marshal(t, m)
	for n := range data {
		if g, err := Decode(data[:n], ""); err == nil && ir.Verify(g) != nil {
			t.Fatalf("the first %d bytes give a graph that is not valid", n)
		}
	}
	for bit := range 8 * len(data) {
		damaged := bytes.Clone(data)
		damaged[bit/8] ^= 1 << (bit % 8)
		if g, err := Decode(damaged, ""); err == nil && ir.Verify(g) != nil {
			t.Fatalf("bit %d flipped gives a graph that is not valid", bit)
		}
	}
}

// TestNodesAreSorted: exporters may write nodes in any order.
func TestNodesAreSorted(t *testing.T) {
	g, err := Decode(marshal(t, model(relu("b", "y"), relu("a", "b"), relu("x", "a"))), "")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range g.Nodes {
		names = append(names, n.Name)
	}
	if got := strings.Join(names, " "); got != "Relu_of_a Relu_of_b Relu_of_y" {
		t.Errorf("order %s", got)
	}
}

// TestFunctionsAreInlined: nested calls, attributes by reference and defaults.
func TestFunctionsAreInlined(t *testing.T) {
	call := func(op string, in, out []string, attrs ...*onnxpb.AttributeProto) *onnxpb.NodeProto {
		n := node(op, in, out, attrs...)
		n.Domain = proto.String("mine")
		return n
	}
	m := model(call("Outer", []string{"x"}, []string{"m"}, intAttr("axis", 0)), call("Outer", []string{"m"}, []string{"y"}))
	m.Functions = []*onnxpb.FunctionProto{
		{
			Name: proto.String("Outer"), Domain: proto.String("mine"), Input: []string{"a"}, Output: []string{"b"}, AttributeProto: []*onnxpb.AttributeProto{intAttr("axis", 1)},
			Node: []*onnxpb.NodeProto{relu("a", "t"), call("Inner", []string{"t"}, []string{"b"}, refAttr("axis", "axis"))},
		},
		{
			Name: proto.String("Inner"), Domain: proto.String("mine"), Input: []string{"p"}, Output: []string{"q"}, Attribute: []string{"axis"},
			Node: []*onnxpb.NodeProto{node("Softmax", []string{"p"}, []string{"q"}, refAttr("axis", "axis"))},
		},
	}
	g, err := Decode(marshal(t, m), "")
	if err != nil {
		t.Fatal(err)
	}
	var ops []string
	for _, n := range g.Nodes {
		ops = append(ops, n.Op)
	}
	if got := strings.Join(ops, " "); got != "Relu Softmax Relu Softmax" {
		t.Fatalf("nodes %s", got)
	}
	if a, b := g.Nodes[1].Int("axis", -1), g.Nodes[3].Int("axis", -1); a != 0 || b != 1 {
		t.Errorf("axes %d and %d, want 0 and the default 1", a, b)
	}
	m.Functions[1].Node[0] = call("Outer", []string{"p"}, []string{"q"})
	if _, err := Decode(marshal(t, m), ""); err == nil || !strings.Contains(err.Error(), "must not call themselves") {
		t.Errorf("recursion: %v", err)
	}
}

// TestExternalData reads weights from a file beside the model, and refuses one that is too short.
func TestExternalData(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "weights.bin"), []byte("....1234"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &onnxpb.TensorProto{Name: proto.String("w"), DataType: proto.Int32(1), Dims: []int64{1}, DataLocation: onnxpb.TensorProto_EXTERNAL.Enum()}
	set := func(offset string) *onnxpb.ModelProto {
		w.ExternalData = []*onnxpb.StringStringEntryProto{
			{Key: proto.String("location"), Value: proto.String("weights.bin")}, {Key: proto.String("offset"), Value: proto.String(offset)},
		}
		m := model(node("Add", []string{"x", "w"}, []string{"y"}))
		m.Graph.Initializer = []*onnxpb.TensorProto{w}
		return m
	}
	g, err := Decode(marshal(t, set("4")), dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(g.Values[g.Nodes[0].In[1]].Const.Raw); got != "1234" {
		t.Errorf("read %q", got)
	}
	if _, err := Decode(marshal(t, set("6")), dir); err == nil || !strings.Contains(err.Error(), "ends before") {
		t.Errorf("too short: %v", err)
	}
}

// FuzzDecode: bytes become a valid graph or an error, never a panic. The corpus has small models and damaged ones.
func FuzzDecode(f *testing.F) {
	f.Add(marshal(f, model(relu("x", "y"))))
	f.Add(marshal(f, model(node("Add", []string{"x", "b"}, []string{"a"}), relu("a", "b"), relu("b", "y"))))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := Decode(data, "")
		if err != nil {
			return
		}
		if err := ir.Verify(g); err != nil {
			t.Fatal(err)
		}
		if len(data) < 1<<16 {
			text := ir.Format(g)
			back, err := ir.Parse(text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if again := ir.Format(back); again != text {
				t.Fatalf("the text form does not round-trip:\n%s\n%s", text, again)
			}
		}
	})
}
