package op

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// convShape is [N O ...] with windows over space.
func convShape(c *Ctx) error {
	x, w := c.In[0].Shape, c.In[1].Shape
	if len(x) < 3 || len(w) != len(x) {
		return fmt.Errorf("input has %d axes and weight %d; want the same number, at least 3", len(x), len(w))
	}
	if err := c.windowFits(w[2:]); err != nil {
		return err
	}
	if want := c.keep(dim.Mul(w[1], c.group())); !want.Equal(x[1]) {
		return fmt.Errorf("input has %v channels, weight and group want %v", x[1], want)
	}
	if err := c.biasFits(w[0]); err != nil {
		return err
	}
	out := []dim.Dim{x[0], w[0]}
	for a := range x[2:] {
		out = append(out, c.slide(x[2+a], w[2+a], a, len(x)-2, false))
	}
	c.Out[0].Shape = out
	return nil
}

func (c *Ctx) group() dim.Dim {
	if g, ok := c.over["group"]; ok {
		return g[0]
	}
	return dim.Const(int(c.Node.Int("group", 1)))
}

// biasFits checks operand 2 of a convolution.
func (c *Ctx) biasFits(channels dim.Dim) error {
	if c.Node.Input(2) == 0 {
		return nil
	}
	if b := c.In[2].Shape; len(b) != 1 || !b[0].Equal(channels) {
		return fmt.Errorf("its bias has the shape %v, its result has %v channels", b, channels)
	}
	return nil
}

// windowFits checks the lists that describe a window against its extents.
func (c *Ctx) windowFits(kernel []dim.Dim) error {
	rank := len(kernel)
	for _, name := range []string{"strides", "dilations"} {
		list := c.Node.Ints(name)
		if list != nil && (len(list) != rank || slices.Min(list) < 1) {
			return fmt.Errorf("%s are %v; want %d positive numbers", name, list, rank)
		}
	}
	if p := c.Ints("pads"); p != nil && len(p) != 2*rank {
		return fmt.Errorf("pads are %v; want %d numbers", p, 2*rank)
	}
	if k := c.Ints("kernel_shape"); k != nil && !slices.EqualFunc(k, kernel, dim.Dim.Equal) {
		return fmt.Errorf("its window is %v, its weight has %v", k, kernel)
	}
	return nil
}

// convTransposeShape is [N O ...] with a weight [C O/group k...] (ONNX ConvTranspose).
func convTransposeShape(c *Ctx) error {
	x, w := c.In[0].Shape, c.In[1].Shape
	if len(x) < 3 || len(w) != len(x) {
		return fmt.Errorf("input has %d axes and weight %d; want the same number, at least 3", len(x), len(w))
	}
	if err := c.windowFits(w[2:]); err != nil {
		return err
	}
	if !w[0].Equal(x[1]) {
		return fmt.Errorf("input has %v channels, weight wants %v", x[1], w[0])
	}
	out := []dim.Dim{x[0], c.keep(dim.Mul(w[1], c.group()))}
	if err := c.biasFits(out[1]); err != nil {
		return err
	}
	for a := range x[2:] {
		out = append(out, c.spread(x[2+a], w[2+a], a, len(x)-2))
	}
	c.Out[0].Shape = out
	return nil
}

// spread is the extent that a transposed convolution makes of x along spatial axis a of rank axes.
func (c *Ctx) spread(x, k dim.Dim, a, rank int) dim.Dim {
	if l := c.Node.Ints("output_shape"); len(l) == rank {
		return dim.Const(int(l[a]))
	}
	stride, dilation, extra := c.listAt("strides", a, 1), c.listAt("dilations", a, 1), c.listAt("output_padding", a, 0)
	if auto := c.Node.String("auto_pad", "NOTSET"); auto == "SAME_UPPER" || auto == "SAME_LOWER" {
		return dim.Map(func(n int) int { return n * stride }, x)
	}
	begin, end := c.padding(a, rank)
	return c.keep(dim.MapN(func(v []int) int {
		return stride*(v[0]-1) + extra + dilation*(v[1]-1) + 1 - v[2] - v[3]
	}, x, k, begin, end))
}

// padding is the padding before and after axis a of rank axes.
func (c *Ctx) padding(a, rank int) (begin, end dim.Dim) {
	if p := c.Ints("pads"); len(p) == 2*rank && c.Node.String("auto_pad", "NOTSET") == "NOTSET" {
		return p[a], p[a+rank]
	}
	return dim.Const(0), dim.Const(0)
}

