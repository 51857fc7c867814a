package safetensors_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/torch"
	"github.com/autotailor/autotailor/runtime/deploy/safetensors"
	"github.com/autotailor/autotailor/runtime/nn"
)

// reader reads a file by the description of the format alone, with numpy, and prints what it has. It shares nothing with the writer.
const reader = `import json, struct, sys
import numpy
data = open(sys.argv[1], "rb").read()
(length,) = struct.unpack("<Q", data[:8])
header, body = json.loads(data[8:8 + length]), data[8 + length:]
kinds = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}
out, end = {"": header.pop("__metadata__")}, 0
for name, t in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
    begin, stop = t["data_offsets"]
    kind = numpy.dtype(kinds[t["dtype"]])
    assert begin == end and (8 + length + begin) % kind.itemsize == 0, name
    array, end = numpy.frombuffer(body[begin:stop], kind).reshape(t["shape"]), stop
    out[name] = [t["dtype"], list(array.shape), [float(v) for v in array.flatten()]]
assert end == len(body) and length % 8 == 0
json.dump(out, sys.stdout)
`

// read returns what the independent reader finds in a file.
func read(t *testing.T, file []byte) map[string]json.RawMessage {
	t.Helper()
	python := torch.Python(t) // PyTorch brings numpy
	path := filepath.Join(t.TempDir(), "a.safetensors")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), python, "-c", reader, path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]json.RawMessage
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// network is x*w + s with a matrix that is stored the other way round, of which it keeps two columns, a scalar, and a mask.
func network(t *testing.T) (*nn.Graph, nn.MapWeights) {
	t.Helper()
	g, err := nn.Record(func(b nn.Builder) {
		w := nn.Param{Name: "fc.weight", Shape: nn.Shape{3, 4}, Transposed: true}.Cut(1, 2)
		mask := b.Param(nn.Param{Name: "mask", Type: nn.Bool, Shape: nn.Shape{2}})
		y := b.MatMul(b.Input("x", nn.Float32, nn.Shape{1, 3}), b.Param(w))
		y = b.Add(y, b.Param(nn.Param{Name: "\u03b2", Shape: nn.Shape{}}))
		b.Output("y", b.Where(mask, y, b.Param(nn.Param{Name: "b", Shape: nn.Shape{2}})))
	})
	if err != nil {
		t.Fatal(err)
	}
	return g, nn.MapWeights{
		"fc.weight": nn.FromFloat32s(nn.Shape{4, 3}, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}),
		"b":         nn.FromFloat32s(nn.Shape{2}, []float32{0.5, 1e6}), // 1e6 is out of float16's range
		"\u03b2":    nn.FromFloat32s(nn.Shape{}, []float32{-0.25}),
		"mask":      {Type: nn.Bool, Shape: nn.Shape{2}, Raw: []byte{1, 0}},
		"unused":    nn.FromFloat32s(nn.Shape{1}, []float32{1}),
	}
}

func TestReadBack(t *testing.T) {
	g, w := network(t)
	for _, c := range []struct {
		half bool
		want map[string]string
	}{
		{false, map[string]string{
			"": `{"autotailor.subnet":"<a&b>"}`, "fc.weight": `["F32",[2,3],[1,2,3,4,5,6]]`, "b": `["F32",[2],[0.5,1000000]]`,
			"\u03b2": `["F32",[],[-0.25]]`, "mask": `["BOOL",[2],[1,0]]`,
		}},
		{true, map[string]string{
			"": `{"autotailor.subnet":"<a&b>"}`, "fc.weight": `["F16",[2,3],[1,2,3,4,5,6]]`, "b": `["F32",[2],[0.5,1000000]]`,
			"\u03b2": `["F16",[],[-0.25]]`, "mask": `["BOOL",[2],[1,0]]`,
		}},
	} {
		file, err := safetensors.Encode(g, w, map[string]string{"autotailor.subnet": "<a&b>"}, c.half)
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, file)
		for name, want := range c.want {
			if text := strings.ReplaceAll(strings.ReplaceAll(string(got[name]), " ", ""), ".0", ""); text != want {
				t.Errorf("half %v, %q: %s, want %s", c.half, name, text, want)
			}
			delete(got, name)
		}
		if len(got) > 0 {
			t.Errorf("half %v: also %v", c.half, got)
		}
		again, err := safetensors.Encode(g, w, map[string]string{"autotailor.subnet": "<a&b>"}, c.half)
		if err != nil || !slices.Equal(file, again) {
			t.Errorf("the same weights give another file, %v", err)
		}
	}
}

func TestMistakes(t *testing.T) {
	for name, want := range map[string]string{"__metadata__": "cannot have a tensor of that name", "complex": "no element type c64", "missing": "missing"} {
		g, err := nn.Record(func(b nn.Builder) {
			kind := map[string]nn.DType{"complex": 14}[name]
			b.Output("y", b.Op(nn.Op{Type: "Strange", Domain: "test", Shapes: []nn.Shape{{1}}}, b.Param(nn.Param{Name: name, Type: kind, Shape: nn.Shape{1}}))[0])
		})
		if err != nil {
			t.Fatal(err)
		}
		w := nn.MapWeights{"__metadata__": nn.FromFloat32s(nn.Shape{1}, []float32{1}), "complex": {Type: 14, Shape: nn.Shape{1}, Raw: make([]byte, 8)}}
		if _, err := safetensors.Encode(g, w, nil, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
