// Package planted has mistakes, each with what the analyzer says of it.
package planted

import (
	"fmt"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/runtime/space"
)

const side = 26

func texts() error {
	a, err := mobilenetv2.ParseSubNet("resolution=25") // want `no SubNet of package mobilenetv2: subnet "resolution=25": choice "resolution": no value "25", want one of 32 28 24`
	if err != nil {
		return err
	}
	const text = "stage9.depth=" + "2"
	b, err := resnet50.ParseSubNet(text) // want `no SubNet of package resnet50: .* no choice "stage9.depth", did you mean stage1.depth or stage2.depth or stage3.depth`
	if err != nil {
		return err
	}
	if err := b.UnmarshalText([]byte("resolution:24")); err != nil { // want `no SubNet of package resnet50: .* want name=value`
		return err
	}
	net := resnet50.Definition()
	g, err := space.Parse(net.Choices, "resolution=24,resolution=28") // want `no SubNet of package resnet50: .* set to both 24 and 28`
	fmt.Println(a, b, g)
	return err
}
