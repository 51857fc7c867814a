package tune

import "github.com/autotailor/autotailor/runtime/train/data"

// The third numbers of the keys of random generators; SubNets have those from 0.
const (
	ofOrder   = 1 << 32
	ofAugment = 1<<32 + 1
	ofMix     = 1<<32 + 2
	ofImage   = 1<<32 + 3 // then the image's number in its step
)

// feed draws the samples of steps: each epoch has all of them once, in an order of its own. What a step gets depends on seed and step only.
type feed struct {
	samples data.Samples
	options Options
	epoch   int
	order   []int // of epoch
}

func newFeed(s data.Samples, o Options) *feed { return &feed{samples: s, options: o, epoch: -1} }

// step returns the samples of a step, augmented where they are images.
func (f *feed) step(step int) (data.Samples, error) {
	list := make([]int, f.options.Batch)
	for i := range list {
		list[i] = f.index(step*len(list) + i)
	}
	images, ok := f.samples.(data.Source)
	if !ok {
		return data.Picked(f.samples, list), nil
	}
	set, m, err := f.augmented(images.Set, images.Transform.Pad, list, step)
	if images.Set, images.Transform.Pad = set, 0; err == nil && m.mixed() {
		return mixedImages{images, m.share}, nil
	}
	return images, err
}

// augmented returns some images, augmented, with the padding of the transform around them.
func (f *feed) augmented(set *data.Set, pad int, images []int, step int) (*data.Set, mix, error) {
	n, h, w := len(images), set.Height+2*pad, set.Width+2*pad
	out := &data.Set{N: n, Channels: set.Channels, Height: h, Width: w, Pixels: make([]byte, n*set.Channels*h*w), Classes: set.Classes}
	pixels, err := set.Pick(images)
	if err != nil {
		return nil, mix{}, err
	}
	if set.Labels != nil {
		out.Labels = make([]int32, n)
		for i, image := range images {
			out.Labels[i] = set.Labels[image]
		}
	}
	each := set.Channels * set.Height * set.Width
	f.options.changeAll(set, pixels, step)
	r := NewRand(f.options.Seed, uint64(step), ofAugment)
	for i := range images {
		f.augment(out, i, set, pixels[i*each:], pad, &r)
	}
	m := f.options.mixing(step, h, w)
	m.apply(out.Pixels, n, out.Channels, h, w)
	return out, m, nil
}

// index returns the sample at a place in the endless row of epochs.
func (f *feed) index(at int) int {
	if epoch := at / f.samples.Len(); epoch != f.epoch {
		f.epoch, f.order = epoch, make([]int, f.samples.Len())
		r := NewRand(f.options.Seed, uint64(epoch), ofOrder)
		for i := range f.order { // Fisher and Yates, inside out
			j := r.IntN(i + 1)
			f.order[i], f.order[j] = f.order[j], i
		}
	}
	return f.order[at%f.samples.Len()]
}

// augment copies an image of set, with padding, to number i of out: shifted, mirrored, with a black rectangle, as the options say. It takes as many
// numbers from r whatever they are.
func (f *feed) augment(out *data.Set, i int, set *data.Set, image []byte, pad int, r *Rand) {
	o, h, w := f.options, out.Height, out.Width
	dst := out.Pixels[i*out.Channels*h*w:]
	dy, dx := r.IntN(2*o.Shift+1)-o.Shift, r.IntN(2*o.Shift+1)-o.Shift
	flip := r.IntN(2) == 1 && o.Flip
	erase := float64(r.IntN(1<<20)) < o.Erase*(1<<20)
	box := [4]int{r.IntN(h), r.IntN(w), 1 + r.IntN(max(1, h/3)), 1 + r.IntN(max(1, w/3))}
	for c := range set.Channels {
		src := image[c*set.Height*set.Width:]
		plane := dst[c*h*w : (c+1)*h*w]
		for y := range set.Height {
			to := y + pad + dy
			if to < 0 || to >= h {
				continue
			}
			for x := range set.Width {
				at := x + pad + dx
				if flip {
					at = w - 1 - at
				}
				if at >= 0 && at < w {
					plane[to*w+at] = src[y*set.Width+x]
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
