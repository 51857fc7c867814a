package tune

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/autotailor/autotailor/runtime/train/data"
)

// Augmentations change training images, which are bytes, before they become input. Every one is arithmetic on whole numbers, so that other programs
// get the same bytes; fractions are counted in 1/65536. The random numbers of an image are those of NewRand(seed, step, ofImage, number of the image in its
// step), of which every image takes the same ones, whatever the options are:
//
//	crop:    4: area, ratio, top, left
//	jitter:  3: brightness, contrast, saturation
//	RandAugment: 3 for each operation: which, sign, unused
//
// in this order. A share is a number below 65536, of 65536. Then the images are shifted, mirrored and erased, see images.go.

// one is 1 as a fraction.
const one = 1 << 16

// share draws a fraction from 0 to below 1, in 1/65536.
func (r *Rand) share() int { return r.IntN(one) }

// between draws a fraction evenly from low to high.
func (r *Rand) between(low, high float64) float64 {
	return low + (high-low)*float64(r.share())/one
}

// raster is an image of bytes, [channels, h, w].
type raster struct {
	channels, h, w int
	pix            []byte
}

// changes tells whether images are changed before they are shifted.
func (o Options) changes() bool { return o.Crop > 0 || o.Jitter > 0 || o.RandAugment > 0 }

// changeAll augments the images of a step in place, on all processors.
func (o Options) changeAll(set *data.Set, pixels []byte, step int) {
	if !o.changes() {
		return
	}
	each := set.Channels * set.Height * set.Width
	var all sync.WaitGroup
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(pixels)/each; i = int(next.Add(1)) - 1 {
				m := raster{set.Channels, set.Height, set.Width, pixels[i*each : (i+1)*each]}
				o.change(m, NewRand(o.Seed, uint64(step), ofImage, uint64(i)))
			}
		})
	}
	all.Wait()
}

// change augments one image in place.
func (o Options) change(m raster, r Rand) {
	m.crop(o.Crop, &r)
	m.jitter(o.Jitter, &r)
	for range o.RandAugment {
		m.operate(o.Magnitude, &r)
	}
}

// crop takes a part of the image, of at least the share least of its area and of a ratio of width to height from 3/4 to 4/3, and scales it to the
// image's size as Pillow does (bilinear with antialiasing). The part is
//
//	q = between(sqrt(3/4), sqrt(4/3)), s = sqrt(between(least, 1))
//	width = round(w*s*q), height = round(h*s/q), each from 1 to that of the image
//	top = IntN(h-height+1), left = IntN(w-width+1)
//
// which is torchvision's RandomResizedCrop but for parts that are larger than the image: those are cut, not drawn again.
func (m raster) crop(least float64, r *Rand) {
	s, q := math.Sqrt(r.between(least, 1)), r.between(math.Sqrt(0.75), math.Sqrt(4.0/3))
	h, w := part(m.h, s/q), part(m.w, s*q)
	top, left := r.IntN(m.h-h+1), r.IntN(m.w-w+1)
	if least <= 0 || h == m.h && w == m.w {
		return
	}
	cut := make([]byte, 0, m.channels*h*w)
	for c := range m.channels {
		for y := range h {
			from := (c*m.h+top+y)*m.w + left
			cut = append(cut, m.pix[from:from+w]...)
		}
	}
	copy(m.pix, data.Scaled(cut, m.channels, h, w, m.h, m.w))
}

// part is a share of n positions, rounded, at least 1 and at most n.
func part(n int, share float64) int {
	return max(1, min(n, int(math.Floor(float64(n)*share+0.5))))
}

// jitter changes brightness, contrast and saturation, in this order, each by a factor from 1-most to 1+most.
func (m raster) jitter(most float64, r *Rand) {
	for _, enhance := range []func(raster, int){raster.brightness, raster.contrast, raster.saturation} {
		factor := int(math.Floor(r.between(1-most, 1+most)*one + 0.5))
		if most > 0 {
			enhance(m, factor)
		}
	}
}

// blend is from + (to-from)*factor, in bytes: what Pillow's ImageEnhance does with an image and a degenerate one.
func blend(from, to byte, factor int) byte {
	v := (int(from)*(one-factor) + int(to)*factor + one/2) >> 16
	return byte(max(0, min(255, v)))
}

// brightness blends with black.
func (m raster) brightness(factor int) {
	for i, v := range m.pix {
		m.pix[i] = blend(0, v, factor)
	}
}

// contrast blends with the mean of the grey image, rounded.
func (m raster) contrast(factor int) {
	sum, area := 0, m.h*m.w
	for i := range area {
		sum += int(m.grey(i))
	}
	mean := byte((2*sum + area) / (2 * area))
	for i, v := range m.pix {
		m.pix[i] = blend(mean, v, factor)
	}
}

// saturation blends each pixel with its grey; images of one channel stay.
func (m raster) saturation(factor int) {
	area := m.h * m.w
	if m.channels != 3 {
		return
	}
	for i := range area {
		grey := m.grey(i)
		for c := range m.channels {
			m.pix[c*area+i] = blend(grey, m.pix[c*area+i], factor)
		}
	}
}

// grey is the luma of a pixel, as Pillow has it; of images that have no three channels, the first one.
func (m raster) grey(i int) byte {
	if m.channels != 3 {
		return m.pix[i]
	}
	area := m.h * m.w
	return byte((19595*int(m.pix[i]) + 38470*int(m.pix[area+i]) + 7471*int(m.pix[2*area+i]) + one/2) >> 16)
}
