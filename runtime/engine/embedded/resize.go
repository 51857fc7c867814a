package embedded

import (
	"fmt"
	"math"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// tap is a position of the operand and its weight.
type tap struct {
	at     int
	weight float64
}

// lowerResize scales axes one after the other: interpolation is separable.
func lowerResize(c *compiler, n node) error {
	x, y := c.shape(n.In[0]), c.shape(n.Out[0])
	factors, err := c.scales(n, len(x))
	if err != nil {
		return err
	}
	if len(n.In) == 2 {
		return fmt.Errorf("the form of opset 10 is not supported")
	}
	if n.text("coordinate_transformation_mode") == "tf_crop_and_resize" || n.integer("antialias", 0) != 0 || len(x) != len(y) || x[0] != y[0] ||
		n.text("keep_aspect_ratio_policy") != "" && n.text("keep_aspect_ratio_policy") != "stretch" {
		return fmt.Errorf("cropping, antialiasing and kept aspect ratios are not supported")
	}
	if _, ok := n.attr("axes"); ok {
		return fmt.Errorf("axes are not supported")
	}
	in, err := c.want(n.In[0], plain(len(x)))
	if err != nil {
		return err
	}
	now := append(x[:0:0], x...)
	var moving []int
	for a := range x {
		if x[a] != y[a] || factors[a] != 1 {
			moving = append(moving, a)
		}
	}
	if len(moving) == 0 {
		return lowerRename(c, n)
	}
	for i, axis := range moving {
		taps, err := n.taps(x[axis], y[axis], factors[axis])
		if err != nil {
			return err
		}
		before := append(now[:0:0], now...)
		now[axis] = y[axis]
		out := 0
		if i == len(moving)-1 {
			out = c.produce(n.Out[0], plain(len(y)))
		} else {
			out = c.scratch(append(now[:0:0], now...))
		}
		c.emit(n, []int{in}, []int{out}, func(b int) kernelFunc {
			s := at(before, b)
			inner, length := size(s[axis+1:]), s[axis]
			return func(t *kernel.Team, in, out [][]float32) { interpolate(t, out[0], in[0], taps, length, inner) }
		})
		in = out
	}
	return nil
}

// interpolate sums taps along an axis of the given length, whose neighbours are inner elements apart.
func interpolate(t *kernel.Team, out, in []float32, taps [][]tap, length, inner int) {
	t.Split(len(out)/inner, 4*len(out), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			from := r / len(taps) * length * inner
			for i := range inner {
				sum := 0.0
				for _, p := range taps[r%len(taps)] {
					sum += p.weight * float64(in[from+p.at*inner+i])
				}
				out[r*inner+i] = float32(sum)
			}
		}
	})
}

// scales are the factors of a Resize by axis: an operand, or what the sizes say.
func (c *compiler) scales(n node, rank int) ([]float64, error) {
	x, y := c.shape(n.In[0]), c.shape(n.Out[0])
	out := make([]float64, rank)
	for a := range out {
		if out[a] = 1; x[a] != y[a] && x[a] > 0 {
			out[a] = float64(y[a]) / float64(x[a])
		}
	}
	list, err := c.optional(n, 2)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 && len(list) != rank {
		return nil, fmt.Errorf("%d scales for %d axes", len(list), rank)
	}
	for a, f := range list {
		out[a] = float64(f)
	}
	return out, nil
}

// taps lists for each position of a result of extent to what it is made of.
func (n node) taps(from, to int, factor float64) ([][]tap, error) {
	where, ok := coordinates[n.mode("coordinate_transformation_mode", "half_pixel")]
	kernelOf := n.mode("mode", "nearest")
	if !ok || kernelOf != "nearest" && kernelOf != "linear" && kernelOf != "cubic" {
		return nil, fmt.Errorf("mode %q with coordinates %q is not supported", kernelOf, n.text("coordinate_transformation_mode"))
	}
	out := make([][]tap, to)
	for i := range out {
		x := where(float64(i), float64(from), float64(to), factor)
		switch kernelOf {
		case "nearest":
			round := nearest[n.mode("nearest_mode", "round_prefer_floor")]
			if round == nil {
				return nil, fmt.Errorf("nearest_mode %q is not supported", n.text("nearest_mode"))
			}
			out[i] = []tap{{clamp(int(round(x)), from), 1}}
		case "linear":
			low := math.Floor(x)
			out[i] = []tap{{clamp(int(low), from), 1 - (x - low)}, {clamp(int(low)+1, from), x - low}}
		default:
			out[i] = n.cubic(x, from)
		}
	}
	return out, nil
}

func (n node) mode(name, otherwise string) string {
	if t := n.text(name); t != "" {
		return t
	}
	return otherwise
}

func clamp(p, n int) int { return min(max(p, 0), n-1) }

// cubic is Keys' cubic convolution; with exclude_outside, positions beyond the ends have no weight.
func (n node) cubic(x float64, from int) []tap {
	a := float64(n.float("cubic_coeff_a", -0.75))
	low := int(math.Floor(x))
	outside := n.integer("exclude_outside", 0) != 0
	var taps []tap
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
		taps = append(taps, tap{clamp(k, from), w})
	}
	if outside {
		for i := range taps {
			taps[i].weight /= total
		}
	}
	return taps
}

// coordinates map a position of a result of extent to, by the factor s, to one of the operand of extent from.
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
