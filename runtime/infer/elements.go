package infer

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Of is what is known of a tensor. The elements of a large one are not followed.
func Of(t nn.Tensor) Value {
	v := Value{Type: t.Type, Shape: t.Shape}
	n, err := product(t.Shape)
	size := int64(t.Type.Bytes())
	if within(t.Shape) != nil || err != nil || n > maxKnown || size == 0 || n*size != int64(len(t.Raw)) {
		return v
	}
	if t.Type == nn.Float32 {
		v.Floats = make([]float32, 0, n)
		for b := t.Raw; len(b) > 0; b = b[4:] {
			v.Floats = append(v.Floats, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
		return v
	}
	read := readers[t.Type]
	if read == nil {
		return v
	}
	v.Ints = make([]int64, 0, n)
	for b := t.Raw; len(b) > 0; b = b[size:] {
		v.Ints = append(v.Ints, read(b))
	}
	return v
}

// readers read one element of an integer type.
var readers = map[nn.DType]func(b []byte) int64{
	nn.Bool:  func(b []byte) int64 { return int64(b[0]) },
	nn.Uint8: func(b []byte) int64 { return int64(b[0]) },
	nn.Int8:  func(b []byte) int64 { return int64(int8(b[0])) },
	nn.Int32: func(b []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(b))) },
	nn.Int64: func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) },
}

// elements has what operators do to the elements of small lists of integers: exporters compute shapes with them. They run after the shapes
// of the results are known, and leave elements unknown where they must.
var elements = map[string]func(c *call){
	"Identity":  keepElements,
	"Reshape":   keepElements,
	"Squeeze":   keepElements,
	"Unsqueeze": keepElements,
	"Cast":      castElements,
	"Gather":    gatherElementsOf,
	"Slice":     sliceElements,
	"Concat":    joinElements,
	"Split":     splitElements,
	"Expand":    repeatElements,

	"Add":   pairs(plus),
	"Sub":   pairs(minus),
	"Mul":   pairs(times),
	"Div":   pairs(quotient),
	"Equal": pairs(func(a, b int64) (int64, bool) { return truth(a == b), true }),
	"Where": whereElements,

	"ConstantOfShape": filled,
	"Range":           counted,
	"Shape":           shapeElements,
	"Size":            sizeElements,
}

func minus(a, b int64) (int64, bool) {
	v := a - b
	return v, (v < a) == (b > 0)
}

// quotient is known where rounding down and towards zero agree: runtimes do not.
func quotient(a, b int64) (int64, bool) {
	if a < 0 || b < 1 {
		return 0, false
	}
	return a / b, true
}

func truth(ok bool) int64 {
	if ok {
		return 1
	}
	return 0
}

func keepElements(c *call) { c.out[0].Ints, c.out[0].Floats = c.in[0].Ints, c.in[0].Floats }

func castElements(c *call) {
	switch to := c.out[0].Type; {
	case to == c.in[0].Type:
		keepElements(c)
	case to == nn.Int64 || to == nn.Int32 && fit(c.in[0].Ints):
		c.out[0].Ints = c.in[0].Ints
	}
}

// fit tells whether numbers are int32s.
func fit(list []int64) bool {
	return !slices.ContainsFunc(list, func(v int64) bool { return v != int64(int32(v)) })
}

// flat tells whether the node's operands from k on are single numbers or lists whose elements are known.
func (c *call) flat(k int) bool {
	for ; k < len(c.in); k++ {
		if c.has(k) && (c.in[k].Ints == nil || len(c.in[k].Shape) > 1) {
			return false
		}
	}
	return true
}

func gatherElementsOf(c *call) {
	x, index := c.in[0].Ints, c.in[1].Ints
	if !c.flat(0) || len(c.shapeOf(0)) != 1 {
		return
	}
	out := make([]int64, len(index))
	for k, i := range index {
		at, err := wrap(i, len(x))
		if err != nil {
			return
		}
		out[k] = x[at]
	}
	c.out[0].Ints = out
}

func sliceElements(c *call) {
	x := c.in[0].Ints
	spans, err := c.spans(len(c.shapeOf(0)))
	s, cut := spans[0]
	if x == nil || len(c.shapeOf(0)) != 1 || err != nil || !cut {
		return
	}
	first, _ := s.bounds(int64(len(x)))
	out := make([]int64, s.length(int64(len(x))))
	for k := range out {
		out[k] = x[first+int64(k)*s.step]
	}
	c.out[0].Ints = out
}

func joinElements(c *call) {
	if !c.flat(0) || c.out[0].Shape.Count() > maxKnown {
		return
	}
	c.out[0].Ints = []int64{}
	for _, v := range c.in {
		c.out[0].Ints = append(c.out[0].Ints, v.Ints...)
	}
}

func splitElements(c *call) {
	rest := c.in[0].Ints
	if rest == nil || len(c.shapeOf(0)) != 1 {
		return
	}
	for k := range c.out {
		n := c.out[k].Shape[0]
		c.out[k].Ints, rest = rest[:n:n], rest[n:]
	}
}

func repeatElements(c *call) {
	if n, _ := product(c.out[0].Shape); len(c.in[0].Ints) == 1 && n <= maxKnown {
		c.out[0].Ints = slices.Repeat(c.in[0].Ints, int(n))
	}
}

// pairs combines two lists element by element; a single number stands for all. An overflow leaves the result unknown.
func pairs(f func(a, b int64) (int64, bool)) func(c *call) {
	return func(c *call) {
		if t := c.in[0].Type; !c.flat(0) || t != nn.Int64 && t != nn.Int32 {
			return
		}
		n, _ := product(c.out[0].Shape)
		out := make([]int64, n)
		for i := range out {
			var ok bool
			if out[i], ok = f(element(c.in[0], i), element(c.in[1], i)); !ok {
				return
			}
		}
		if c.out[0].Type != nn.Int32 || fit(out) {
			c.out[0].Ints = out
		}
	}
}

// element is element i of a list that broadcasts.
func element(v Value, i int) int64 { return v.Ints[min(i, len(v.Ints)-1)] }

func whereElements(c *call) {
	if !c.flat(0) {
		return
	}
	n, _ := product(c.out[0].Shape)
	out := make([]int64, n)
	for i := range out {
		out[i] = element(c.in[1+int(truth(element(c.in[0], i) == 0))], i)
	}
	c.out[0].Ints = out
}

func filled(c *call) {
	n, _ := product(c.out[0].Shape)
	a, _ := c.node.Attr("value") // without it they are zeros of float32
	if v := Of(nn.Tensor{Type: nn.DType(a.Int), Shape: nn.Shape{1}, Raw: a.Raw}); len(v.Ints) == 1 && n <= maxKnown {
		c.out[0].Ints = slices.Repeat(v.Ints, int(n))
	}
}

func counted(c *call) {
	n := c.out[0].Shape[0]
	if !c.flat(0) || n > maxKnown {
		return
	}
	out := make([]int64, n)
	for k := range out {
		out[k] = c.in[0].Ints[0] + int64(k)*c.in[2].Ints[0]
	}
	c.out[0].Ints = out
}

func shapeElements(c *call) {
	first, last, _ := c.shapeBounds()
	c.out[0].Ints = []int64{}
	for a := first; a < last; a++ {
		c.out[0].Ints = append(c.out[0].Ints, int64(c.shapeOf(0)[a]))
	}
}

func sizeElements(c *call) {
	n, _ := product(c.shapeOf(0))
	c.out[0].Ints = []int64{n}
}
