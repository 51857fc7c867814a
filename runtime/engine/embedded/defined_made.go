package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/nn"
)

// constantOfShape repeats one number, zero where it states none. Its shape is that of its declared result.
func constantOfShape(n node, _, _ []nn.Shape) (loop, error) {
	number := float32(0)
	if a, ok := n.Attr("value"); ok {
		list := nn.Tensor{Type: nn.DType(a.Int), Shape: nn.Shape{1}, Raw: a.Raw}.Numbers()
		if len(list) != 1 {
			return nil, fmt.Errorf("its value has %d elements, 1 is wanted", len(list))
		}
		number = float32(list[0])
	}
	return func(_, out [][]float32) {
		for i := range out[0] {
			out[0][i] = number
		}
	}, nil
}

// counted lists numbers from the first one on, at one distance.
func counted(_ node, in, _ []nn.Shape) (loop, error) {
	for _, s := range in {
		if s.Count() != 1 {
			return nil, fmt.Errorf("an operand of shape %v, one number is wanted", s)
		}
	}
	return func(in, out [][]float32) {
		for i := range out[0] {
			out[0][i] = in[0][0] + float32(i)*in[2][0]
		}
	}, nil
}
