package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
)

// TestLargeModels: of a model whose weights are 2.6 GB in another file, the compiler reads none.
func TestLargeModels(t *testing.T) {
	needs.Time(t)
	for name, constants := range map[string]bool{"initializers": false, "constants": true} {
		t.Run(name, func(t *testing.T) {
			path, size := largeFile(t, 8192, 5, constants)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for _, args := range compiling(path) {
				code, _, errs := invoke(args...)
				if stale := args[0] == "gen" && strings.Contains(errs, "is stale"); code != 0 && !stale {
					t.Errorf("%v: exit code %d, %s", args, code, errs)
				}
			}
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 300<<20 {
				t.Errorf("%d bytes allocated for a model of %d", used, size)
			}
		})
	}
}

// compiling are the commands that read a model.
func compiling(model string) [][]string {
	toml := filepath.Join(filepath.Dir(model), "autotailor.toml")
	return [][]string{{"init", "--model", model, "--out", toml}, {"inspect", "--config", toml}, {"gen", "--config", toml, "--check"}}
}

// largeFile writes a large model, whose weights are a sparse file that takes no room, and returns its path and the size of those.
func largeFile(t *testing.T, width, blocks int64, constants bool) (path string, size int64) {
	t.Helper()
	dir := t.TempDir()
	data, size := largeModel(t, width, blocks, constants)
	path = filepath.Join(dir, "large.onnx")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "w.bin"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "w.bin"), size); err != nil {
		t.Skip("this system has no sparse files: ", err)
	}
	return path, size
}

// largeModel is a residual network whose weights lie in the file w.bin, and the size of that. Weights are initializers, or what Constant nodes make, as
// PyTorch writes models above 2 GB.
func largeModel(t *testing.T, width, blocks int64, constants bool) (data []byte, size int64) {
	t.Helper()
	text := proto.String
	g := &onnxpb.GraphProto{Name: text("g")}
	info := func(name string, dims ...int64) *onnxpb.ValueInfoProto {
		s := &onnxpb.TensorShapeProto{}
		for _, d := range dims {
			s.Dim = append(s.Dim, &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: d}})
		}
		return &onnxpb.ValueInfoProto{Name: text(name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
			TensorType: &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(1), Shape: s},
		}}}
	}
	node := func(op, out string, in ...string) string {
		g.Node = append(g.Node, &onnxpb.NodeProto{OpType: text(op), Name: text(out), Input: in, Output: []string{out}})
		return out
	}
	weight := func(name string, dims ...int64) string {
		bytes := int64(4)
		for _, d := range dims {
			bytes *= d
		}
		w := &onnxpb.TensorProto{
			Name: text(name), DataType: proto.Int32(1), Dims: dims, DataLocation: onnxpb.TensorProto_EXTERNAL.Enum(),
			ExternalData: []*onnxpb.StringStringEntryProto{
				{Key: text("location"), Value: text("w.bin")}, {Key: text("offset"), Value: text(fmt.Sprint(size))}, {Key: text("length"), Value: text(fmt.Sprint(bytes))},
			},
		}
		size += bytes
		if constants {
			a := &onnxpb.AttributeProto{Name: text("value"), Type: onnxpb.AttributeProto_TENSOR.Enum(), T: w}
			g.Node = append(g.Node, &onnxpb.NodeProto{OpType: text("Constant"), Output: []string{name}, Attribute: []*onnxpb.AttributeProto{a}})
			return name
		}
		g.Initializer = append(g.Initializer, w)
		return name
	}
	x := node("Conv", "stem", "x", weight("stem.weight", width, 3, 1, 1))
	for k := range blocks {
		name := func(part string) string { return fmt.Sprintf("block%d.%s", k, part) }
		inner := node("Relu", name("act"), node("Conv", name("in"), x, weight(name("in.weight"), width, width, 1, 1)))
		x = node("Add", name("sum"), x, node("Conv", name("out"), inner, weight(name("out.weight"), width, width, 1, 1)))
	}
	flat := node("Flatten", "flat", node("GlobalAveragePool", "pool", x))
	node("Gemm", "y", flat, weight("head.weight", width, 10), weight("head.bias", 10))
	g.Input, g.Output = []*onnxpb.ValueInfoProto{info("x", 1, 3, 8, 8)}, []*onnxpb.ValueInfoProto{info("y", 1, 10)}
	data, err := proto.Marshal(&onnxpb.ModelProto{IrVersion: proto.Int64(8), OpsetImport: []*onnxpb.OperatorSetIdProto{{Version: proto.Int64(17)}}, Graph: g})
	if err != nil {
		t.Fatal(err)
	}
	return data, size
}
