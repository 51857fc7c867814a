package ort

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/runtime/nn"
)

// profileOf writes a profile as the library does: one kernel a line, "name kind microseconds", the first run apart.
func profileOf(runs ...string) []byte {
	var events []string
	for _, run := range runs {
		for _, line := range strings.Split(run, "\n") {
			var name, kind string
			var us int
			if n, _ := fmt.Sscan(line, &name, &kind, &us); n == 3 {
				events = append(events, fmt.Sprintf(`{"cat":"Node","name":"%s_kernel_time","dur":%d,"args":{"op_name":"%s"}}`, name, us, kind))
			}
		}
		events = append(events, `{"cat":"Session","name":"model_run","dur":1,"args":{}}`)
	}
	return []byte("[" + strings.Join(events, ",\n") + "]")
}

// TestAttribute: kernels lead back to nodes by the names that the library makes, and those without a node to a boundary.
func TestAttribute(t *testing.T) {
	g := &nn.Graph{}
	for _, kind := range []string{"Conv", "Relu", "GlobalAveragePool", "Conv", "HardSigmoid", "Mul", "Conv", "MatMul", "Add", "Add", "LayerNormalization", "Relu"} {
		g.Nodes = append(g.Nodes, nn.Node{Type: kind})
	}
	const run = `
		t1_0_nchwc Conv 10
		t2_0_nchwc GlobalAveragePool 3
		t4_0_nchwc Conv 4
		ReorderOutput_token_7 ReorderOutput 1
		ReorderOutput ReorderOutput 2
		n5_ Mul 5
		ReorderInput ReorderInput 6
		t6_0_nchwc Conv 7
		ReorderOutput_token_8 ReorderOutput 9
		gemm_input_reshape Reshape 1
		n7_/MatMulAddFusion Gemm 30
		gemm_output_reshape_token_3 Reshape 2
		SkipLayerNormalization SkipLayerNormalization 8
		n11_ Relu 0`
	list, err := parseProfile(profileOf(run, run, run))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range attribute(g, list) {
		text := fmt.Sprintf("%s %d", k.Type, k.Node)
		if k.Layout {
			text += " layout"
		}
		got = append(got, text)
		if len(k.Times) != 2 {
			t.Errorf("%s has %d times, want those of all runs but the first", text, len(k.Times))
		}
	}
	want := "Conv 1, GlobalAveragePool 2, Conv 4, ReorderOutput 5 layout, ReorderOutput 5 layout, Mul 5, ReorderInput 5 layout, Conv 6, ReorderOutput 7 layout, " +
		"Reshape 7 layout, Gemm 7, Reshape 7 layout, SkipLayerNormalization 10, Relu 11"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if d := list[0].times[0]; d != 10*time.Microsecond+tick {
		t.Errorf("10 cut microseconds are %v", d)
	}
}

// TestParseProfileRefuses what is no profile of equal runs.
func TestParseProfileRefuses(t *testing.T) {
	const a = "n0_ Relu 1\nn1_ Relu 2"
	for name, data := range map[string][]byte{
		"no JSON":        []byte("[{"),
		"another kernel": profileOf(a, "n0_ Relu 1\nn2_ Relu 2"),
		"more kernels":   profileOf(a, a+"\nn2_ Relu 2"),
		"fewer kernels":  profileOf(a, "n0_ Relu 1", a),
		"negative time":  profileOf(a, "n0_ Relu 1\nn1_ Relu -2"),
	} {
		if list, err := parseProfile(data); err == nil {
			t.Errorf("%s: no error, %v", name, list)
		}
	}
}

// FuzzParseProfile: no profile makes it panic, and every kernel leads to a node.
func FuzzParseProfile(f *testing.F) {
	f.Add(profileOf("n0_ Relu 1\nReorderInput ReorderInput 2", "n0_ Relu 1\nReorderInput ReorderInput 2"))
	f.Add(profileOf("t9_0_nchwc Conv 1\nn1_ Relu 2"))
	f.Add([]byte(`[{"cat":"Node","name":"n99999999999999999999_kernel_time"}]`))
	g := &nn.Graph{Nodes: []nn.Node{{Type: "Conv"}, {Type: "Relu"}}}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseProfile(data)
		if err != nil {
			return
		}
		for _, k := range attribute(g, list) {
			if k.Node < 0 || k.Node >= len(g.Nodes) {
				t.Fatalf("kernel %+v", k)
			}
		}
	})
}
