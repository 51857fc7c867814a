package main

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// Example_frozenAxis finds out why an axis is frozen. The model has three convolutions and, after the second one, an operator of a
// domain that autotailor does not know.
//
// `inspect` ends with the axes that no choice moves: the 24 output channels of conv2.weight are fixed, and node whiten is the reason.
// `inspect --why` shows all axes of that weight: the way that the freeze took, which weights it reached (conv3 reads the same
// channels), and that the other axis, the input channels, follows a choice.
// `gen --dump` shows the graph as the compiler saw it: whiten reads what conv2 makes. Teach the tool that operator (ir/op,
// ir/axis), or export the model without it, and the axis becomes elastic.
func Example_frozenAxis() {
	dir, err := os.MkdirTemp("", "frozen")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	model, config := filepath.Join(dir, "model.onnx"), filepath.Join(dir, "autotailor.toml")
	writeModel(model)
	if err := os.WriteFile(config, []byte("[var.stage_vars]\nwidth_mult = [0.5, 1]\n"), 0o600); err != nil {
		log.Fatal(err)
	}

	invokeAndPrint("inspect", "--config", config, "--model", model)
	invokeAndPrint("inspect", "--config", config, "--model", model, "--why", "conv2.weight")
	invokeAndPrint("gen", "--config", config, "--model", model, "--dump=after:drop-dead")
	// Output:
	// frozen axes (5)
	//   conv1.weight axis 1 (3): node image: is an input of the model
	//   conv2.weight axis 0 (24): node whiten: operator Whiten has no axis rule
	//   conv3.weight axis 0 (24): node whiten: makes it anew (Whiten)
	//   fc.weight axis 1 (10): node logits: is an output of the model
	//   image axis 3 (16): node Add: no smaller resolution: node "Add" (Add): operands have extents 16 and 14 on axis 2
	//
	// conv2.weight: parameter of node conv2 (Conv)
	//   axis 0 (24): frozen by whiten: operator Whiten has no axis rule
	//       by way of conv2 (Conv), Relu (Relu), whiten (Whiten)
	//       together with conv3.weight axis 1
	//   axis 1 (16): moved by stage0.width
	//       together with conv1.weight axis 0
	//   axis 2 (3): it is a window, which no choice of the config moves
	//   axis 3 (3): it is a window, which no choice of the config moves
	//
	// node "conv1" Conv (%1 %2) -> (%7 "conv1_output_0" f32) {"kernel_shape":ints=[3,3] "pads":ints=[1,1,1,1]}
	// node "conv2" Conv (%7 %3) -> (%8 "conv2_output_0" f32) {"kernel_shape":ints=[3,3] "pads":ints=[1,1,1,1]}
	// node "Relu" Relu (%8) -> (%9 "Relu_output_0" f32)
	// node "whiten" "com.example".Whiten (%9) -> (%10 "whiten_output_0" f32[?"batch",24,16,16])
	// node "conv3" Conv (%9 %4) -> (%11 "conv3_output_0" f32) {"kernel_shape":ints=[3,3] "pads":ints=[1,1,1,1]}
	// node "Add" Add (%10 %11) -> (%12 "Add_output_0" f32)
	// node "conv4" Conv (%12 %5) -> (%13 "conv4_output_0" f32) {"kernel_shape":ints=[3,3] "pads":ints=[1,1,1,1]}
	// node "pool" GlobalAveragePool (%13) -> (%14 "pool_output_0" f32)
	// node "Flatten" Flatten (%14) -> (%15 "Flatten_output_0" f32)
	// node "fc" MatMul (%15 %6) -> (%16 "logits" f32[?"batch",10])
}

// invokeAndPrint runs the tool and prints what matters here of its output.
func invokeAndPrint(args ...string) {
	code, out, errs := invoke(args...)
	if code != 0 {
		log.Fatal(errs)
	}
	switch i := strings.Index(out, "frozen axes"); {
	case i >= 0:
		out = out[i:]
	case strings.HasPrefix(out, "graph"):
		var nodes []string
		for _, line := range strings.Split(out, "\n") {
			if strings.HasPrefix(line, "node") {
				nodes = append(nodes, line)
			}
		}
		out = strings.Join(nodes, "\n") + "\n"
	}
	os.Stdout.WriteString(out + "\n")
}

