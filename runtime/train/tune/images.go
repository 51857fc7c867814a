package tune

import (
	"github.com/autotailor/autotailor/runtime/train/data"
)

// The third numbers of the keys of random generators; SubNets have those from 0.
const (
	ofOrder   = 1 << 32
	ofAugment = 1<<32 + 1
)

// feed draws the images of steps: each epoch has all of them once, in an order of its own. What a step gets depends on seed and step only.
type feed struct {
	set     *data.Set
	options Options
	pad     int
	epoch   int
	order   []int // of epoch
}

func newFeed(set *data.Set, pad int, o Options) *feed {
	return &feed{set: set, options: o, pad: pad, epoch: -1}
}

// step returns the images of a step, augmented, with the padding of the transform around them.
func (f *feed) step(step int) (*data.Set, error) {
	o := f.options
	h, w := f.set.Height+2*f.pad, f.set.Width+2*f.pad
	out := &data.Set{N: o.Batch, Channels: f.set.Channels, Height: h, Width: w, Pixels: make([]byte, o.Batch*f.set.Channels*h*w), Labels: make([]int32, o.Batch)}
	images := make([]int, o.Batch)
	for i := range images {
		images[i] = f.index(step*o.Batch + i)
		out.Labels[i] = f.set.Labels[images[i]]
	}
	pixels, err := f.set.Pick(images)
	if err != nil {
		return nil, err
	}
	r, each := NewRand(o.Seed, uint64(step), ofAugment), f.set.Channels*f.set.Height*f.set.Width
	for i := range images {
		f.augment(out.Pixels[i*f.set.Channels*h*w:], pixels[i*each:], h, w, &r)
	}
	return out, nil
}

// index returns the image at a place in the endless row of epochs.
func (f *feed) index(at int) int {
	if epoch := at / f.set.N; epoch != f.epoch {
		f.epoch, f.order = epoch, make([]int, f.set.N)
		r := NewRand(f.options.Seed, uint64(epoch), ofOrder)
		for i := range f.order { // Fisher and Yates, inside out
			j := r.IntN(i + 1)
			f.order[i], f.order[j] = f.order[j], i
		}
	}
	return f.order[at%f.set.N]
}

// augment copies an image into dst, of h rows and w columns: shifted, mirrored, with a black rectangle, as the options say. It takes as many
// numbers from r whatever they are.
func (f *feed) augment(dst, image []byte, h, w int, r *Rand) {
	o := f.options
	dy, dx := r.IntN(2*o.Shift+1)-o.Shift, r.IntN(2*o.Shift+1)-o.Shift
	flip := r.IntN(2) == 1 && o.Flip
	erase := float64(r.IntN(1<<20)) < o.Erase*(1<<20)
	box := [4]int{r.IntN(h), r.IntN(w), 1 + r.IntN(max(1, h/3)), 1 + r.IntN(max(1, w/3))}
	for c := range f.set.Channels {
		src := image[c*f.set.Height*f.set.Width:]
		plane := dst[c*h*w : (c+1)*h*w]
		for y := range f.set.Height {
			to := y + f.pad + dy
			if to < 0 || to >= h {
				continue
			}
			for x := range f.set.Width {
				at := x + f.pad + dx
				if flip {
					at = w - 1 - at
				}
				if at >= 0 && at < w {
					plane[to*w+at] = src[y*f.set.Width+x]
				}
			}
		}
		if erase {
			for y := box[0]; y < min(h, box[0]+box[2]); y++ {
				clear(plane[y*w+box[1] : y*w+min(w, box[1]+box[3])])
			}
		}
	}
}
