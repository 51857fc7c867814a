package gen

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// TestRenormalise folds the normalisations of a trained model and puts them back: the model computes the same, its normalisations are where they were,
// and their statistics are nearly those of its training.
func TestRenormalise(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	const model = "../generated/models/mobilenetv2.onnx"
	transform := data.Transform{Pad: 2, Mean: []float32{0.2860}, Std: []float32{0.3530}}
	train, err := data.Open("../generated/data/fashion-mnist", "train", data.Size{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := Network(model)
	if err != nil {
		t.Fatal(err)
	}
	w, err := onnxfile.Open(model)
	if err != nil {
		t.Fatal(err)
	}
	var folded bytes.Buffer
	if err := onnxfile.Write(&folded, g, w, onnxfile.WriteOptions{Opset: w.Opset, Fold: true}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]bool{model: false, "folded": true} {
		said := recognised(t, file, folded.Bytes())
		if got := strings.Contains(said, "do_constant_folding=False") && strings.Contains(said, "autotailor renormalise"); got != want {
			t.Errorf("init of %s says %q", file, said)
		}
	}
	got, count, err := Renormalise(folded.Bytes(), data.Source{Set: train, Transform: transform})
	if err != nil {
		t.Fatal(err)
	}
	if want := ofType(g, "BatchNormalization"); count != want {
		t.Errorf("%d normalisations, the original has %d", count, want)
	}
	x, err := transform.Batch(train, 0, 8, 32)
	if err != nil {
		t.Fatal(err)
	}
	before, after := scores(t, folded.Bytes(), x), scores(t, got, x)
	var diff, norm float64
	for k := range before {
		diff += math.Pow(float64(before[k]-after[k]), 2)
		norm += math.Pow(float64(before[k]), 2)
	}
	if d := math.Sqrt(diff / norm); d > 1e-5 {
		t.Errorf("the model's outputs have moved by %g", d)
	}
	if _, again, err := Renormalise(got, data.Source{Set: train, Transform: transform}); err == nil || again > 0 || !strings.Contains(err.Error(), "nothing to do") {
		t.Errorf("once more: %d normalisations, %v", again, err)
	}
}

// TestRenormaliseRefuses: what cannot be done is an error that says why.
func TestRenormaliseRefuses(t *testing.T) {
	if _, _, err := Renormalise([]byte("no model"), data.Source{Set: &data.Set{N: 1}}); err == nil {
		t.Error("text was taken for a model")
	}
	for name, m := range map[string]*onnxpb.ModelProto{
		"no graph":         {},
		"nothing in nodes": {Graph: &onnxpb.GraphProto{Node: []*onnxpb.NodeProto{{OpType: proto.String("BatchNormalization")}, {OpType: proto.String("Conv")}}}},
		"no input": {Graph: &onnxpb.GraphProto{
			Node: []*onnxpb.NodeProto{{OpType: proto.String("Conv"), Input: []string{"w", "w"}, Output: []string{"y"}}},
			Initializer: []*onnxpb.TensorProto{{
				Name: proto.String("w"), DataType: proto.Int32(1), Dims: []int64{1, 1, 1, 1}, RawData: make([]byte, 4),
			}},
			Output: []*onnxpb.ValueInfoProto{{Name: proto.String("y")}},
		}, OpsetImport: []*onnxpb.OperatorSetIdProto{{Version: proto.Int64(17)}}, IrVersion: proto.Int64(8)},
	} {
		file, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Renormalise(file, data.Source{Set: &data.Set{N: 1, Channels: 1, Height: 1, Width: 1, Pixels: make([]byte, 1), Labels: make([]int32, 1)}}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 8, 8})
		b.Output("y", b.Conv(x, nn.Conv{Name: "c", Weight: nn.Param{Name: "w", Shape: nn.Shape{4, 3, 1, 1}}, Kernel: []int{1, 1}}))
	})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := onnxfile.Write(&file, g, nn.MapWeights{"w": nn.FromFloat32s(nn.Shape{4, 3, 1, 1}, make([]float32, 12))}, onnxfile.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	grey := &data.Set{N: 1, Channels: 1, Height: 8, Width: 8, Pixels: make([]byte, 64), Labels: make([]int32, 1)}
	if _, _, err := Renormalise(file.Bytes(), data.Source{Set: grey}); err == nil || !strings.Contains(err.Error(), "channels") {
		t.Errorf("grey images for a model of colour: %v", err)
	}
	if _, _, err := Renormalise(file.Bytes(), data.Source{Set: &data.Set{Channels: 3}}); err == nil {
		t.Error("no images are enough")
	}
}

func ofType(g *nn.Graph, kind string) int {
	n := 0
	for i := range g.Nodes {
		if g.Nodes[i].Type == kind {
			n++
		}
	}
	return n
}

// scores runs a model in memory.
func scores(t *testing.T, model []byte, x nn.Tensor) []float32 {
	t.Helper()
	g, err := ParseNetwork(model)
	if err != nil {
		t.Fatal(err)
	}
	w, err := onnxfile.Parse(model)
	if err != nil {
		t.Fatal(err)
	}
	s, err := embedded.New(embedded.Options{}).Compile(g, w)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(x)
	if err != nil {
		t.Fatal(err)
	}
	return append([]float32(nil), out[0].Float32s()...)
}

// recognised is what a proposal for a model says to the user; "folded" stands for the given model.
func recognised(t *testing.T, file string, folded []byte) (said string) {
	t.Helper()
	dir := t.TempDir()
	if file == "folded" {
		file = filepath.Join(dir, "folded.onnx")
		if err := os.WriteFile(file, folded, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, _, err := Proposal{Model: file, Dir: dir, Package: "net", Note: func(text string) { said = text }}.Config()
	if err != nil {
		t.Fatal(err)
	}
	if (said != "") != bytes.Contains(text, []byte("# (with dynamo=True")) {
		t.Errorf("%s: the config's comment is another\n%s", file, text)
	}
	return said
}

// TestRenormaliseRows: rows do as well as pictures, here signals for convolutions along time; the model computes what it did.
func TestRenormaliseRows(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 8})
		b.Output("y", b.Conv(x, nn.Conv{Name: "c", Weight: nn.Param{Name: "w", Shape: nn.Shape{4, 3, 3}}, Bias: nn.Param{Name: "b", Shape: nn.Shape{4}}, Kernel: []int{3}}))
	})
	if err != nil {
		t.Fatal(err)
	}
	numbers := func(n int) []float32 {
		out := make([]float32, n)
		for i := range out {
			out[i] = float32(i*i%17)/8 - 1
		}
		return out
	}
	var file, rows bytes.Buffer
	weights := nn.MapWeights{"w": nn.FromFloat32s(nn.Shape{4, 3, 3}, numbers(36)), "b": nn.FromFloat32s(nn.Shape{4}, numbers(4))}
	if err := onnxfile.Write(&file, g, weights, onnxfile.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	const n = 20
	if err := binary.Write(&rows, binary.LittleEndian, numbers(n*3*8)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, raw := range map[string][]byte{"m.onnx": file.Bytes(), "data/train_x.npy": npy("<f4", []int{n, 3, 8}, rows.Bytes()), "autotailor.toml": []byte("model = \"m.onnx\"\ndata = { label = \"none\" }\n")} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700), os.WriteFile(filepath.Join(dir, name), raw, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	got, count, _, err := Job{Config: filepath.Join(dir, "autotailor.toml")}.Renormalise(filepath.Join(dir, "data"), n, 0)
	if err != nil || count != 1 {
		t.Fatalf("%d normalisations, %v", count, err)
	}
	x := nn.FromFloat32s(nn.Shape{2, 3, 8}, numbers(48))
	before, after := scores(t, file.Bytes(), x), scores(t, got, x)
	for k := range before {
		if math.Abs(float64(before[k]-after[k])) > 1e-5 {
			t.Errorf("output %d was %g, is %g", k, before[k], after[k])
		}
	}
}