func writeModel(path string) {
	conv := func(b nn.Builder, x nn.Value, name string, in, out int) nn.Value {
		return b.Conv(x, nn.Conv{Name: name, Weight: nn.Param{Name: name + ".weight", Shape: nn.Shape{out, in, 3, 3}}, Kernel: []int{3, 3}, Pads: []int{1, 1, 1, 1}})
	}
	g, err := nn.Record(func(b nn.Builder) {
		x := conv(b, b.Input("image", nn.Float32, nn.Shape{nn.Batch, 3, 16, 16}), "conv1", 3, 16)
		y := b.Act(conv(b, x, "conv2", 16, 24), nn.Relu())
		z := b.Op(nn.Op{Type: "Whiten", Domain: "com.example", Name: "whiten", Shapes: []nn.Shape{{nn.Batch, 24, 16, 16}}}, y)[0]
		y = b.Add(z, conv(b, y, "conv3", 24, 24))
		y = conv(b, y, "conv4", 24, 32)
		y = b.Flatten(b.Pool(y, nn.Pool{Name: "pool", Kind: nn.GlobalAverage}), 1)
		b.Output("logits", b.Linear(y, nn.Linear{Name: "fc", Weight: nn.Param{Name: "fc.weight", Shape: nn.Shape{32, 10}}}))
	})
	if err != nil {
		log.Fatal(err)
	}
	w := nn.MapWeights{}
	for _, v := range g.Values {
		if v.Param != nil {
			w[v.Param.Name] = nn.FromFloat32s(v.Param.Shape, make([]float32, v.Param.Shape.Count()))
		}
	}
	f, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	if err := onnxfile.Write(f, g, w, onnxfile.WriteOptions{Opset: 17}); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}

// TestWhyJSON: every axis is either moved or has a reason, and unknown names get a suggestion.
func TestWhyJSON(t *testing.T) {
	needs.Clone(t)
	code, out, errs := invoke("inspect", "--config", config, "--json", "--why", "21.weight")
	if code != 0 {
		t.Fatal(errs)
	}
	var list []supernet.Explanation
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || len(list[0].Axes) != 2 {
		t.Fatalf("%+v", list)
	}
	for _, a := range list[0].Axes {
		for _, p := range a.Parts {
			if (len(p.Choices) > 0) == (p.Why != "") {
				t.Errorf("axis %d: %+v", a.Axis, p)
			}
		}
	}
	if code, _, errs := invoke("inspect", "--config", config, "--why", "21.weigt"); code != 1 || !strings.Contains(errs, "did you mean 21.weight?") {
		t.Errorf("%d %s", code, errs)
	}
}

// TestInspectWhyNot asks what keeps regions of the MobileNetV2 from being blocks.
func TestInspectWhyNot(t *testing.T) {
	needs.Clone(t)
	code, out, errs := invoke("inspect", "--config", config, "--why-not", "InvertedResidual")
	if code != 0 || !strings.Contains(out, "it is one") || !strings.Contains(out, "node ") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	first, _, _ := strings.Cut(out, "\n")
	node := strings.TrimSuffix(strings.Fields(first)[0], ":")
	if code, one, errs := invoke("inspect", "--config", config, "--why-not", "InvertedResidual", "--at", node); code != 0 || one != first+"\n" {
		t.Errorf("%d\n%s%s, want %s", code, one, errs, first)
	}
	var list []supernet.WhyNot
	code, out, _ = invoke("inspect", "--config", config, "--why-not", "Bottleneck", "--json")
	if err := json.Unmarshal([]byte(out), &list); code != 0 || err != nil || len(list) == 0 || list[0].Reason == "" {
		t.Errorf("%d %v\n%s", code, err, out)
	}
	for args, want := range map[string]string{
		"--why-not Bottlenek":              "did you mean Bottleneck?",
		"--why-not Generic":                "blocks without a template",
		"--why-not Bottleneck --at nosuch": "has no node or value",
		"--at conv1":                       "--why-not",
		"--why-not Bottleneck --why x":     "ask one after the other",
	} {
		if code, _, errs := invoke(append([]string{"inspect", "--config", config}, strings.Fields(args)...)...); code == 0 || !strings.Contains(errs, want) {
			t.Errorf("%s: %d %s, want %q", args, code, errs, want)
		}
	}
}
