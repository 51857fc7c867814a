package view

import (
	"strings"

	runtime "github.com/autotailor/autotailor/runtime/supernet"
)

// ShapeList is a list of shapes of operands or results. Emitted code has each list once, with a name.
type ShapeList struct {
	Name string
	runtime.Shapes
}

// SetOps makes the table of operators from a sorted list. Operators with the same steps are one kernel. Their shapes are listed in order of first use. Number 0 means none.
func (p *Package) SetOps(ops []runtime.Op) error {
	t := &p.Table
	t.Ops = ops
	numbers := map[string]uint32{"": 0}
	t.Shapes = []ShapeList{{}}
	if p.scope == nil {
		p.scope = newScope()
	}
	for _, o := range t.Ops {
		var row [3]uint32
		for k, text := range []string{o.In, o.Params, o.Out} {
			n, ok := numbers[text]
			if !ok {
				list, err := runtime.ParseShapes(text)
				if err != nil {
					return err
				}
				n = uint32(len(t.Shapes))
				numbers[text] = n
				t.Shapes = append(t.Shapes, ShapeList{p.scope.first(shapesName(text)), list})
			}
			row[k] = n
		}
		last := len(t.Kernels) - 1
		if last < 0 || t.Kernels[last].Steps != o.Steps {
			t.Kernels = append(t.Kernels, runtime.Kernel{Steps: o.Steps})
			last++
		}
		t.Kernels[last].Rows = append(t.Kernels[last].Rows, runtime.Row{In: row[0], Params: row[1], Out: row[2], MACs: o.MACs})
	}
	return nil
}

// maxNamed is the number of shapes that a name spells out.
const maxNamed = 4

// shapesName is the name of shapes by their text: s1x3x224x224, or s32x3x3x3_32 for a weight and its bias.
func shapesName(text string) string {
	list := strings.Fields(strings.NewReplacer("()", "scalar", ":", "x").Replace(text))
	more := ""
	if len(list) > maxNamed {
		list, more = list[:maxNamed], "_etc"
	}
	return "s" + strings.Join(list, "_") + more
}
