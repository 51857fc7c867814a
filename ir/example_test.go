package ir_test

import (
	"fmt"
	"log"

	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/testgraph"
	"github.com/autotailor/autotailor/templates"
)

// printer is a supernet.Builder that prints what it is told.
type printer struct{}

func (printer) Stage(s *supernet.Stage) { fmt.Println("stage", s.Index) }
func (printer) Skip(supernet.Item)      { fmt.Println("  (dropped)") }

func (printer) Item(it supernet.Item) {
	if it.Block != nil {
		fmt.Println(" ", it.Block.GoName)
	}
}

func (printer) Op(o *supernet.Op, a supernet.Active) {
	fmt.Print("    ", o.Node.Name, " = ", o.Node.Op)
	for k, shape := range a.In {
		if k > 0 {
			fmt.Print(" by")
		}
		fmt.Print(" ", shape)
	}
	if group, ok := a.Attrs["group"]; ok {
		fmt.Print(" in ", group[0], " groups")
	}
	fmt.Println()
}

// An inverted residual widens 8 channels to 48. The config offers ratios of 6 and 3, so the block has one choice. Transform binds the 48 channels
// to it; Update finds that the depthwise convolution, its groups and the projection follow; Build tells the SubNet with 24 of them.
func Example() {
	graph, err := testgraph.Parse(`
input x Nx8x14x14
wide = Conv x [48,8,1,1]
wide6 = Clip wide
deep = Conv wide6 [48,1,3,3] group=48 pads=1,1,1,1
deep6 = Clip deep
narrow = Conv deep6 [8,48,1,1]
sum = Add narrow x
output sum`)
	if err != nil {
		log.Fatal(err)
	}
	ratios := supernet.Var{Block: "InvertedResidual", Name: "expand", Values: supernet.Values{List: []float64{3, 6}}}
	net, err := supernet.Compile(graph, supernet.Config{Divisor: 8, DepthKeep: 1, Vars: []supernet.Var{ratios}}, templates.All())
	if err != nil {
		log.Fatal(err)
	}
	block := net.Stages[0].Blocks()[0]
	for _, g := range block.Feature(net).Choices {
		fmt.Println(net.Choices[g].Name, net.Choices[g].Candidates)
	}
	fmt.Println("the weight of deep is", net.Nodes[2].Feature(net).In[1])
	net.Build(printer{}, []uint8{1})
	// Output:
	// stage0.0.expand [6 3]
	// the weight of deep is [[48 24] over choices [0] 1 3 3]
	// stage 0
	//   InvertedResidual
	//     wide = Conv [1 8 14 14] by [24 8 1 1]
	//     wide6 = Clip [1 24 14 14]
	//     deep = Conv [1 24 14 14] by [24 1 3 3] in 24 groups
	//     deep6 = Clip [1 24 14 14]
	//     narrow = Conv [1 24 14 14] by [8 24 1 1]
	//     sum = Add [1 8 14 14] by [1 8 14 14]
}
