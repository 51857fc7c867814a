package nn

import (
	"fmt"
	"math"
)

// Tap is a position of an operand along an axis and its weight.
type Tap struct {
	At     int
	Weight float64
}

// Axis is an axis that a Resize changes, with the taps of each position of the result along it.
type Axis struct {
	Axis int
	Taps [][]Tap
}

// ResizeAxes returns the axes that a Resize of x to y changes. They can be interpolated one after the other, because interpolation is separable. scales has the factor
// of each axis. If it is nil, factors follow from the shapes.
func ResizeAxes(n *Node, x, y Shape, scales []float32) ([]Axis, error) {
	switch {
	case len(n.In) == 2:
		return nil, fmt.Errorf("the form of opset 10 is not supported")
	case n.Text("coordinate_transformation_mode", "") == "tf_crop_and_resize" || n.Int("antialias", 0) != 0 || len(x) != len(y) || x[0] != y[0] ||
		n.Text("keep_aspect_ratio_policy", "stretch") != "stretch":
		return nil, fmt.Errorf("cropping, antialiasing and kept aspect ratios are not supported")
	case len(scales) > 0 && len(scales) != len(x):
		return nil, fmt.Errorf("%d scales for %d axes", len(scales), len(x))
	}
	if _, ok := n.Attr("axes"); ok {
		return nil, fmt.Errorf("axes are not supported")
	}
	var moving []Axis
	for a := range x {
		factor := 1.0
		switch {
		case len(scales) > 0:
			factor = float64(scales[a])
		case x[a] != y[a] && x[a] > 0:
			factor = float64(y[a]) / float64(x[a])
		}
		if x[a] == y[a] && factor == 1 {
			continue
		}
		taps, err := taps(n, x[a], y[a], factor)
		if err != nil {
			return nil, err
		}
		moving = append(moving, Axis{a, taps})
	}
	return moving, nil
}

// taps lists the taps of each position of a result of extent to, from an operand of extent from.
func taps(n *Node, from, to int, factor float64) ([][]Tap, error) {
	system := n.Text("coordinate_transformation_mode", "half_pixel")
	where, ok := coordinates[system]
	mode := n.Text("mode", "nearest")
	if !ok || mode != "nearest" && mode != "linear" && mode != "cubic" {
		return nil, fmt.Errorf("mode %q with coordinates %q is not supported", mode, system)
	}
	rounding := n.Text("nearest_mode", "round_prefer_floor")
	round := nearest[rounding]
	if mode == "nearest" && round == nil {
		return nil, fmt.Errorf("nearest_mode %q is not supported", rounding)
	}
	out := make([][]Tap, to)
	for i := range out {
		x := where(float64(i), float64(from), float64(to), factor)
		switch mode {
		case "nearest":
			out[i] = []Tap{{clamp(int(round(x)), from), 1}}
		case "linear":
			low := math.Floor(x)
			out[i] = []Tap{{clamp(int(low), from), 1 - (x - low)}, {clamp(int(low)+1, from), x - low}}
		default:
			out[i] = cubic(n, x, from)
		}
	}
	return out, nil
}

func clamp(p, n int) int { return min(max(p, 0), n-1) }

// cubic is Keys' cubic convolution; with exclude_outside, positions beyond the ends have no weight.
func cubic(n *Node, x float64, from int) []Tap {
	a := float64(n.Float("cubic_coeff_a", -0.75))
	low := int(math.Floor(x))
	outside := n.Int("exclude_outside", 0) != 0
	var taps []Tap
	total := 0.0
	for k := low - 1; k <= low+2; k++ {
		d := math.Abs(x - float64(k))
		w := a*d*d*d - 5*a*d*d + 8*a*d - 4*a
		if d <= 1 {
			w = (a+2)*d*d*d - (a+3)*d*d + 1
		}
		if outside && (k < 0 || k >= from) {
			continue
		}
		total += w
		taps = append(taps, Tap{clamp(k, from), w})
	}
	if outside {
		for i := range taps {
			taps[i].Weight /= total
		}
	}
	return taps
}

// coordinates map a position of the result, of extent to, to a position of the operand, of extent from. s is the factor.
var coordinates = map[string]func(i, from, to, s float64) float64{
	"half_pixel": func(i, _, _, s float64) float64 { return (i+0.5)/s - 0.5 },
	"half_pixel_symmetric": func(i, from, to, s float64) float64 {
		adjust := to / (s * from)
		return from/2*(1-adjust) + (i+0.5)/s - 0.5
	},
	"pytorch_half_pixel": func(i, _, to, s float64) float64 {
		if to > 1 {
			return (i+0.5)/s - 0.5
		}
		return 0
	},
	"align_corners": func(i, from, to, _ float64) float64 {
		if to > 1 {
			return i * (from - 1) / (to - 1)
		}
		return 0
	},
	"asymmetric": func(i, _, _, s float64) float64 { return i / s },
}

// nearest are the ways to round a position.
var nearest = map[string]func(x float64) float64{
	"round_prefer_floor": func(x float64) float64 { return math.Ceil(x - 0.5) },
	"round_prefer_ceil":  func(x float64) float64 { return math.Floor(x + 0.5) },
	"floor":              math.Floor,
	"ceil":               math.Ceil,
}
