// Package right looks like the mistakes and has none.
package right

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

func texts(text string) error {
	if _, err := mobilenetv2.ParseSubNet("resolution=25"); err == nil { // asks
		return errors.New("25 is accepted")
	}
	for _, t := range []string{"original", text, "resolution=25"} {
		s, err := mobilenetv2.ParseSubNet(t)
		fmt.Println(s, err)
	}
	s, err := resnet50.ParseSubNet(" resolution=24 ,stage1.depth=2")
	fmt.Println(s, space.Format(resnet50.Definition().Choices, nil))
	return err
}

func reads() *resnet50.Resolution {
	p := &mobilenetv2.Resolution24
	fmt.Println(*p, p.Pixels())
	q := resnet50.Resolution24
	q = resnet50.Resolution28
	return &q
}

func copies() {
	mine := *resnet50.Definition()
	mine.Title = "mine"
	mine.Choices = slices.Clone(mine.Choices)
	mine.Choices[0].Name = "mine"
	choices := resnet50.Definition().Choices
	if len(mine.Choices) > 1 {
		choices = slices.Clone(choices)
	}
	choices[0].Name = "mine"
	values := []string{}
	for _, c := range resnet50.Definition().Choices {
		c.Name = "mine"
		values = append(values, c.Values[0])
	}
	values[0] = "0"
	net := &supernet.Net{Choices: values2(values)}
	net.Choices[0].Values[0] = "1"
}

func values2(v []string) []space.Choice { return []space.Choice{{Name: "a", Values: v}} }

func tables(r io.Reader) error {
	for _, net := range []*supernet.Net{mobilenetv2.Definition(), resnet50.Definition()} {
		t, err := lut.Read(r, net)
		if err != nil {
			return err
		}
		if err := t.Match(resnet50.Definition()); err != nil {
			return err
		}
		sum, err := t.Sum(net)
		if err != nil {
			return err
		}
		fmt.Println(search.Problem{Choices: net.Choices, Cost: sum})
	}
	old, err := lut.Read(r, mobilenetv2.Definition())
	if err != nil {
		return err
	}
	t, missing := lut.Migrate(old, resnet50.Definition())
	fmt.Println(t, missing)
	_, err = resnet50.ReadLUT(strings.NewReader("no table"))
	return err
}
