package planted

import (
	_ "embed"
	"io"
	"strings"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

//go:embed board.lut
var board string

func tables(r io.Reader) error {
	t, err := lut.Read(r, mobilenetv2.Definition())
	if err != nil {
		return err
	}
	sum, err := t.Sum(resnet50.Definition()) // want `Sum gets a lut.Table of package mobilenetv2 beside a supernet.Net of package resnet50`
	if err != nil {
		return err
	}
	macs, err := mobilenetv2.Definition().MACs()
	if err != nil {
		return err
	}
	p := search.Problem{Choices: resnet50.Definition().Choices, Cost: macs, Penalty: sum} // want `Problem gets a space.Choice of package resnet50 beside a space.Sum of package mobilenetv2`
	smallest := make(space.Genes, len(p.Choices))
	println(space.Format(mobilenetv2.Definition().Choices, smallest))
	g, err := space.Parse(mobilenetv2.Definition().Choices, "resolution=24")
	if err != nil {
		return err
	}
	println(space.Format(resnet50.Definition().Choices, g))                  // want `Format gets a space.Choice of package resnet50 beside a space.Genes of package mobilenetv2`
	if _, err := mobilenetv2.ReadLUT(strings.NewReader(board)); err != nil { // want `mobilenetv2.ReadLUT gets a table of package resnet50`
		return err
	}
	if _, err := resnet50.ReadLUT(strings.NewReader(board)); err != nil { // want `resnet50.ReadLUT gets a table of another version of the package, with digest 000000000000`
		return err
	}
	_, err = resnet50.ReadAccuracy(strings.NewReader(board)) // want `resnet50.ReadAccuracy gets a file of another kind`
	return err
}
