package gen_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// TestExternalWeights: a model whose weights lie beside it gives the package of the same model that has them in itself. LeViT's attention biases are
// among what the compiler reads.
func TestExternalWeights(t *testing.T) {
	for _, name := range []string{"levit", "mobilenetv3"} {
		config, inside := filepath.Join("..", "generated", name, "autotailor.toml"), filepath.Join("..", "generated", "models", name+".onnx")
		data, err := os.ReadFile(inside)
		if err != nil {
			t.Fatal(err)
		}
		outside := filepath.Join(t.TempDir(), name+".onnx")
		if err := os.WriteFile(outside, moved(t, data, filepath.Dir(outside)), 0o600); err != nil {
			t.Fatal(err)
		}
		want, err := gen.Job{Config: config, Model: inside}.Run()
		if err != nil {
			t.Fatal(err)
		}
		got, err := gen.Job{Config: config, Model: outside}.Run()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		was, is := sum(t, inside), sum(t, outside)
		same := strings.NewReplacer(is, was, is[:12], was[:12]) // the files differ, what is made of them does not
		for k, f := range want.Files {
			if g := got.Files[k]; g.Name != f.Name || unplaced(same.Replace(string(g.Data))) != unplaced(string(f.Data)) {
				t.Errorf("%s: %s differs when the weights are outside", name, f.Name)
			}
		}
	}
}

// unplaced leaves out where the self-test finds the model file.
func unplaced(code string) string {
	return regexp.MustCompile(`net\.Prove\("[^"]*"`).ReplaceAllString(code, "net.Prove(")
}

func sum(t *testing.T, path string) string {
	t.Helper()
	m, err := onnx.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return m.SHA256
}

// moved returns a model whose initializers lie in a file of the folder.
func moved(t *testing.T, data []byte, dir string) []byte {
	t.Helper()
	m, err := onnx.Unmarshal(data)
	if err != nil {
		t.Fatal(err)
	}
	var weights []byte
	for _, p := range m.GetGraph().GetInitializer() {
		entry := func(key string, v int) *onnxpb.StringStringEntryProto {
			return &onnxpb.StringStringEntryProto{Key: proto.String(key), Value: proto.String(strconv.Itoa(v))}
		}
		p.ExternalData = []*onnxpb.StringStringEntryProto{
			{Key: proto.String("location"), Value: proto.String("weights.bin")}, entry("offset", len(weights)), entry("length", len(p.RawData)),
		}
		weights = append(weights, p.RawData...)
		p.RawData, p.DataLocation = nil, onnxpb.TensorProto_EXTERNAL.Enum()
	}
	if err := os.WriteFile(filepath.Join(dir, "weights.bin"), weights, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestConstantsHaveOneName: whatever name the tensor of a Constant node has, compiler and runtime call it by the node's result. Exporters also write
// lists of numbers as attributes that are no tensors.
func TestConstantsHaveOneName(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "generated", "models", "mobilenetv3.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Unmarshal(data)
	if err != nil {
		t.Fatal(err)
	}
	var nodes []*onnxpb.NodeProto
	for k, p := range m.GetGraph().GetInitializer() {
		a := &onnxpb.AttributeProto{Name: proto.String("value"), Type: onnxpb.AttributeProto_TENSOR.Enum(), T: p}
		nodes = append(nodes, &onnxpb.NodeProto{OpType: proto.String("Constant"), Output: []string{p.GetName()}, Attribute: []*onnxpb.AttributeProto{a}})
		p.Name = proto.String("tensor" + strconv.Itoa(k))
		if len(p.GetDims()) == 1 && p.GetDataType() == int32(onnx.Float32) {
			a.Name, a.Type, a.T, a.Floats = proto.String("value_floats"), onnxpb.AttributeProto_FLOATS.Enum(), nil, onnx.Float32s(p.RawData)
		}
	}
	m.Graph.Node, m.Graph.Initializer = append(nodes, m.Graph.Node...), nil
	if data, err = proto.Marshal(m); err != nil {
		t.Fatal(err)
	}
	g, err := gen.ParseNetwork(data)
	if err != nil {
		t.Fatal(err)
	}
	w, err := onnxfile.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := nn.Fits(g, w); err != nil {
		t.Error(err)
	}
}
