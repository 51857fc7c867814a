package nn

import "math"

// ToFloat16 rounds to the nearest float16, ties to even. The second result tells whether the value is in float16's range.
func ToFloat16(f float32) (uint16, bool) {
	b := math.Float32bits(f)
	sign := uint16(b >> 16 & 0x8000)
	a := math.Abs(float64(f))
	switch {
	case !(a < 65520): // also NaN
		return 0, false
	case a < 1.0/(1<<14): // subnormal: a multiple of 2^-24, and the smallest normal one where it rounds up to that
		return sign | uint16(math.RoundToEven(a*(1<<24))), true
	}
	m := b&0x7fffffff + 0xfff + b>>13&1
	return sign | uint16((m-(127-15)<<23)>>13), true
}

// FromFloat16 widens a float16.
func FromFloat16(h uint16) float32 {
	sign, exp, frac := uint32(h&0x8000)<<16, uint32(h>>10&31), uint32(h&0x3ff)
	switch exp {
	case 0:
		v := float32(frac) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}

// Halved returns a float32 tensor as float16. Tensors of other types, and tensors with a number beyond float16's range, are returned unchanged.
func (t Tensor) Halved() (Tensor, bool) {
	if t.Type != Float32 {
		return t, false
	}
	raw := make([]byte, 0, len(t.Raw)/2)
	for _, v := range t.Float32s() {
		h, ok := ToFloat16(v)
		if !ok {
			return t, false
		}
		raw = append(raw, byte(h), byte(h>>8))
	}
	return Tensor{Float16, t.Shape, raw}, true
}
