package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

func idx(magic uint32, dims []uint32, data []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, magic)
	for _, d := range dims {
		out = binary.BigEndian.AppendUint32(out, d)
	}
	return append(out, data...)
}

func zip(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func random(n, c, h, w int) *Set {
	rng := rand.New(rand.NewPCG(1, 1))
	s := &Set{N: n, Channels: c, Height: h, Width: w, Pixels: make([]byte, n*c*h*w), Labels: make([]int32, n)}
	for i := range s.Pixels {
		s.Pixels[i] = byte(rng.IntN(256))
	}
	for i := range s.Labels {
		s.Labels[i] = int32(rng.IntN(10))
	}
	return s
}

func bytesOf(labels []int32) (out []byte) {
	for _, y := range labels {
		out = append(out, byte(y))
	}
	return out
}

func batch(t *testing.T, tr Transform, s *Set, from, to, side int) nn.Tensor {
	t.Helper()
	x, err := tr.Batch(s, from, to, side)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestOpen(t *testing.T) {
	want := random(5, 1, 3, 4)
	dir := t.TempDir()
	write(t, dir, "train-images-idx3-ubyte.gz", zip(t, idx(magicGrey, []uint32{5, 3, 4}, want.Pixels)))
	write(t, dir, "train-labels-idx1-ubyte", idx(magicLabels, []uint32{5}, bytesOf(want.Labels)))
	s, err := Open(dir, "train", Size{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Digest() != want.Digest() || s.Channels != 1 || s.Height != 3 || s.Width != 4 {
		t.Errorf("read %+v, want %+v", s, want)
	}
	if part := s.Slice(1, 3); part.N != 2 || part.Labels[0] != want.Labels[1] || part.Pixels[0] != want.Pixels[12] {
		t.Errorf("slice %+v", part)
	}
	if _, err := Open(dir, "test", Size{}); err == nil || !strings.Contains(err.Error(), "t10k-images") {
		t.Errorf("a missing split: %v", err)
	}
}

func TestDamagedFiles(t *testing.T) {
	good := idx(magicGrey, []uint32{2, 3, 4}, make([]byte, 24))
	labels := idx(magicLabels, []uint32{2}, []byte{1, 2})
	zipped := zip(t, good)
	flipped := bytes.Clone(zipped)
	flipped[len(flipped)-8] ^= 1 // in the checksum: what is decompressed has the right length
	for name, c := range map[string]struct {
		images, labels []byte
		want           string
	}{
		"cut off":       {good[:30], labels, "its header says 24"},
		"cut header":    {good[:9], labels, "header is cut off"},
		"empty":         {nil, labels, "no IDX file"},
		"labels first":  {labels, good, "wanted 0x00000803"},
		"huge":          {idx(magicGrey, []uint32{90_000_000, 16384, 16384}, nil), labels, "cannot be"},
		"no image":      {idx(magicGrey, []uint32{0, 3, 4}, nil), labels, "cannot be"},
		"other labels":  {good, idx(magicLabels, []uint32{3}, []byte{1, 2, 3}), "do not belong together"},
		"too much data": {append(bytes.Clone(good), 1), labels, "more data"},
		"cut gzip":      {zipped[:len(zipped)-12], labels, "cut off"},
		"no checksum":   {zipped[:len(zipped)-8], labels, "cut off"},
		"bad checksum":  {flipped, labels, "damaged"},
		"gzip header":   {zipped[:5], labels, "EOF"},
	} {
		dir := t.TempDir()
		write(t, dir, "i", c.images)
		write(t, dir, "l", c.labels)
		_, err := OpenIDX(filepath.Join(dir, "i"), filepath.Join(dir, "l"))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v, want %q and the file's name", name, err, c.want)
		}
	}
}

// TestBatchIsTheDefinition compares with a direct evaluation of the triangle filter in two dimensions.
func TestBatchIsTheDefinition(t *testing.T) {
	s := random(2, 3, 7, 9)
	tr := Transform{Pad: 2, Mean: []float32{0.1, 0.2, 0.3}, Std: []float32{0.5, 0.6, 0.7}}
	for _, side := range []int{4, 8, 11, 12, 20} {
		got := batch(t, tr, s, 0, 2, side).Float32s()
		for n := range 2 {
			for c := range 3 {
				for y := range side {
					for x := range side {
						want := slow(s, tr, n, c, y, x, side)
						if g := got[((n*3+c)*side+y)*side+x]; math.Abs(float64(g)-want) > 1e-4 {
							t.Fatalf("side %d, image %d, channel %d, (%d,%d): %g, want %g", side, n, c, y, x, g, want)
						}
					}
				}
			}
		}
	}
}

func slow(s *Set, tr Transform, n, c, y, x, side int) float64 {
	h, w := s.Height+2*tr.Pad, s.Width+2*tr.Pad
	at := func(out, size, k int) float64 {
		if size == side {
			if k == out {
				return 1
			}
			return 0
		}
		scale := float64(size) / float64(side)
		return max(0, 1-math.Abs(float64(k)+0.5-scale*(float64(out)+0.5))/max(scale, 1))
	}
	sum, norm := 0.0, 0.0
	for i := range h {
		for j := range w {
			f := at(y, h, i) * at(x, w, j)
			v := 0.0
			if i >= tr.Pad && i < h-tr.Pad && j >= tr.Pad && j < w-tr.Pad {
				v = float64(s.Pixels[((n*s.Channels+c)*s.Height+i-tr.Pad)*s.Width+j-tr.Pad]) / 255
			}
			sum += f * (v - float64(tr.Mean[c])) / float64(tr.Std[c])
			norm += f
		}
	}
	return sum / norm
}

// TestBatchByHand has values worked out on paper, those of Pillow and of PyTorch with antialias=True.
func TestBatchByHand(t *testing.T) {
	for name, c := range map[string]struct {
		tr     Transform
		size   int // of a square image
		pixels []byte
		side   int
		want   []float32
	}{
		"as it is":   {Transform{}, 2, []byte{0, 51, 102, 255}, 2, []float32{0, 0.2, 0.4, 1}},
		"normalised": {Transform{Mean: []float32{0.5}, Std: []float32{0.25}}, 1, []byte{255}, 1, []float32{2}},
		"padded before": {
			Transform{Pad: 1, Mean: []float32{0.5}, Std: []float32{0.25}}, 1, []byte{255}, 3,
			[]float32{-2, -2, -2, -2, 2, -2, -2, -2, -2},
		},
		// Centres 1 and 3, two pixels to each side: weights 3/4 3/4 1/4 and 1/4 3/4 3/4, divided by their sum 7/4.
		"half": {Transform{}, 4, bytes.Repeat([]byte{0, 0, 255, 255}, 4), 2, []float32{1. / 7, 6. / 7, 1. / 7, 6. / 7}},
		// Centres 1/4, 3/4, 5/4, 7/4 between the pixels at 1/2 and 3/2; nothing is beyond the edges.
		"twice": {
			Transform{}, 2, []byte{0, 255, 0, 255}, 4,
			[]float32{0, 0.25, 0.75, 1, 0, 0.25, 0.75, 1, 0, 0.25, 0.75, 1, 0, 0.25, 0.75, 1},
		},
	} {
		s := &Set{N: 1, Channels: 1, Height: c.size, Width: c.size, Pixels: c.pixels, Labels: []int32{0}}
		got := batch(t, c.tr, s, 0, 1, c.side).Float32s()
		for k, want := range c.want {
			if len(got) != len(c.want) || math.Abs(float64(got[k]-want)) > 1e-6 {
				t.Errorf("%s: %v, want %v", name, got, c.want)
				break
			}
		}
	}
}

// TestBatchesCoverTheSet: in order, for any size of batches, and again when ranged over again.
func TestBatchesCoverTheSet(t *testing.T) {
	s := random(7, 1, 4, 4)
	whole := batch(t, Transform{}, s, 0, 7, 4).Raw
	for _, size := range []int{-1, 0, 1, 3, 7, 100} {
		batches := (Transform{}).Batches(s, size, 4)
		for range 2 {
			var all []byte
			for b, err := range batches {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, b[0].Raw...)
			}
			if !bytes.Equal(all, whole) {
				t.Errorf("batches of %d: not the set in order", size)
			}
		}
	}
}

func FuzzIDX(f *testing.F) {
	f.Add(idx(magicGrey, []uint32{2, 2, 2}, make([]byte, 8)))
	f.Add(idx(magicLabels, []uint32{4}, []byte{1, 2, 3}))
	f.Add(idx(magicColour, []uint32{1, 3, 16384, 16384}, nil))
	f.Add(idx(magicColour, []uint32{1, 3, 1, 2}, make([]byte, 7)))
	f.Fuzz(func(t *testing.T, data []byte) {
		dims, pixels, err := parseIDX(bytes.NewReader(data), maxPixels, []uint32{magicGrey, magicColour, magicLabels})
		if err != nil {
			return
		}
		total := 1
		for _, d := range dims {
			total *= d
		}
		if total != len(pixels) || total > len(data) {
			t.Errorf("dims %v, %d bytes of %d", dims, len(pixels), len(data))
		}
	})
}