// pooling are the shape of the first operand and that of the window that kernel_shape states, which moves over all of its axes but two.
func (c *Ctx) pooling() (x, k []dim.Dim, err error) {
	x, k = c.In[0].Shape, c.Ints("kernel_shape")
	if len(x) < 3 || len(k) != len(x)-2 {
		err = fmt.Errorf("input has %d axes and the window %d; want two less", len(x), len(k))
	}
	return x, k, err
}

func poolShape(c *Ctx) error {
	x, k, err := c.pooling()
	if err != nil {
		return err
	}
	if err := c.windowFits(k); err != nil {
		return err
	}
	out := []dim.Dim{x[0], x[1]}
	for a := range k {
		out = append(out, c.slide(x[2+a], k[a], a, len(k), c.Node.Int("ceil_mode", 0) != 0))
	}
	for i := range c.Out {
		c.Out[i].Shape = out
	}
	return nil
}

// unpoolShape is what MaxPool made its operand of, or what output_shape states.
func unpoolShape(c *Ctx) error {
	x, k, err := c.pooling()
	if err != nil {
		return err
	}
	if stated := c.Ints("output_shape"); stated != nil {
		if len(stated) != len(x) {
			return fmt.Errorf("output_shape has %d extents; want %d", len(stated), len(x))
		}
		c.Out[0].Shape = stated
		return nil
	}
	if len(c.In) > 2 && c.In[2].Shape != nil {
		return fmt.Errorf("its output_shape is computed at run time")
	}
	out := []dim.Dim{x[0], x[1]}
	for a := range k {
		out = append(out, c.spread(x[2+a], k[a], a, len(k)))
	}
	c.Out[0].Shape = out
	return nil
}

// slide is the number of positions of a window of side k along spatial axis a of rank axes (ONNX Conv and MaxPool).
func (c *Ctx) slide(x, k dim.Dim, a, rank int, ceil bool) dim.Dim {
	stride, dilation := c.listAt("strides", a, 1), c.listAt("dilations", a, 1)
	switch c.Node.String("auto_pad", "NOTSET") {
	case "SAME_UPPER", "SAME_LOWER":
		return dim.Map(func(n int) int { return (n + stride - 1) / stride }, x)
	case "VALID":
		return c.keep(dim.Map2(func(n, k int) int { return positions(n-dilation*(k-1)-1, stride) }, x, k))
	}
	begin, end := c.padding(a, rank)
	return c.keep(dim.MapN(func(v []int) int {
		free := v[0] + v[2] + v[3] - dilation*(v[1]-1) - 1
		n := positions(free, stride)
		// A window that starts in the padding after the end does not count (as PyTorch and ONNX Runtime do).
		if ceil && free > 0 && free%stride != 0 && n*stride < v[0]+v[2] {
			n++
		}
		return n
	}, x, k, begin, end))
}

// positions is how often a window fits when it can move by free in steps of stride.
func positions(free, stride int) int {
	if free < 0 {
		return 0
	}
	return free/stride + 1
}

func (c *Ctx) listAt(name string, a, def int) int {
	if l := c.Node.Ints(name); a < len(l) {
		return int(l[a])
	}
	return def
}

// convMACs is one product of a whole filter per output element.
func convMACs(c *Ctx) error {
	c.Total = c.keep(dim.Mul(c.elements(c.In[1].Shape[1:]), c.elements(c.Out[0].Shape)))
	return nil
}

// convTransposeMACs is one product of each element of the operand with all that its channel's filters have.
func convTransposeMACs(c *Ctx) error {
	c.Total = c.keep(dim.Mul(c.elements(c.In[1].Shape[1:]), c.elements(c.In[0].Shape)))
	return nil
}

// channelsFirst is a rule for operators that may have their channels in the last axis: then nothing is known.
func channelsFirst(rule func(c *Ctx) error) func(c *Ctx) error {
	return func(c *Ctx) error {
		if c.flag("channels_last") != 0 {
			return nil
		}
		return rule(c)
	}
}

// OwnPad tells whether a Pad before a pooling is how PyTorch wrote the padding of an avg_pool2d, up to version 2.0: those of functional.pad have a third
// operand, or stand before another Pad.
func OwnPad(g *ir.Graph, pad, pool *ir.Node) bool {
	_, counts := pool.Attr("count_include_pad")
	return g.Producer == "pytorch" && pad.Op == "Pad" && pool.Op == "AveragePool" && len(pad.In) == 2 && !counts
}
