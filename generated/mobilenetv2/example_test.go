package mobilenetv2_test

import (
	"fmt"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Every choice is a field whose type has only legal values; what is left out is as in the original.
func ExampleSubNet() {
	small := mobilenetv2.SubNet{
		Resolution: mobilenetv2.Resolution24,
		Stage2:     mobilenetv2.Stage2{Depth: mobilenetv2.Stage2Depth2},
	}
	fmt.Println(small)
	fmt.Println(small.MACs() < mobilenetv2.SubNet{}.MACs(), small.Params() < mobilenetv2.SubNet{}.Params())
	// Output:
	// resolution=24,stage2.depth=2
	// true true
}

// The text form is what commands and files use; mistakes are named.
func ExampleParseSubNet() {
	s, err := mobilenetv2.ParseSubNet("stage2.depth=2,resolution=24")
	fmt.Println(s, err)
	_, err = mobilenetv2.ParseSubNet("resolution=25")
	fmt.Println(err != nil)
	// Output:
	// resolution=24,stage2.depth=2 <nil>
	// true
}

// Build describes a SubNet to any Builder, such as nn.Tape, which records a graph.
func ExampleSubNet_Build() {
	graph, err := nn.Record(mobilenetv2.SubNet{Resolution: mobilenetv2.Resolution16}.Build)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(graph.Values[graph.Inputs[0]].Shape[1:], graph.Values[graph.Outputs[0]].Shape[1:])
	// Output: [1 16 16] [10]
}
