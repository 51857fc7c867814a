package onnxfile_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// net uses everything that the writer turns from attributes into operands.
func net(b nn.Builder) {
	x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 8, 8})
	p := func(name string, shape ...int) nn.Param { return nn.Param{Name: name, Shape: shape} }
	y := b.Conv(x, nn.Conv{Name: "c1", Weight: p("c1.w", 8, 3, 3, 3), Kernel: []int{3, 3}, Pads: []int{1, 1, 1, 1}})
	y = b.BatchNorm(y, nn.BatchNorm{Name: "n1", Scale: p("n1.s", 8), Bias: p("n1.b", 8), Mean: p("n1.m", 8), Var: p("n1.v", 8), Epsilon: 1e-3})
	y = b.Act(y, nn.Clip(0, 6))
	y = b.Conv(y, nn.Conv{Name: "c2", Weight: p("c2.w", 8, 1, 3, 3), Bias: p("c2.b", 8), Kernel: []int{3, 3}, Groups: 8, Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}})
	y = b.BatchNorm(y, nn.BatchNorm{Name: "n2", Scale: p("n2.s", 8), Bias: p("n2.b", 8), Mean: p("n2.m", 8), Var: p("n2.v", 8), Epsilon: 1e-5})
	parts := b.Split(y, 1, 3, 5)
	y = b.Concat(1, b.Act(parts[1], nn.Sigmoid()), parts[0])
	y = b.Mean(y, true, 2, 3)
	y = b.Reshape(y, nn.Shape{nn.Batch, 8})
	b.Output("y", b.Linear(y, nn.Linear{Name: "fc", Weight: p("fc.w", 5, 8), Bias: p("fc.b", 5), TransB: true}))
}

func record(t *testing.T) *nn.Graph {
	t.Helper()
	g, err := nn.Record(net)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// weights are made up; variances are positive.
func weights(g *nn.Graph) nn.MapWeights {
	w := nn.MapWeights{}
	for _, i := range g.Values {
		if i.Param == nil {
			continue
		}
		v := make([]float32, i.Param.Shape.Count())
		for k := range v {
			v[k] = float32(math.Sin(float64(k*7+len(i.Name)*3))) + 1.2
		}
		w[i.Param.Source()] = nn.FromFloat32s(i.Param.Shape, v)
	}
	return w
}

func run(t *testing.T, e engine.Engine, g *nn.Graph, w nn.Weights) []float32 {
	t.Helper()
	s, err := e.Compile(g, w)
	if err != nil {
		t.Fatal(err)
	}
	in := make([]float32, 2*3*8*8)
	for i := range in {
		in[i] = float32(math.Cos(float64(i)))
	}
	out, err := s.Run(nn.FromFloat32s(nn.Shape{2, 3, 8, 8}, in))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(out[0].Float32s())
}

func near(a, b []float32) bool {
	var diff, norm float64
	for i := range a {
		diff += math.Pow(float64(a[i])-float64(b[i]), 2)
		norm += math.Pow(float64(a[i]), 2)
	}
	return len(a) == len(b) && diff <= 1e-10*norm
}

// TestFoldBatchNorm: the folded network computes the same, without normalisations.
func TestFoldBatchNorm(t *testing.T) {
	g := record(t)
	w := weights(g)
	folded, fw, err := nn.FoldBatchNorm(g, w)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range folded.Nodes {
		if n.Type == "BatchNormalization" {
			t.Errorf("node %q is left", n.Name)
		}
	}
	e := embedded.New(embedded.Options{})
	if a, b := run(t, e, g, w), run(t, e, folded, fw); !near(a, b) {
		t.Errorf("%v, folded %v", a, b)
	}
}

// TestOpsets: the same network in every opset computes the same in ONNX Runtime as in the embedded engine.
func TestOpsets(t *testing.T) {
	lib, err := ort.Find()
	if err != nil {
		t.Skip("ONNX Runtime is the oracle of this test: ", err)
	}
	oracle, err := ort.New(lib, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	g := record(t)
	w := weights(g)
	want := run(t, embedded.New(embedded.Options{}), g, w)
	for opset := 13; opset <= 22; opset++ {
		path := filepath.Join(t.TempDir(), "net.onnx")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := onnxfile.Write(f, g, w, onnxfile.WriteOptions{Opset: opset}); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		s, err := oracle.OpenModel(path)
		if err != nil {
			t.Errorf("opset %d: %v", opset, err)
			continue
		}
		in := make([]float32, 2*3*8*8)
		for i := range in {
			in[i] = float32(math.Cos(float64(i)))
		}
		out, err := s.Run(nn.FromFloat32s(nn.Shape{2, 3, 8, 8}, in))
		if err != nil || !near(want, out[0].Float32s()) {
			t.Errorf("opset %d: %v", opset, err)
		}
	}
}

// TestRoundTrip: weights, names and metadata come back.
func TestRoundTrip(t *testing.T) {
	g := record(t)
	w := weights(g)
	var b bytes.Buffer
	if err := onnxfile.Write(&b, g, w, onnxfile.WriteOptions{Opset: 17, Metadata: map[string]string{"who": "me"}}); err != nil {
		t.Fatal(err)
	}
	m, err := onnxfile.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if m.Opset != 17 || m.Metadata["who"] != "me" || m.Producer != "autotailor" {
		t.Errorf("opset %d, metadata %v, producer %s", m.Opset, m.Metadata, m.Producer)
	}
	for name, want := range w {
		got, err := m.Tensor(name)
		if err != nil || !bytes.Equal(got.Raw, want.Raw) || !slices.Equal(got.Shape, want.Shape) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var again bytes.Buffer
	if err := onnxfile.Write(&again, g, nn.Overlay(m, nil), onnxfile.WriteOptions{Opset: 17}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Bytes(), b.Bytes()) {
		t.Error("writing what was read gives another file, or loses the metadata")
	}
	if _, err := m.Tensor("nothing"); err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("a missing tensor: %v", err)
	}
}

// TestExternalWeights: data beside the model is read, outside of its folder never.
func TestExternalWeights(t *testing.T) {
	dir := t.TempDir()
	model := func(location string) string {
		p := &onnxpb.TensorProto{
			Name: proto.String("w"), DataType: proto.Int32(1), Dims: []int64{1}, DataLocation: onnxpb.TensorProto_EXTERNAL.Enum(),
			ExternalData: []*onnxpb.StringStringEntryProto{{Key: proto.String("location"), Value: proto.String(location)}},
		}
		data, err := proto.Marshal(&onnxpb.ModelProto{Graph: &onnxpb.GraphProto{Initializer: []*onnxpb.TensorProto{p}}})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "inner", "m.onnx")
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, text := range map[string]string{"inner/w.bin": "1234", "secret": "5678", "inner/short": "12"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for location, ok := range map[string]bool{"w.bin": true, "../secret": false, "short": false, "none": false, filepath.Join(dir, "secret"): false} {
		m, err := onnxfile.Open(model(location))
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Tensor("w")
		if ok != (err == nil) || ok && string(got.Raw) != "1234" {
			t.Errorf("%s: %q, %v", location, got.Raw, err)
		}
	}
}
