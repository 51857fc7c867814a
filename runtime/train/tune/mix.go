package tune

import (
	"math"

	"github.com/autotailor/autotailor/runtime/train/data"
)

// mix says how the images of a step are mixed with each other: image i with image n-1-i, whose targets have the rest of the weight. The random
// numbers are those of NewRand(seed, step, ofMix): one that chooses between mixup and CutMix where both are wanted, those of the share, then two for
// the centre of CutMix's rectangle.
type mix struct {
	share int    // of the image's own, in 1/65536
	cut   bool   // a rectangle is the other image's
	box   [4]int // top, left, bottom, right of the rectangle
}

// mixing draws how a step's images of h x w pixels are mixed.
func (o Options) mixing(step, h, w int) mix {
	m := mix{share: one}
	if o.Mixup <= 0 && o.CutMix <= 0 {
		return m
	}
	r := NewRand(o.Seed, uint64(step), ofMix)
	alpha := o.Mixup
	if second := r.IntN(2) == 1; o.CutMix > 0 && (second || o.Mixup <= 0) {
		m.cut, alpha = true, o.CutMix
	}
	m.share = beta(alpha, &r)
	if m.cut {
		side := math.Sqrt(float64(one-m.share) / one)
		bh, bw := int(side*float64(h)), int(side*float64(w))
		cy, cx := r.IntN(h), r.IntN(w)
		m.box = [4]int{max(0, cy-bh/2), max(0, cx-bw/2), min(h, cy-bh/2+bh), min(w, cx-bw/2+bw)}
		m.share = one - (m.box[2]-m.box[0])*(m.box[3]-m.box[1])*one/(h*w)
	}
	return m
}

// beta draws from the Beta distribution with both parameters alpha, at most 2, by Jöhnk's method, in 1/65536.
func beta(alpha float64, r *Rand) int {
	for {
		x := math.Pow((float64(r.share())+0.5)/one, 1/alpha)
		y := math.Pow((float64(r.share())+0.5)/one, 1/alpha)
		if sum := x + y; sum > 0 && sum <= 1 {
			return int(math.Floor(x/sum*one + 0.5))
		}
	}
}

// apply mixes n images of [channels, h, w], one after the other.
func (m mix) apply(pix []byte, n, channels, h, w int) {
	if m.share == one {
		return
	}
	each := channels * h * w
	from := append([]byte{}, pix[:n*each]...)
	for i := range n {
		own, other := pix[i*each:(i+1)*each], from[(n-1-i)*each:(n-i)*each]
		if !m.cut {
			for k, v := range own {
				own[k] = blend(other[k], v, m.share)
			}
			continue
		}
		for c := range channels {
			for y := m.box[0]; y < m.box[2]; y++ {
				row := (c*h + y) * w
				copy(own[row+m.box[1]:row+m.box[3]], other[row+m.box[1]:row+m.box[3]])
			}
		}
	}
}

// mixed tells whether targets are mixed, too.
func (m mix) mixed() bool { return m.share < one }

// mixedImages are those of a step that are mixed: image i with the last but i.
type mixedImages struct {
	data.Source
	share int // of the image's own targets, in 1/65536
}

// mixedLoss is the loss of a batch of a step. Where images are mixed, it is the losses with both images' targets, by their shares.
func mixedLoss(j *data.Judge, b data.Batch, recipe data.Recipe, step data.Samples) (float64, [][]float32, error) {
	loss, gradients, err := j.Loss(b, recipe)
	m, ok := step.(mixedImages)
	if !ok || err != nil {
		return loss, gradients, err
	}
	others := make([]int, len(b.Samples))
	for k, i := range b.Samples {
		others[k] = step.Len() - 1 - i
	}
	if b.Targets, err = step.Targets(others); err != nil {
		return 0, nil, err
	}
	second, slopes, err := j.Loss(b, recipe)
	if err != nil {
		return 0, nil, err
	}
	own := float64(m.share) / one
	for k, list := range gradients {
		for i, v := range list {
			list[i] = float32(own*float64(v) + (1-own)*float64(slopes[k][i]))
		}
	}
	return own*loss + (1-own)*second, gradients, nil
}
