package ncnn

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
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
			h, ok := nn.ToFloat16(v)
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
