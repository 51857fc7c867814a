package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// filler computes a result that does not change when numbers of operands do so a little, so that there is no gradient: shapes, and what is made of them.
type filler func(in, out [][]float32)

// made is the operator whose filler for operands and results of some shapes is what of returns. Sizes, which results have as their shapes, have no
// elements.
func made(of func(n Node, in, out []nn.Shape) (filler, error)) Operator {
	return func(p *Plan, n Node) error {
		p.Engine.Mix() // as far as is known
		in, out := p.shapes(n.In), p.shapes(n.Out)
		if _, err := of(n, atBatch(in, 1), atBatch(out, 1)); err != nil {
			return err
		}
		var step Step
		for k, v := range n.In {
			if k == n.SizeOperand() {
				continue
			}
			x, err := p.Plainly(v)
			if err != nil {
				return err
			}
			step.In = append(step.In, x)
		}
		for _, v := range n.Out {
			step.Out = append(step.Out, p.ProducePlain(v))
		}
		step.Bind = func(b int) Run {
			fill, err := of(n, atBatch(in, b), atBatch(out, b))
			return func(_ *kernel.Team, in, out [][]float32) {
				if err == nil { // it was possible at batch 1, where operands are one number
					fill(in, out)
				}
			}
		}
		p.Engine.Emit(step)
		return nil
	}
}

// shapes are those of values, none of which is left out.
func (p *Plan) shapes(values []nn.Value) (list []nn.Shape) {
	for _, v := range values {
		list = append(list, p.Shape(v))
	}
	return list
}

func atBatch(shapes []nn.Shape, batch int) (list []nn.Shape) {
	for _, s := range shapes {
		list = append(list, At(s, batch))
	}
	return list
}

// constantOfShape repeats one number, zero where it states none. Its shape is that of its declared result.
func constantOfShape(n Node, _, _ []nn.Shape) (filler, error) {
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
func counted(_ Node, in, _ []nn.Shape) (filler, error) {
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

// eyeLike has ones on a diagonal.
func eyeLike(n Node, in, _ []nn.Shape) (filler, error) {
	if len(in[0]) != 2 {
		return nil, fmt.Errorf("an operand of shape %v is not a matrix", in[0])
	}
	width, k := in[0][1], n.Integer("k", 0)
	return func(_, out [][]float32) {
		for i := range out[0] {
			if out[0][i] = 0; i%width-i/width == k {
				out[0][i] = 1
			}
		}
	}, nil
}

// extentsOf are those of the operand.
func extentsOf(n Node, in, out []nn.Shape) (filler, error) {
	s := in[0]
	if n.Type == "Size" {
		s = nn.Shape{s.Count()}
	} else {
		clamp := func(v int) int { return max(0, min(len(s), v)) }
		from, to := n.Integer("start", 0), n.Integer("end", len(s))
		if from < 0 {
			from += len(s)
		}
		if to < 0 {
			to += len(s)
		}
		s = s[clamp(from):max(clamp(from), clamp(to))]
	}
	if len(s) != out[0].Count() {
		return nil, fmt.Errorf("an operand of shape %v does not have %v extents", in[0], out[0])
	}
	return func(_, out [][]float32) {
		for i, v := range s {
			out[0][i] = float32(v)
		}
	}, nil
}
