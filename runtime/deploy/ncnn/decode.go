package ncnn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Bounds of what is read.
const (
	maxParam  = 16 << 20 // bytes of a .param file
	maxLayers = 1 << 16
	maxPorts  = 1 << 12 // blobs that a layer reads or writes
	maxID     = 31
	maxName   = 255
	maxExtent = 1 << 28 // elements of a blob or an array
)

// Read reads the contents of a .param and a .bin file. Every weight must be there, and nothing else; every blob must have one
// writer before its readers, and one reader unless it is a result.
func Read(param, bin []byte) (*Model, error) {
	m, err := parse(param)
	if err != nil {
		return nil, err
	}
	for i := range m.Layers {
		l := &m.Layers[i]
		k, ok := kinds[l.Type]
		if !ok {
			return nil, fmt.Errorf("layer %q: there is no reader for layers of type %q", l.Name, l.Type)
		}
		if k.weights == nil {
			continue
		}
		for _, a := range k.weights(l) {
			w := Weight{Tagged: a.tagged}
			if w.Data, bin, err = a.read(bin); err != nil {
				return nil, fmt.Errorf("layer %q: %w", l.Name, err)
			}
			l.Weights = append(l.Weights, w)
		}
	}
	if len(bin) > 0 {
		return nil, fmt.Errorf("%d bytes are left in the .bin file after the last layer: the two files do not belong together", len(bin))
	}
	return m, nil
}

// array tells how a weight is stored.
type array struct {
	n      int
	tagged bool
}

func (a array) read(bin []byte) (data []float32, rest []byte, err error) {
	half := false
	if a.tagged {
		if len(bin) < 4 {
			return nil, nil, errShort
		}
		switch tag := binary.LittleEndian.Uint32(bin); tag {
		case tagFloat32:
		case tagFloat16:
			half = true
		default:
			return nil, nil, fmt.Errorf("weights with the tag %#x cannot be read; want float32 or float16", tag)
		}
		bin = bin[4:]
	}
	if a.n < 0 || a.n > maxExtent {
		return nil, nil, fmt.Errorf("an array cannot have %d weights", a.n)
	}
	size := 4 * a.n
	if half {
		size = (2*a.n + 3) &^ 3
	}
	if len(bin) < size {
		return nil, nil, errShort
	}
	data = make([]float32, a.n)
	for i := range data {
		if half {
			data[i] = nn.FromFloat16(binary.LittleEndian.Uint16(bin[2*i:]))
		} else {
			data[i] = math.Float32frombits(binary.LittleEndian.Uint32(bin[4*i:]))
		}
	}
	return data, bin[size:], nil
}

var errShort = errors.New("the .bin file is too short")

// parse reads a .param file.
func parse(text []byte) (*Model, error) {
	if len(text) > maxParam {
		return nil, fmt.Errorf("a .param file of %d bytes is too long", len(text))
	}
	lines := strings.Split(string(text), "\n")
	if strings.TrimSpace(lines[0]) != magic {
		return nil, fmt.Errorf("line 1: want %s, the mark of a .param file", magic)
	}
	var layers, blobs int
	if len(lines) < 2 {
		return nil, errors.New("line 2: want the numbers of layers and blobs")
	}
	if _, err := fmt.Sscanf(lines[1], "%d %d", &layers, &blobs); err != nil || layers < 1 || layers > maxLayers || layers > len(lines)-2 {
		return nil, fmt.Errorf("line 2: want the numbers of layers and blobs, got %.40q", lines[1])
	}
	m := &Model{}
	for i, line := range lines[2 : 2+layers] {
		l, err := parseLayer(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+3, err)
		}
		m.Layers = append(m.Layers, l)
	}
	for i, line := range lines[2+layers:] {
		if note, ok := strings.CutPrefix(line, "#"); ok {
			m.Notes = append(m.Notes, strings.TrimSpace(note))
		} else if strings.TrimSpace(line) != "" {
			return nil, fmt.Errorf("line %d: want a comment after the %d layers that line 2 tells", i+3+layers, layers)
		}
	}
	return m, m.wired(blobs)
}

// wired checks writers and readers of blobs.
func (m *Model) wired(blobs int) error {
	readers, written := map[string]int{}, 0
	for _, l := range m.Layers {
		for _, b := range l.In {
			n, ok := readers[b]
			if !ok {
				return fmt.Errorf("layer %q reads the blob %q before any layer writes it", l.Name, b)
			}
			if n > 0 {
				return fmt.Errorf("layer %q reads the blob %q, which has a reader already", l.Name, b)
			}
			readers[b]++
		}
		for _, b := range l.Out {
			if _, ok := readers[b]; ok {
				return fmt.Errorf("layer %q writes the blob %q a second time", l.Name, b)
			}
			readers[b] = 0
			written++
		}
	}
	if written != blobs {
		return fmt.Errorf("line 2: there are %d blobs, not %d", written, blobs)
	}
	return nil
}

func parseLayer(line string) (Layer, error) {
	f := strings.Fields(line)
	if len(f) < 4 {
		return Layer{}, fmt.Errorf("want type, name and the numbers of blobs, got %.60q", line)
	}
	l := Layer{Type: f[0], Name: f[1]}
	in, err1 := strconv.Atoi(f[2])
	out, err2 := strconv.Atoi(f[3])
	if err1 != nil || err2 != nil || in < 0 || out < 0 || in > maxPorts || out > maxPorts || len(f) < 4+in+out {
		return Layer{}, fmt.Errorf("want %.8s + %.8s blobs, got %.60q", f[2], f[3], line)
	}
	l.In, l.Out = f[4:4+in:4+in], f[4+in:4+in+out:4+in+out]
	for _, name := range f[:4+in+out] {
		if len(name) > maxName {
			return Layer{}, fmt.Errorf("a name of %d characters, NCNN reads at most %d", len(name), maxName)
		}
	}
	for _, text := range f[4+in+out:] {
		p, err := parseParam(text)
		if err != nil {
			return Layer{}, fmt.Errorf("parameter %.40q: %w", text, err)
		}
		if _, ok := l.param(p.ID); ok {
			return Layer{}, fmt.Errorf("parameter %d stands here twice", p.ID)
		}
		l.Params = append(l.Params, p)
	}
	l.set()
	return l, nil
}

func parseParam(text string) (Param, error) {
	key, value, ok := strings.Cut(text, "=")
	id, err := strconv.Atoi(key)
	if !ok || err != nil {
		return Param{}, errors.New("want id=value")
	}
	p := Param{ID: id}
	parts := strings.Split(value, ",")
	if id <= -23300 {
		p.ID, p.Array = -23300-id, true
		if n, err := strconv.Atoi(parts[0]); err != nil || n != len(parts)-1 {
			return Param{}, errors.New("want as many values as its first number tells")
		}
		parts = parts[1:]
	}
	if p.ID < 0 || p.ID > maxID || !p.Array && len(parts) != 1 {
		return Param{}, fmt.Errorf("want one value for an id of at most %d", maxID)
	}
	isFloat := strings.ContainsAny(value, ".eE")
	for _, v := range parts {
		if isFloat {
			x, err := strconv.ParseFloat(v, 32)
			if err != nil {
				return Param{}, errors.New("want a number")
			}
			p.Floats = append(p.Floats, float32(x))
			continue
		}
		x, err := strconv.ParseInt(v, 10, 32)
		if err != nil {
			return Param{}, errors.New("want a number")
		}
		p.Ints = append(p.Ints, int(x))
	}
	return p, nil
}
