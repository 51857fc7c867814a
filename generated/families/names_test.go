package families_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/convnext"
	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/generated/levit"
	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/mobilenetv3"
	"github.com/autotailor/autotailor/generated/proxyless"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/generated/vit"
	"github.com/autotailor/autotailor/runtime/space"
)

// parsers read a SubNet of each family.
var parsers = map[string]func(text string) (any, error){
	"convnext":    reader(convnext.ParseSubNet),
	"levit":       reader(levit.ParseSubNet),
	"mobilenetv2": reader(mobilenetv2.ParseSubNet),
	"mobilenetv3": reader(mobilenetv3.ParseSubNet),
	"proxyless":   reader(proxyless.ParseSubNet),
	"resnet50":    reader(resnet50.ParseSubNet),
	"vit":         reader(vit.ParseSubNet),
}

func reader[S any](parse func(string) (S, error)) func(string) (any, error) {
	return func(text string) (any, error) { return parse(text) }
}

// TestTextFollowsGo sets each choice by its text and looks, by reflection, which field of the SubNet changed: Stage0.Blocks[1].Expand is
// stage0.1.expand.
func TestTextFollowsGo(t *testing.T) {
	for _, net := range families.All() {
		parse := parsers[net.Package]
		if parse == nil {
			t.Errorf("%s is no family of this test", net.Package)
			continue
		}
		for _, g := range space.Probes(net.Choices) {
			text := space.Format(net.Choices, g)
			s, err := parse(text)
			if err != nil {
				t.Errorf("%s: %v", net.Package, err)
				continue
			}
			paths := changed("", reflect.ValueOf(s))
			if len(paths) != 1 || text[:strings.IndexByte(text, '=')] != paths[0] {
				t.Errorf("%s: the text %s sets the fields %q", net.Package, text, paths)
			}
		}
	}
}

// changed lists the choices of a SubNet that are not the original's, as texts name them.
func changed(path string, v reflect.Value) []string {
	var out []string
	switch {
	case v.Kind() == reflect.Uint8 && v.Uint() != 0:
		return []string{path}
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			out = append(out, changed(fmt.Sprintf("%s.%d", path, i), v.Index(i))...)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			out = append(out, changed(join(path, v.Type().Field(i)), v.Field(i))...)
		}
	}
	return out
}

// join appends a field to a path. Blocks is a list; BlockN is a block of a stage whose blocks are of several types.
func join(path string, f reflect.StructField) string {
	name := strings.ToLower(f.Name)
	number, block := strings.CutPrefix(name, "block")
	switch {
	case !f.IsExported(), f.Name == "Blocks":
		return path
	case path == "":
		return name
	case block:
		return path + "." + number
	}
	return path + "." + name
}

// TestPlacesOfBlocks: the stage of every choice of a block says which of its blocks that is; version 1 named the choice after it.
func TestPlacesOfBlocks(t *testing.T) {
	for _, net := range families.All() {
		for _, c := range net.Choices {
			var stage, block int
			var kind string
			if n, _ := fmt.Sscanf(strings.ReplaceAll(c.Name, ".", " "), "stage%d %d %s", &stage, &block, &kind); n < 3 {
				continue
			}
			s, place := net.Stages[stage], block
			if s.Elastic != nil {
				place = s.Elastic[block]
			}
			if want := fmt.Sprintf("stage%d.%d.%s", stage, place, kind); place >= len(s.Blocks) || c.Was != want && (c.Was != "" || c.Name != want) {
				t.Errorf("%s: %s is block %d of %q, version 1 called it %q", net.Package, c.Name, place, s.Blocks, c.Was)
			}
		}
	}
}
