package ncnn

import (
	"path/filepath"
	"slices"
	"testing"
)

// sample is a small model with most forms of parameters and weights.
func sample() *Model {
	half := []float32{0.5, -1, 2, 0.25}
	m := &Model{
		Layers: []Layer{
			{Type: "Input", Name: "in", Out: []string{"in"}, Params: shape([]int{1, 2, 2})},
			{Type: "Split", Name: "s", In: []string{"in"}, Out: []string{"a", "b"}},
			{Type: "Convolution", Name: "c", In: []string{"a"}, Out: []string{"c"}, Weights: []Weight{{half, true}, {[]float32{1}, false}}, Params: []Param{
				integer(0, 1), integer(1, 2), integer(4, 1), integer(5, 1), integer(6, 4), integer(9, 3), floats(10, 0, 6), integer(15, 0), integer(16, 0),
			}},
			{Type: "BinaryOp", Name: "add", In: []string{"c", "b"}, Out: []string{"d"}, Params: []Param{integer(0, 0)}},
			{Type: "Permute", Name: "p", In: []string{"d"}, Out: []string{"p"}, Params: []Param{integer(0, 3)}},
			{Type: "Crop", Name: "crop", In: []string{"p"}, Out: []string{"out"}, Params: []Param{integers(9, 1), integers(10, 2), integers(11, 0)}},
		},
		Notes: []string{"subnet original"},
	}
	for i := range m.Layers {
		m.Layers[i].set() // in order
	}
	return m
}

// TestReadWhatIsWritten: files and models are the same both ways.
func TestReadWhatIsWritten(t *testing.T) {
	for _, half := range []bool{false, true} {
		param, bin, err := sample().Encode(half)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Read(param, bin)
		if err != nil {
			t.Fatalf("%v\n%s", err, param)
		}
		again, binAgain, err := m.Encode(half)
		if err != nil || string(again) != string(param) || string(binAgain) != string(bin) {
			t.Errorf("read and written again: %v\n%s\n%s", err, param, again)
		}
		out, err := m.Run([]float32{1, 2, 3, 4})
		if want := []float32{0.75 + 3, 6 + 4}; err != nil || !slices.Equal(out[0], want) {
			t.Errorf("result %v, %v; want %v", out, err, want)
		}
	}
}

// FuzzRead: no input makes the reader or a run panic or take long; what is read is written and read again alike.
func FuzzRead(f *testing.F) {
	param, bin, err := sample().Encode(false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(param, bin)
	f.Add([]byte("7767517\n2 2\nInput i 0 1 x 0=3 1=2\nSoftmax s 1 1 x y 0=1 1=1\n"), []byte{})
	for _, l := range []string{"Interp l 1 1 x y 0=2 3=5 4=7", "Interp l 1 1 x y 0=1 3=5 4=1", "Padding l 1 1 x y 0=1 3=2 4=2 7=1", "PixelShuffle l 1 1 x y 0=2 1=1", "InstanceNorm l 1 1 x y 0=4 2=0"} {
		f.Add([]byte("7767517\n2 2\nInput i 0 1 x 0=3 1=2 2=4\n"+l+"\n"), []byte{})
	}
	f.Add([]byte("7767517\n2 2\nInput i 0 1 x 0=2 1=3\nMultiHeadAttention s 1 1 x y 0=2 1=2 2=4 3=2 4=2\n"), make([]byte, 112))
	f.Add([]byte("7767517\n3 4\nInput i 0 1 x 0=2 1=2 11=2 2=2\nSlice s 1 2 x y z -23300=2,1,1 1=1\nReshape r 1 1 y w 0=2 1=4\n"), []byte{})
	f.Fuzz(func(t *testing.T, param, bin []byte) {
		m, err := Read(param, bin)
		if err != nil {
			return
		}
		var in [][]float32
		for i := range m.Layers {
			if s := m.Layers[i].dims(0); m.Layers[i].Type == "Input" && !slices.ContainsFunc(s, func(n int) bool { return n < 1 || n > 64 }) && count(s) < 1<<12 {
				in = append(in, make([]float32, count(s)))
			}
		}
		_, _ = m.run(&runner{1 << 18}, in) // errors are welcome
		p, b, err := m.Encode(false)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(p, b)
		if err != nil || len(again.Layers) != len(m.Layers) {
			t.Fatalf("%v\n%s", err, p)
		}
	})
}

// TestDamage: cut and changed files are errors.
func TestDamage(t *testing.T) {
	param, bin, err := sample().Encode(true)
	if err != nil {
		t.Fatal(err)
	}
	for n := range bin {
		if _, err := Read(param, bin[:n]); err == nil {
			t.Errorf("%d of %d bytes of weights are enough", n, len(bin))
		}
	}
	if _, err := Read(param, append(bin, 0)); err == nil {
		t.Error("a byte more is not an error")
	}
	if files, _ := filepath.Glob("testdata/fuzz/FuzzRead/*"); len(files) == 0 {
		t.Error("the corpus is gone")
	}
}
