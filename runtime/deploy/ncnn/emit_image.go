package ncnn

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// emitResize makes an Interp of a Resize that reads the same pixels with the same weights.
func emitResize(e *exporter, n *nn.Node) error {
	s, out := e.shape(n.In[0]), e.shape(n.Out[0])
	if len(s) != 3 || s[0] != out[0] || e.batchAxis(n.In[0]) != 0 {
		return fmt.Errorf("a Resize of %v to %v cannot be expressed; only the two spatial axes of an image can change", s, out)
	}
	var scales []float32
	if len(n.In) > 2 && n.In[2] != nn.None {
		var err error
		if scales, err = e.floats(n.In[2]); err != nil {
			return err
		}
	}
	moving, err := nn.ResizeAxes(n, append(nn.Shape{1}, s...), append(nn.Shape{1}, out...), scales)
	if err != nil {
		return err
	}
	for _, form := range [][2]int{{1, 0}, {2, 0}, {2, 1}} { // nearest, linear, linear with aligned corners
		same := func(a nn.Axis) bool {
			return sameTaps(a.Taps, interpTaps(form[0], s[a.Axis-1], out[a.Axis-1], form[1]))
		}
		if !slices.ContainsFunc(moving, func(a nn.Axis) bool { return !same(a) }) {
			l := Layer{Type: "Interp", Name: n.Name, In: []string{e.whole(n.In[0])}}
			l.Params = []Param{integer(0, form[0]), integer(3, out[1]), integer(4, out[2]), integer(6, form[1])}
			return e.yield(n.Out[0], l, out)
		}
	}
	return fmt.Errorf("mode %s with coordinates %s is not how NCNN interpolates; it has asymmetric nearest with rounding down, and linear with half_pixel or align_corners",
		n.Text("mode", "nearest"), n.Text("coordinate_transformation_mode", "half_pixel"))
}

// sameTaps tells whether both take the same sums of pixels.
func sameTaps(a [][]nn.Tap, b [][]tap) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		left := map[int]float64{}
		for _, t := range a[k] {
			left[t.At] += t.Weight
		}
		for _, t := range b[k] {
			left[t.at] -= t.weight
		}
		for _, w := range left {
			if math.Abs(w) > 1e-5 {
				return false
			}
		}
	}
	return true
}

// padTypes numbers the modes of Pad.
var padTypes = map[string]int{"constant": 0, "edge": 1, "reflect": 2}

func emitPad(e *exporter, n *nn.Node) error {
	x := n.In[0]
	kind, ok := padTypes[n.Text("mode", "constant")]
	rank := len(e.g.Values[x].Shape)
	pads, err := e.integers(n, "pads", 1)
	if err != nil {
		return err
	}
	s := e.shape(x)
	if !ok || len(pads) != 2*rank || len(s) > 3 {
		return fmt.Errorf("mode %s with pads %v of %v cannot be expressed", n.Text("mode", "constant"), pads, s)
	}
	around := make([][2]int, len(s))
	for a := range rank {
		before, after := int(pads[a]), int(pads[rank+a])
		if before == 0 && after == 0 {
			continue
		}
		axis, err := e.axis(x, a)
		if err != nil {
			return err
		}
		if before < 0 || after < 0 {
			return fmt.Errorf("pads %v that take away cannot be expressed; use a Slice", pads)
		}
		around[axis] = [2]int{before, after}
	}
	value := attrFloat(n, "value", 0)
	if len(n.In) > 2 && n.In[2] != nn.None {
		v, err := e.floats(n.In[2])
		if err != nil || len(v) != 1 {
			return fmt.Errorf("what it pads with must be one constant: %w", errors.Join(err))
		}
		value = v[0]
	}
	l := Layer{Type: "Padding", Name: n.Name, In: []string{e.whole(x)}, Params: []Param{integer(4, kind), float(5, value)}}
	for k, ids := range [][2]int{{7, 8}, {0, 1}, {2, 3}}[3-len(s):] { // front and behind, top and bottom, left and right
		l.set(integer(ids[0], around[k][0]), integer(ids[1], around[k][1]))
	}
	return e.yield(n.Out[0], l, e.shape(n.Out[0]))
}

