package tune

import "math"

// maxMagnitude is the strongest of RandAugment's magnitudes.
const maxMagnitude = 30

// operation is one of RandAugment (Cubuk et al. 2020), at a strength from 0 to 1; sign is 1 or -1.
type operation struct {
	name  string
	apply func(m raster, strength, sign float64)
}

// operations are torchvision's, with its ranges. All turn and move around the centre, take the nearest pixel, and leave black outside.
var operations = []operation{
	{"identity", func(raster, float64, float64) {}},
	{"shear-x", func(m raster, s, sign float64) { m.affine(1, sign*0.3*s, 0, 0, 1, 0) }},
	{"shear-y", func(m raster, s, sign float64) { m.affine(1, 0, 0, sign*0.3*s, 1, 0) }},
	{"translate-x", func(m raster, s, sign float64) { m.affine(1, 0, sign*math.Floor(150.0/331*float64(m.w)*s), 0, 1, 0) }},
	{"translate-y", func(m raster, s, sign float64) { m.affine(1, 0, 0, 0, 1, sign*math.Floor(150.0/331*float64(m.h)*s)) }},
	{"rotate", func(m raster, s, sign float64) {
		sin, cos := math.Sincos(sign * s * 30 * math.Pi / 180)
		m.affine(cos, sin, 0, -sin, cos, 0)
	}},
	{"brightness", func(m raster, s, sign float64) { m.brightness(factorOf(s, sign)) }},
	{"color", func(m raster, s, sign float64) { m.saturation(factorOf(s, sign)) }},
	{"contrast", func(m raster, s, sign float64) { m.contrast(factorOf(s, sign)) }},
	{"sharpness", func(m raster, s, sign float64) { m.sharpness(factorOf(s, sign)) }},
	{"posterize", func(m raster, s, _ float64) { m.posterize(8 - int(math.Floor(4*s+0.5))) }},
	{"solarize", func(m raster, s, _ float64) { m.solarize(255 - int(math.Floor(255*s+0.5))) }},
	{"autocontrast", func(m raster, _, _ float64) { m.autocontrast() }},
	{"equalize", func(m raster, _, _ float64) { m.equalize() }},
}

// factorOf is 1 + sign*0.9*strength, as a fraction.
func factorOf(strength, sign float64) int {
	return int(math.Floor((1+sign*0.9*strength)*one + 0.5))
}

// operate draws one operation and applies it.
func (m raster) operate(magnitude int, r *Rand) {
	op, sign := operations[r.IntN(len(operations))], float64(1-2*r.IntN(2))
	r.Uint64()
	op.apply(m, float64(magnitude)/maxMagnitude, sign)
}

// affine moves pixels: that at (x, y), measured from the centre, comes from (a*x + b*y + c, d*x + e*y + f). Coefficients are rounded to
// 1/65536, places down after a half is added.
func (m raster) affine(a, b, c, d, e, f float64) {
	fixed := func(v float64) int { return int(math.Floor(v*one + 0.5)) }
	from, area := append([]byte{}, m.pix...), m.h*m.w
	for y := range m.h {
		for x := range m.w {
			cx, cy := 2*x+1-m.w, 2*y+1-m.h // twice the place, from the centre
			sx := (fixed(a)*cx + fixed(b)*cy + 2*fixed(c) + m.w*one) >> 17
			sy := (fixed(d)*cx + fixed(e)*cy + 2*fixed(f) + m.h*one) >> 17
			for k := range m.channels {
				v := byte(0)
				if sx >= 0 && sx < m.w && sy >= 0 && sy < m.h {
					v = from[k*area+sy*m.w+sx]
				}
				m.pix[k*area+y*m.w+x] = v
			}
		}
	}
}

// sharpness blends with a smooth image: each pixel but those of the edge is (sum of its 3x3 + 4 times itself + 6) / 13, rounded down.
func (m raster) sharpness(factor int) {
	from, area := append([]byte{}, m.pix...), m.h*m.w
	for c := range m.channels {
		for y := 1; y < m.h-1; y++ {
			for x := 1; x < m.w-1; x++ {
				at := c*area + y*m.w + x
				sum := 4*int(from[at]) + 6
				for dy := -1; dy <= 1; dy++ {
					for dx := -1; dx <= 1; dx++ {
						sum += int(from[at+dy*m.w+dx])
					}
				}
				m.pix[at] = blend(byte(sum/13), from[at], factor)
			}
		}
	}
}

// posterize keeps the upper bits.
func (m raster) posterize(bits int) {
	for i, v := range m.pix {
		m.pix[i] = v &^ (1<<(8-bits) - 1)
	}
}

// solarize inverts what is at least a threshold.
func (m raster) solarize(threshold int) {
	for i, v := range m.pix {
		if int(v) >= threshold {
			m.pix[i] = 255 - v
		}
	}
}

// autocontrast stretches each channel from its darkest to its brightest byte over all bytes: (v-low)*255/(high-low), rounded down.
func (m raster) autocontrast() {
	area := m.h * m.w
	for c := range m.channels {
		plane := m.pix[c*area : (c+1)*area]
		low, high := 255, 0
		for _, v := range plane {
			low, high = min(low, int(v)), max(high, int(v))
		}
		if low >= high {
			continue
		}
		for i, v := range plane {
			plane[i] = byte((int(v) - low) * 255 / (high - low))
		}
	}
}

// equalize makes the histogram of each channel even, as Pillow's ImageOps.equalize does.
func (m raster) equalize() {
	area := m.h * m.w
	for c := range m.channels {
		plane := m.pix[c*area : (c+1)*area]
		var count [256]int
		last := 0
		for _, v := range plane {
			count[v]++
			last = max(last, int(v))
		}
		step := (area - count[last]) / 255
		if step == 0 {
			continue
		}
		var to [256]byte
		n := step / 2
		for v := range to {
			to[v] = byte(min(255, n/step))
			n += count[v]
		}
		for i, v := range plane {
			plane[i] = to[v]
		}
	}
}
