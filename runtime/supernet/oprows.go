package supernet

import (
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Shapes are the shapes and element types of some values, such as an operator's data inputs.
type Shapes struct {
	Dims  []nn.Shape
	Types []nn.DType // nil when all are float32
}

// String writes them as the fields of an Op have them.
func (s Shapes) String() string {
	texts := make([]string, len(s.Dims))
	for k, d := range s.Dims {
		t := nn.Float32
		if s.Types != nil {
			t = s.Types[k]
		}
		texts[k] = shapeText(t, d)
	}
	return strings.Join(texts, " ")
}

// ParseShapes is the inverse of String.
func ParseShapes(text string) (Shapes, error) {
	dims, types, err := parseShapes(text)
	for _, t := range types {
		if t != nn.Float32 {
			return Shapes{dims, types}, err
		}
	}
	return Shapes{Dims: dims}, err
}

// Kernel is operators with the same steps, which differ in shapes.
type Kernel struct {
	Steps string // see Op
	Rows  []Row
}

// Row is one operator of a Kernel. Its shapes are positions in a list of Shapes, whose first element has none.
type Row struct {
	In, Params, Out uint32
	MACs            int64
}

// Ops lists the operators of kernels, in order. Generated packages hold their operators as kernels, which compile fast and read well.
func Ops(shapes []Shapes, kernels []Kernel) []Op {
	texts := make([]string, len(shapes))
	for k, s := range shapes {
		texts[k] = s.String()
	}
	var out []Op
	for _, k := range kernels {
		for _, r := range k.Rows {
			out = append(out, Op{Steps: k.Steps, In: texts[r.In], Params: texts[r.Params], Out: texts[r.Out], MACs: r.MACs})
		}
	}
	return out
}
