package embedded_test

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// stft draws a signal with or without parts, frames of a window or of a length, and both sides or one.
func stft(d *draw) []nn.Value {
	d.mixes, d.opset = true, 17
	batch, length, step := 1+d.rng.IntN(2), 2+d.rng.IntN(9), 1+d.rng.IntN(4)
	s := nn.Shape{batch, length + d.rng.IntN(20), 1}
	half := d.rng.IntN(2)
	bins := length
	if half == 1 {
		bins = length/2 + 1
	}
	xs := []nn.Value{d.input(s), d.integer(int64(step)), d.input(nn.Shape{length})}
	if d.coin() {
		xs[2] = nn.None
		xs = append(xs, d.integer(int64(length)))
	}
	to := nn.Shape{batch, (s[1]-length)/step + 1, bins, 2}
	return []nn.Value{d.op("STFT", []nn.Attr{integer("onesided", half)}, to, xs...)}
}

// integer is a constant number.
func (d *draw) integer(v int64) nn.Value {
	return d.b.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{integer("value_int", int(v))}})[0]
}

// dft draws transforms along any axis, there and back, of real and complex numbers, and of other lengths than the operand's.
func dft(d *draw) []nn.Value {
	d.mixes, d.opset = true, 17
	x := append(d.fixed(2, 4), 1+d.rng.IntN(2))
	axis := d.rng.IntN(len(x) - 1)
	to := slices.Clone(x)
	to[len(to)-1] = 2
	xs, attrs := []nn.Value{d.input(x)}, []nn.Attr{integer("axis", axis)}
	if d.coin() {
		to[axis] += d.rng.IntN(3)
		xs = append(xs, d.integer(int64(to[axis])))
	}
	switch d.rng.IntN(3) {
	case 0:
		if x[len(x)-1] == 1 {
			to[axis] = to[axis]/2 + 1
			attrs = append(attrs, integer("onesided", 1))
		}
	case 1:
		if x[len(x)-1] == 2 {
			attrs = append(attrs, integer("inverse", 1))
		}
	}
	return []nn.Value{d.op("DFT", attrs, to, xs...)}
}
