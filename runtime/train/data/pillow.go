package data

// resized returns planes of w x h pixels, bilinear with a filter as wide as the shrinking, in the fixed-point arithmetic of Pillow
// (Resample.c): columns first, each pass rounded to bytes.
func (p planes) resized(w, h int) planes {
	if columns := weights(p.w, w); columns != nil {
		q := planes{p.channels, w, p.h, make([]byte, p.channels*w*p.h)}
		taps := fixed(columns)
		for y := range p.channels * p.h {
			src, dst := p.pix[y*p.w:][:p.w], q.pix[y*w:][:w]
			for x, t := range taps {
				sum := int32(1) << (precision - 1)
				for k, v := range t.weights {
					sum += v * int32(src[t.from+k])
				}
				dst[x] = clamp(sum >> precision)
			}
		}
		p = q
	}
	rows := weights(p.h, h)
	if rows == nil {
		return p
	}
	q := planes{p.channels, p.w, h, make([]byte, p.channels*p.w*h)}
	sums := make([]int32, p.w)
	for c := range p.channels {
		for y, t := range fixed(rows) {
			for x := range sums {
				sums[x] = 1 << (precision - 1)
			}
			for k, v := range t.weights {
				for x, b := range p.pix[(c*p.h+t.from+k)*p.w:][:p.w] {
					sums[x] += v * int32(b)
				}
			}
			dst := q.pix[(c*h+y)*p.w:][:p.w]
			for x, v := range sums {
				dst[x] = clamp(v >> precision)
			}
		}
	}
	return q
}

// precision is the number of bits after the point: a byte times a weight, and a sum of them, fit into 32 bits.
const precision = 32 - 8 - 2

// fixedTap is a tap with weights in fixed point.
type fixedTap struct {
	from    int
	weights []int32
}

func fixed(taps []tap) []fixedTap {
	out := make([]fixedTap, len(taps))
	for i, t := range taps {
		out[i].from = t.from
		for _, v := range t.exact {
			out[i].weights = append(out[i].weights, int32(v*(1<<precision)+0.5)) // weights of a triangle are not negative
		}
	}
	return out
}

// Scaled returns an image of bytes, [channels, h, w], with the size toH x toW: bilinear with antialiasing, to the byte as Pillow does it.
func Scaled(pixels []byte, channels, h, w, toH, toW int) []byte {
	return planes{channels, w, h, pixels}.resized(toW, toH).pix
}
