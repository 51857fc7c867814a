package kernel

import (
	"fmt"
	"math"
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Sampler is a GridSample: it reads an image at positions that another tensor has, from -1 at one end of an axis to 1 at the other, and
// interpolates (torch.nn.functional.grid_sample; spatial transformer networks, Jaderberg et al. 2015).
type Sampler struct {
	space    []int // of the image
	channels int
	points   int // of an image's grid
	batch    int

	taps    func(at float64) (first int, w, slope []float64) // of one axis
	padding string
	align   bool
	cubic   bool
}

// samplers has the operators of class Sampling: x is the shape of the operand, places that of the places.
var samplers = map[string]func(n *nn.Node, x, places nn.Shape) (*Sampler, error){
	"GridSample": gridSampler,
}

// HasSampler tells whether SamplerOf has an operator.
func HasSampler(op string) bool { return samplers[op] != nil }

// SamplerOf prepares a node of class Sampling.
func SamplerOf(n *nn.Node, x, places nn.Shape) (*Sampler, error) {
	return samplers[n.Type](n, x, places)
}

// gridSampler prepares a GridSample of an image by a grid.
func gridSampler(n *nn.Node, x, grid nn.Shape) (*Sampler, error) {
	rank := len(x) - 2
	if rank < 1 || len(grid) != len(x) || grid[len(grid)-1] != rank || grid[0] != x[0] {
		return nil, fmt.Errorf("a grid of shape %v does not fit an image of shape %v", grid, x)
	}
	s := &Sampler{space: x[2:], channels: x[1], batch: x[0], points: grid[1 : rank+1].Count(), align: n.Int("align_corners", 0) != 0}
	mode := n.Text("mode", "linear")
	if s.taps = interpolations[mode]; s.taps == nil {
		return nil, fmt.Errorf("mode %q is not supported", mode)
	}
	s.cubic = strings.HasSuffix(mode, "cubic")
	if s.padding = n.Text("padding_mode", "zeros"); s.padding != "zeros" && s.padding != "border" && s.padding != "reflection" {
		return nil, fmt.Errorf("padding_mode %q is not supported", s.padding)
	}
	return s, nil
}

// interpolations return the first of the neighbours of a position that count, their weights, and how fast those change with the position. Since
// opset 20, two of them have other names.
var interpolations = map[string]func(at float64) (first int, w, slope []float64){
	"nearest":  nearestTap,
	"bilinear": linearTaps, "linear": linearTaps,
	"bicubic": cubicTaps, "cubic": cubicTaps,
}

func nearestTap(at float64) (first int, w, slope []float64) {
	return int(math.RoundToEven(at)), []float64{1}, []float64{0}
}

func linearTaps(at float64) (first int, w, slope []float64) {
	low := math.Floor(at)
	return int(low), []float64{low + 1 - at, at - low}, []float64{-1, 1}
}

// cubicTaps are Keys' cubic convolution with a = -0.75.
func cubicTaps(at float64) (first int, w, slope []float64) {
	const a = -0.75
	low := math.Floor(at)
	for k := -1.0; k <= 2; k++ {
		way := at - low - k
		d, sign := math.Abs(way), math.Copysign(1, way)
		if d <= 1 {
			w = append(w, ((a+2)*d-(a+3))*d*d+1)
			slope = append(slope, sign*(3*(a+2)*d-2*(a+3))*d)
		} else {
			w = append(w, ((a*d-5*a)*d+8*a)*d-4*a)
			slope = append(slope, sign*((3*a*d-10*a)*d+8*a))
		}
	}
	return int(low) - 1, w, slope
}

// position is where a coordinate is along an axis of n elements, and how fast it moves with the coordinate.
func (s *Sampler) position(g float64, n int) (at, slope float64) {
	slope = float64(n) / 2
	if s.align {
		slope = float64(n-1) / 2
	}
	at = float64(n-1)/2 + g*slope
	low, high := s.ends(n)
	switch {
	case at >= low && at <= high || s.padding == "zeros":
	case at != at:
		return 0, 0
	case s.padding == "border" && s.cubic: // neighbours stay at the border, not the position between them, as in PyTorch and ONNX Runtime
		return min(max(at, -4), float64(n+3)), slope
	case s.padding == "border":
		return min(max(at, 0), float64(n-1)), 0
	default:
		var sign float64
		at, sign = mirrored(at, low, high)
		slope *= sign
	}
	return at, slope
}

// ends are those of an axis: the centres of the outermost pixels, or their edges.
func (s *Sampler) ends(n int) (low, high float64) {
	if s.align {
		return 0, float64(n - 1)
	}
	return -0.5, float64(n) - 0.5
}

// mirrored folds a position between two ends; sign is -1 where it moves against the position.
func mirrored(at, low, high float64) (folded, sign float64) {
	span := high - low
	if span <= 0 {
		return low, 0
	}
	rest := math.Mod(at-low, 2*span)
	if rest < 0 {
		rest += 2 * span
	}
	if rest > span {
		return high - (rest - span), -1
	}
	return low + rest, 1
}

// index is the element that stands for position k of an axis, -1 for a zero.
func (s *Sampler) index(k, n int) int {
	switch {
	case k >= 0 && k < n:
		return k
	case s.padding == "zeros":
		return -1
	case s.padding == "border":
		return min(max(k, 0), n-1)
	}
	low, high := s.ends(n)
	at, _ := mirrored(float64(k), low, high)
	return min(max(int(at), 0), n-1)
}

// corner is an element that a point reads, its weight, and how fast that changes with each coordinate.
type corner struct {
	at    int
	w     float64
	slope []float64
}

// corners lists what a point reads. The first coordinate belongs to the last axis.
func (s *Sampler) corners(point []float32) []corner {
	list := []corner{{w: 1, slope: make([]float64, len(point))}}
	for axis, n := range s.space {
		k := len(point) - 1 - axis
		at, moves := s.position(float64(point[k]), n)
		first, w, slope := 0, []float64(nil), []float64(nil)
		if math.Abs(at) < 1<<30 { // elsewhere there is nothing but zeros
			first, w, slope = s.taps(at)
		}
		var next []corner
		for _, c := range list {
			for j := range w {
				i := s.index(first+j, n)
				if i < 0 {
					continue
				}
				d := corner{at: c.at*n + i, w: c.w * w[j], slope: make([]float64, len(point))}
				for m, v := range c.slope {
					d.slope[m] = v * w[j]
				}
				d.slope[k] = c.w * slope[j] * moves
				next = append(next, d)
			}
		}
		list = next
	}
	return list
}

// each calls do for every point: with its corners, and where the first channel of its image and of its result are.
func (s *Sampler) each(lo, hi int, grid []float32, do func(point int, c []corner, image, result int)) {
	rank := len(s.space)
	for i := lo; i < hi; i++ {
		image := i / s.points * s.channels
		do(i, s.corners(grid[i*rank:(i+1)*rank]), image*nn.Shape(s.space).Count(), image*s.points+i%s.points)
	}
}

// Sample computes z.
func (s *Sampler) Sample(t *Team, z, x, grid []float32) {
	size := nn.Shape(s.space).Count()
	t.Split(s.batch*s.points, 16*len(z), func(lo, hi int) {
		s.each(lo, hi, grid, func(_ int, corners []corner, image, result int) {
			for ch := range s.channels {
				sum := 0.0
				for _, c := range corners {
					sum += c.w * float64(x[image+ch*size+c.at])
				}
				z[result+ch*s.points] = float32(sum)
			}
		})
	})
}

// Image sets dx to the gradient with respect to the image, given that of the result.
func (s *Sampler) Image(dx, dz, grid []float32) {
	clear(dx)
	size := nn.Shape(s.space).Count()
	s.each(0, s.batch*s.points, grid, func(_ int, corners []corner, image, result int) {
		for ch := range s.channels {
			for _, c := range corners {
				dx[image+ch*size+c.at] += float32(c.w) * dz[result+ch*s.points]
			}
		}
	})
}

// Grid sets dg to the gradient with respect to the grid, given that of the result.
func (s *Sampler) Grid(t *Team, dg, dz, x, grid []float32) {
	size, rank := nn.Shape(s.space).Count(), len(s.space)
	t.Split(s.batch*s.points, 16*len(dz), func(lo, hi int) {
		s.each(lo, hi, grid, func(point int, corners []corner, image, result int) {
			for k := range rank {
				sum := 0.0
				for ch := range s.channels {
					for _, c := range corners {
						sum += c.slope[k] * float64(x[image+ch*size+c.at]) * float64(dz[result+ch*s.points])
					}
				}
				dg[point*rank+k] = float32(sum)
			}
		})
	})
}