func emitDepthToSpace(e *exporter, n *nn.Node) error {
	mode := 1 // blocks first
	if n.Text("mode", "DCR") == "CRD" {
		mode = 0
	}
	l := Layer{Type: "PixelShuffle", Name: n.Name, In: []string{e.whole(n.In[0])}, Params: []Param{integer(0, int(n.Int("blocksize", 1))), integer(1, mode)}}
	return e.yield(n.Out[0], l, e.shape(n.Out[0]))
}

// emitConvTranspose makes a Deconvolution, whose weights begin with the result's channels.
func emitConvTranspose(e *exporter, n *nn.Node) error {
	s, out, ws := e.shape(n.In[0]), e.shape(n.Out[0]), []int(e.g.Values[n.In[1]].Shape)
	if len(s) != 3 || len(ws) != 4 {
		return fmt.Errorf("a transposed convolution of %v by %v cannot be expressed; it must have two spatial axes", s, ws)
	}
	g, err := windows(n, ws[2:])
	extra, err2 := sides(n, "output_padding", 2, 0)
	weights, err3 := e.weightAndBias(n.In[1:])
	if err = errors.Join(err, err2, err3); err != nil {
		return err
	}
	pads := nn.TransposedPads(n, s[1:], out[1:], ws[2:])
	for i := range 2 {
		if whole := (s[i+1]-1)*g.strides[i] + (ws[i+2]-1)*g.dilations[i] + 1 + extra[i]; whole-pads[i][0]-pads[i][1] != out[i+1] {
			return fmt.Errorf("a result of %v cannot be expressed; its pads leave %d of %d", out, whole-pads[i][0]-pads[i][1], whole)
		}
	}
	groups := int(n.Int("group", 1))
	if groups < 1 || s[0]%groups != 0 || ws[0] != s[0] {
		return fmt.Errorf("weights of the shape %v do not fit %d channels in %d groups", ws, s[0], groups)
	}
	weights[0].Data = swapped(weights[0].Data, groups, s[0]/groups, ws[1])
	g.pads = []int{pads[0][0], pads[1][0], pads[0][1], pads[1][1]}
	l := sliding("Deconvolution", n.Name, e.whole(n.In[0]), out[0], g, groups, weights)
	l.set(integer(18, extra[1]), integer(19, extra[0]))
	return e.yield(n.Out[0], l, out)
}

// swapped swaps the first two axes, in and out, of each group's windows.
func swapped(w []float32, groups, in, out int) []float32 {
	size := len(w) / (groups * in * out)
	to := make([]float32, 0, len(w))
	for g := range groups {
		for o := range out {
			for i := range in {
				from := ((g*in+i)*out + o) * size
				to = append(to, w[from:from+size]...)
			}
		}
	}
	return to
}

func emitInstanceNorm(e *exporter, n *nn.Node) error {
	s := e.shape(n.In[0])
	scale, err := e.floats(n.In[1])
	bias, err2 := e.floats(n.In[2])
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	if len(s) < 2 || e.batchAxis(n.In[0]) != 0 {
		return fmt.Errorf("a normalisation of each channel of %v cannot be expressed", s)
	}
	if len(s) != 3 {
		s = []int{s[0], 1, count(s[1:])}
	}
	l := Layer{Type: "InstanceNorm", Name: n.Name, In: []string{e.as(n.In[0], s)}, Weights: []Weight{{Data: scale}, {Data: bias}}}
	l.Params = []Param{integer(0, len(scale)), float(1, attrFloat(n, "epsilon", 1e-5)), integer(2, 1)}
	return e.yield(n.Out[0], l, s)
}

func emitPRelu(e *exporter, n *nn.Node) error {
	x := n.In[0]
	slope, err := e.floats(n.In[1])
	if err != nil {
		return err
	}
	s := e.shape(x)
	if a := e.aligned(n.In[1], x); len(slope) > 1 && (a == nil || len(a) != len(s) || a[0] != s[0] || count(a) != s[0]) {
		return fmt.Errorf("slopes of the shape %v cannot be expressed; NCNN has one, or one for each channel of %v", e.g.Values[n.In[1]].Shape, s)
	}
	l := Layer{Type: "PReLU", Name: n.Name, In: []string{e.whole(x)}, Params: []Param{integer(0, len(slope))}, Weights: []Weight{{Data: slope}}}
	return e.yield(n.Out[0], l, s)
}
