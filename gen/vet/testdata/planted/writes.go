package planted

import (
	"flag"
	"slices"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/runtime/space"
)

func writes() {
	mobilenetv2.Resolution24 = mobilenetv2.Resolution28 // want `mobilenetv2.Resolution24 is changed here`
	p := &resnet50.Resolution24
	*p = resnet50.Resolution28            // want `resnet50.Resolution24 is changed here`
	change(&resnet50.Resolution20)        // want `the address of resnet50.Resolution20 is given away`
	kept.side = &mobilenetv2.Resolution28 // want `the address of mobilenetv2.Resolution28 is given away`

	mobilenetv2.Definition().Choices[0].Values[0] = "33" // want `the definition of package mobilenetv2 is changed here`
	net := resnet50.Definition()
	func() {
		net.Title = "mine" // want `the definition of package resnet50 is changed here`
	}()
	for _, c := range net.Choices {
		c.Values[0] = "0" // want `the definition of package resnet50 is changed here`
	}
	first := &net.Choices[0]
	first.Name = flag.Arg(0) // want `the definition of package resnet50 is changed here`
	mine := *net
	mine.Choices[0].Name = "mine"                              // want `the definition of package resnet50 is changed here`
	slices.SortFunc(net.Choices, func(a, b space.Choice) int { // want `the definition of package resnet50 is changed here`
		return len(a.Name) - len(b.Name)
	})
}

var kept struct{ side *mobilenetv2.Resolution }

func change(r *resnet50.Resolution) { *r = resnet50.Resolution32 }
