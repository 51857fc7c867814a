package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

func lowerConv(c *compiler, n node) error {
	weight, ws, err := c.floats(n.In[1])
	if err != nil {
		return err
	}
	x := c.shape(n.In[0])
	if len(x) != len(ws) {
		return fmt.Errorf("input of rank %d and weight of rank %d", len(x), len(ws))
	}
	g, err := window(n, x, ws[2:])
	if err != nil {
		return err
	}
	groups := n.integer("group", 1)
	if groups < 1 || ws[0]%groups != 0 || x[1] != ws[1]*groups {
		return fmt.Errorf("%d input channels in %d groups do not fit weight %v", x[1], groups, ws)
	}
	bias, err := c.optional(n, 2)
	if err != nil {
		return err
	}
	t := c.take(n)
	weight, bias, err = c.fold(t.norm, weight, bias, func(i int) int { return i / (len(weight) / ws[0]) })
	if err != nil {
		return err
	}
	order := channelsLast(len(x))
	in, err := c.want(n.In[0], order)
	if err != nil {
		return err
	}
	p := kernel.ConvParams{In: x[1], Out: ws[0], Groups: groups, Weight: weight, Bias: bias, Limits: t.limits, Windows: c.windows}
	if err := c.commonConv(n, t.norm, &p); err != nil {
		return err
	}
	conv, image := c.isa.NewConv(g, p), g.H*g.W*x[1]
	c.emit(n, []int{in}, []int{c.produce(t.out, order)}, func(int) kernelFunc {
		return func(t *kernel.Team, in, out [][]float32) { conv.Run(t, in[0], out[0], len(in[0])/image) }
	})
	return nil
}

// window reads the geometry of a convolution or pooling; one spatial axis is seen as an image of one row.
func window(n node, x nn.Shape, k []int) (kernel.Window, error) {
	rank := len(x) - 2
	if rank != 1 && rank != 2 || len(k) != rank {
		return kernel.Window{}, fmt.Errorf("%d spatial axes, the embedded engine has one or two", rank)
	}
	s, d, p := n.List("strides", rank, 1), n.List("dilations", rank, 1), n.List("pads", 2*rank, 0)
	for i := range rank {
		if s[i] < 1 || d[i] < 1 || k[i] < 1 || x[2+i] < 0 {
			return kernel.Window{}, fmt.Errorf("kernel %v, strides %v or dilations %v is not positive, or an open axis in %v", k, s, d, x)
		}
		autoPad(n.Text("auto_pad", ""), x[2+i], k[i], s[i], d[i], &p[i], &p[rank+i])
	}
	last := rank - 1
	g := kernel.Window{
		H: 1, KH: 1, StrideH: 1, DilationH: 1,
		W: x[2+last], KW: k[last], StrideW: s[last], DilationW: d[last], Left: p[last], Right: p[rank+last],
		Ceil: n.integer("ceil_mode", 0) != 0,
	}
	if rank == 2 {
		g.H, g.KH, g.StrideH, g.DilationH, g.Top, g.Bottom = x[2], k[0], s[0], d[0], p[0], p[2]
	}
	return g, nil
}

// autoPad sets the padding of one axis from ONNX's auto_pad.
func autoPad(mode string, in, k, stride, dilation int, before, after *int) {
	switch mode {
	case "SAME_UPPER", "SAME_LOWER":
	case "VALID":
		*before, *after = 0, 0
		return
	default:
		return
	}
	total := max(((in+stride-1)/stride-1)*stride+(k-1)*dilation+1-in, 0)
	*before, *after = total/2, total-total/2
	if mode == "SAME_LOWER" {
		*before, *after = *after, *before
	}
}

func lowerPool(average bool) lowering {
	return func(c *compiler, n node) error {
		x := c.shape(n.In[0])
		g, err := window(n, x, n.List("kernel_shape", max(len(x)-2, 0), 0))
		if err != nil {
			return err
		}
		if len(n.Out) > 1 && n.Out[1] != nn.None {
			return fmt.Errorf("the indices of a pooling are not supported")
		}
		order := channelsLast(len(x))
		in, err := c.want(n.In[0], order)
		if err != nil {
			return err
		}
		pool := c.isa.NewPool(g, x[1], average, n.integer("count_include_pad", 0) != 0)
		c.emit(n, []int{in}, []int{c.produce(n.Out[0], order)}, func(int) kernelFunc {
			return func(t *kernel.Team, in, out [][]float32) { pool.Run(t, in[0], out[0], len(in[0])/(g.H*g.W*x[1])) }
		})
		return nil
	}
}

func lowerGlobalPool(average bool) lowering {
	return func(c *compiler, n node) error {
		x := c.shape(n.In[0])
		order := channelsLast(len(x))
		in, err := c.want(n.In[0], order)
		if err != nil {
			return err
		}
		pixels, isa := size(x[2:]), c.isa
		c.emit(n, []int{in}, []int{c.produce(n.Out[0], order)}, func(int) kernelFunc {
			return func(t *kernel.Team, in, out [][]float32) {
				isa.GlobalPool(t, in[0], out[0], len(in[0])/(pixels*x[1]), pixels, x[1], average)
			}
		})
		return nil
	}
}
