package ncnn

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// magic begins a .param file.
const magic = "7767517"

// The tags of arrays in a .bin file.
const (
	tagFloat32 = 0
	tagFloat16 = 0x01306B47
)

// Encode returns the contents of the .param and the .bin file; half stores tagged weights as float16.
func (m *Model) Encode(half bool) (param, bin []byte, err error) {
	var text strings.Builder
	blobs := 0
	for i := range m.Layers {
		blobs += len(m.Layers[i].Out)
	}
	fmt.Fprintf(&text, "%s\n%d %d\n", magic, len(m.Layers), blobs)
	for i := range m.Layers {
		l := &m.Layers[i]
		fmt.Fprintf(&text, "%-24s %-24s %d %d", l.Type, l.Name, len(l.In), len(l.Out))
		for _, name := range append(append([]string(nil), l.In...), l.Out...) {
			text.WriteString(" " + name)
		}
		for _, p := range l.Params {
			text.WriteString(" " + p.String())
		}
		text.WriteByte('\n')
		for _, w := range l.Weights {
			if bin, err = w.append(bin, half); err != nil {
				return nil, nil, fmt.Errorf("layer %q: %w", l.Name, err)
			}
		}
	}
	for _, n := range m.Notes {
		fmt.Fprintf(&text, "# %s\n", strings.Join(strings.Fields(n), " "))
	}
	return []byte(text.String()), bin, nil
}

// String is the parameter as it stands in the file. Arrays have the form that every release of NCNN reads.
func (p Param) String() string {
	var parts []string
	for _, v := range p.Ints {
		parts = append(parts, strconv.Itoa(v))
	}
	for _, v := range p.Floats { // without a dot or an exponent NCNN would take a float for an integer
		parts = append(parts, strconv.FormatFloat(float64(v), 'e', 8, 32))
	}
	if !p.Array {
		return fmt.Sprintf("%d=%s", p.ID, parts[0])
	}
	return fmt.Sprintf("%d=%s", -23300-p.ID, strings.Join(append([]string{strconv.Itoa(len(parts))}, parts...), ","))
}

func (w *Weight) append(b []byte, half bool) ([]byte, error) {
	if w.Tagged && half {
		b = binary.LittleEndian.AppendUint32(b, tagFloat16)
		for _, v := range w.Data {
			h, ok := toHalf(v)
			if !ok {
				return nil, fmt.Errorf("weight %g does not fit float16; export with float32 weights", v)
			}
			b = binary.LittleEndian.AppendUint16(b, h)
		}
		if len(w.Data)%2 == 1 {
			b = append(b, 0, 0)
		}
		return b, nil
	}
	if w.Tagged {
		b = binary.LittleEndian.AppendUint32(b, tagFloat32)
	}
	for _, v := range w.Data {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b, nil
}

// toHalf rounds to the nearest float16, ties to even. It tells whether the value is in its range.
func toHalf(f float32) (uint16, bool) {
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

// fromHalf widens a float16.
func fromHalf(h uint16) float32 {
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
