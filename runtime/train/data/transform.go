package data

import (
	"fmt"
	"math"
	"strconv"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Transform makes model input of images: it pads with black, divides by 255, subtracts the mean and divides by the standard
// deviation of each channel, and resizes to the wanted side.
type Transform struct {
	Pad       int
	Mean, Std []float32 // by channel, or none for 0 and 1
	// Pictures of any size are scaled so that their shorter side has Resize pixels, then the centre of Crop x Crop is cut out, see Size. Commands
	// take the side of the original's input, less the padding, where Crop is 0, and the same for Resize.
	Resize, Crop int
}

// Resize names how images are resized, for files: bilinear with a filter as wide as the shrinking (PyTorch's antialias=True).
const Resize = "bilinear, antialiased"

// String says how images become input, for files: tables and bundles of other inputs are told apart by it. PyTorch's tools write the same.
func (t Transform) String() string {
	numbers := func(list []float32) string {
		if len(list) == 0 {
			return " -"
		}
		text := ""
		for _, v := range list {
			text += " " + strconv.FormatFloat(float64(v), 'g', 6, 32)
		}
		return text
	}
	return fmt.Sprintf("%s; resize %d, pad %d, mean%s, std%s", Resize, t.Resize, t.Pad, numbers(t.Mean), numbers(t.Std))
}

// Batch makes a float32 tensor [to-from, channels, side, side] of images from up to but not including to. Images that are not in memory are
// read on all processors.
func (t Transform) Batch(s *Set, from, to, side int) (nn.Tensor, error) {
	return t.pick(s, Numbers(from, to), side)
}

// pick is Batch of some images.
func (t Transform) pick(s *Set, images []int, side int) (nn.Tensor, error) {
	for name, list := range map[string][]float32{"mean": t.Mean, "std": t.Std} {
		if n := len(list); n > 0 && n != s.Channels {
			return nn.Tensor{}, fmt.Errorf("data.%s has %d numbers, the images have %d channels", name, n, s.Channels)
		}
	}
	h, w := s.Height+2*t.Pad, s.Width+2*t.Pad
	rows, columns := weights(h, side), weights(w, side)
	each := s.Channels * side * side
	out := make([]float32, len(images)*each)
	own := make([]scratch, max(1, min(s.workers(), len(images))))
	for k := range own {
		own[k] = scratch{make([]byte, s.size()), make([]float32, h*w), make([]float32, h*side)}
	}
	err := s.parallel(len(images), func(worker, k int) error {
		own := own[worker]
		if err := s.Read(images[k], own.pixels); err != nil {
			return err
		}
		for c := range s.Channels {
			t.normalise(s, own.pixels, c, own.plane)
			shrink(out[k*each+c*side*side:][:side*side], own.plane, own.half, rows, columns, w)
		}
		return nil
	})
	return nn.FromFloat32s(nn.Shape{len(images), s.Channels, side, side}, out), err
}

// scratch is what one image needs on its way.
type scratch struct {
	pixels      []byte
	plane, half []float32
}

// Resized returns float32 maps [n, channels, height, width] with the given side, resized as images are.
func Resized(t nn.Tensor, side int) nn.Tensor {
	n, h, w := t.Shape[0]*t.Shape[1], t.Shape[2], t.Shape[3]
	rows, columns := weights(h, side), weights(w, side)
	src, out, half := t.Float32s(), make([]float32, n*side*side), make([]float32, h*side)
	for k := range n {
		shrink(out[k*side*side:(k+1)*side*side], src[k*h*w:(k+1)*h*w], half, rows, columns, w)
	}
	return nn.FromFloat32s(nn.Shape{t.Shape[0], t.Shape[1], side, side}, out)
}

// normalise fills plane with one padded channel of an image.
func (t Transform) normalise(s *Set, pixels []byte, c int, plane []float32) {
	mean, std := float32(0), float32(1)
	if c < len(t.Mean) {
		mean = t.Mean[c]
	}
	if c < len(t.Std) {
		std = t.Std[c]
	}
	black := -mean / std
	for i := range plane {
		plane[i] = black
	}
	w := s.Width + 2*t.Pad
	src := pixels[c*s.Height*s.Width:]
	for y := range s.Height {
		row := plane[(y+t.Pad)*w+t.Pad:]
		for x := range s.Width {
			row[x] = (float32(src[y*s.Width+x])/255 - mean) / std
		}
	}
}

// tap is the part of the input that one output position averages.
type tap struct {
	from    int
	weights []float32
	exact   []float64 // the same, not rounded
}

// weights returns the triangle filter from n to side positions; nil when nothing changes.
func weights(n, side int) []tap {
	if n == side {
		return nil
	}
	scale := float64(n) / float64(side)
	support := max(scale, 1)
	out := make([]tap, side)
	for i := range out {
		centre := scale * (float64(i) + 0.5)
		from := max(0, int(centre-support+0.5))
		to := min(n, int(centre+support+0.5))
		sum := 0.0
		list := make([]float64, to-from)
		for k := range list {
			list[k] = max(0, 1-math.Abs((float64(from+k)-centre+0.5)/support))
			sum += list[k]
		}
		out[i].from = from
		for _, v := range list {
			out[i].weights, out[i].exact = append(out[i].weights, float32(v/sum)), append(out[i].exact, v/sum)
		}
	}
	return out
}

// shrink resizes a plane of width w, columns first, into dst.
func shrink(dst, plane, half []float32, rows, columns []tap, w int) {
	src, stride := plane, w
	if columns != nil {
		h := len(plane) / w
		for y := range h {
			for x, t := range columns {
				sum := float32(0)
				for k, v := range t.weights {
					sum += v * plane[y*w+t.from+k]
				}
				half[y*len(columns)+x] = sum
			}
		}
		src, stride = half, len(columns)
	}
	if rows == nil {
		copy(dst, src[:len(dst)])
		return
	}
	for y, t := range rows {
		for x := range stride {
			sum := float32(0)
			for k, v := range t.weights {
				sum += v * src[(t.from+k)*stride+x]
			}
			dst[y*stride+x] = sum
		}
	}
}

// Batches yields all of s in order, in batches of the given size, at least 1; the last one may be smaller. It may be ranged over more than once.
// While one batch is used, the next is read.
func (t Transform) Batches(s *Set, batch, side int) nn.Inputs {
	return Batches(Source{Transform: t, Set: s}, []nn.Info{{Type: nn.Float32, Shape: nn.Shape{nn.Batch, s.Channels, side, side}}}, batch)
}

// ahead runs f beside what follows.
func ahead[T any](f func() T) chan T {
	out := make(chan T, 1) // nobody may come for it
	go func() { out <- f() }()
	return out
}
