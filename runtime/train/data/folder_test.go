package data

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// drawing is a grey picture of one shade, as PNG.
func drawing(t *testing.T, shade byte) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 9, 6))
	for i := range img.Pix {
		img.Pix[i] = shade
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tree(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, raw := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, raw)
	}
	return dir
}

var grey = Size{Channels: 1, Side: 4}

// TestSplitsOfClassFolders: without split folders a fifth of each class is the test split; both are apart, have all pictures, and every run of
// images has all classes in proportion.
func TestSplitsOfClassFolders(t *testing.T) {
	files := map[string][]byte{}
	for k := range 300 {
		files[fmt.Sprintf("class%03d/%d.png", k%3, k)] = drawing(t, byte(k%256))
	}
	dir := tree(t, files)
	seen := map[string]bool{}
	for split, want := range map[string]int{"train": 240, "test": 60} {
		s, err := Open(dir, split, grey)
		if err != nil {
			t.Fatal(err)
		}
		if s.N != want || !slices.Equal(s.Classes, []string{"class000", "class001", "class002"}) {
			t.Fatalf("%s: %d images of %v, want %d", split, s.N, s.Classes, want)
		}
		for i := range s.N {
			seen[s.Images.Identity(i)] = true
		}
		count := [3]int{}
		for _, y := range s.Slice(10, 40).Labels {
			count[y]++
		}
		if slices.Min(count[:]) < 9 {
			t.Errorf("%s: 30 images have classes %v", split, count)
		}
		again, err := Open(dir, split, grey)
		if err != nil || again.Digest() != s.Digest() || again.Slice(3, 9).Digest() != s.Slice(3, 9).Digest() {
			t.Errorf("%s: another order when opened again (%v)", split, err)
		}
	}
	if len(seen) != 300 {
		t.Errorf("the splits have %d pictures, want 300", len(seen))
	}
}

// TestManyClasses: labels are not bytes.
func TestManyClasses(t *testing.T) {
	files := map[string][]byte{}
	for k := range 300 {
		files[fmt.Sprintf("train/%03d/a.png", k)] = drawing(t, byte(k%256))
		if k != 5 {
			files[fmt.Sprintf("test/%03d/b.png", k)] = drawing(t, byte(k%256))
		}
	}
	dir := tree(t, files)
	for _, split := range []string{"train", "test"} {
		s, err := Open(dir, split, grey)
		if err != nil {
			t.Fatal(err)
		}
		pixels := make([]byte, 16)
		for i, y := range s.Labels { // a test split without class 5 numbers the others as the training split does
			if err := s.Read(i, pixels); err != nil || pixels[0] != byte(y%256) {
				t.Fatalf("%s: image of class %d has shade %d (%v)", split, y, pixels[0], err)
			}
		}
		if s.Top() != 299 {
			t.Errorf("%s: the largest label is %d", split, s.Top())
		}
	}
}

// TestBadFolders: each is refused with the file's name.
func TestBadFolders(t *testing.T) {
	good := drawing(t, 7)
	for name, c := range map[string]struct {
		files map[string][]byte
		split string
		to    Size
		want  []string
	}{
		"nothing":         {nil, "train", grey, []string{"a folder with pictures for each class", "train/CLASS/*.jpg"}},
		"an empty class":  {map[string][]byte{"train/a/a.png": good, "train/b/notes.txt": nil, "train/c/x.txt": nil}, "train", grey, []string{filepath.Join("train", "b"), filepath.Join("train", "c"), "no pictures in it"}},
		"an unknown one":  {map[string][]byte{"train/a/a.png": good, "test/z/a.png": good}, "test", grey, []string{filepath.Join("test", "z"), "no class of that name"}},
		"no test split":   {map[string][]byte{"train/a/a.png": good}, "test", grey, []string{`none for "test"`, "test/CLASS/*.jpg"}},
		"no size":         {map[string][]byte{"a/a.png": good}, "train", Size{}, []string{"1 or 3 channels"}},
		"too small":       {map[string][]byte{"a/a.png": good}, "train", Size{Channels: 1, Side: 4, Resize: 3}, []string{"data.resize"}},
		"an unknown name": {map[string][]byte{"a/a.png": good}, "dev", grey, []string{`no split "dev"`}},
	} {
		dir := tree(t, c.files)
		_, err := Open(dir, c.split, c.to)
		for _, want := range append(c.want, filepath.Base(dir)) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}

// TestBrokenPictures: the first use of a damaged picture ends with its name, in every way of reading.
func TestBrokenPictures(t *testing.T) {
	good := drawing(t, 7)
	huge := bytes.Clone(good)
	copy(huge[16:24], []byte{0x7f, 0, 0, 0, 0x7f, 0, 0, 0}) // width and height
	for name, raw := range map[string][]byte{"cut": good[:len(good)-20], "empty": {}, "text.png": []byte("no picture"), "huge": huge} {
		dir := tree(t, map[string][]byte{"train/a/good.png": good, "train/a/" + name + ".png": raw})
		s, err := Open(dir, "train", grey)
		if err != nil {
			t.Fatal(err)
		}
		_, batch := Transform{}.Batch(s, 0, 2, 4)
		_, _, statistics := s.Statistics()
		_, pick := s.Pick([]int{0, 1})
		var stream error
		for _, err := range (Transform{}).Batches(s, 1, 4) {
			if err != nil {
				stream = err
			}
		}
		for _, err := range []error{batch, statistics, pick, stream} {
			if err == nil || !strings.Contains(err.Error(), name+".png") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestStreamedBatches: images of files give the batches of the same images in memory, and again from the cache after the files have gone.
func TestStreamedBatches(t *testing.T) {
	files := map[string][]byte{}
	for k := range 23 {
		files[fmt.Sprintf("train/%d/%d.png", k%2, k)] = drawing(t, byte(10*k))
	}
	dir := tree(t, files)
	s, err := Open(dir, "train", grey)
	if err != nil {
		t.Fatal(err)
	}
	memory := &Set{N: s.N, Channels: 1, Height: 4, Width: 4, Labels: s.Labels}
	all := make([]int, s.N)
	for i := range all {
		all[i] = i
	}
	if memory.Pixels, err = s.Pick(all); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	tr := Transform{Pad: 1, Mean: []float32{0.4}, Std: []float32{0.3}}
	for _, part := range [][2]int{{0, s.N}, {3, 17}} {
		want := batch(t, tr, memory.Slice(part[0], part[1]), 0, part[1]-part[0], 5).Raw
		for _, size := range []int{1, 4, 100} {
			var got []byte
			for x, err := range tr.Batches(s.Slice(part[0], part[1]), size, 5) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, x[0].Raw...)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("images %v in batches of %d differ from those in memory", part, size)
			}
		}
	}
}

func FuzzPicture(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\x08\x00\x00\x00"))
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Add([]byte("GIF89a\x01\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if turn := Orientation(raw); turn < 1 || turn > 8 {
			t.Errorf("orientation %d", turn)
		}
		head, _, err := image.DecodeConfig(bytes.NewReader(raw))
		if err == nil && head.Width*head.Height > 1<<20 {
			return // takes its time
		}
		_ = (Size{Channels: 3, Side: 4, Resize: 5}).decode(raw, make([]byte, 48)) // errors are no panics
	})
}

// TestBombs: a small file that unpacks to a huge picture is refused before it is unpacked, a picture of the same size that has something to show is not.
func TestBombs(t *testing.T) {
	empty := image.NewNRGBA64(image.Rect(0, 0, 4096, 2200))
	var b bytes.Buffer
	if err := png.Encode(&b, empty); err != nil {
		t.Fatal(err)
	}
	err := Size{Channels: 3, Side: 4, Resize: 5}.decode(b.Bytes(), make([]byte, 48))
	if err == nil || !strings.Contains(err.Error(), "4096 x 2200 pixels") {
		t.Errorf("%d bytes: %v", b.Len(), err)
	}
	head := image.Config{ColorModel: empty.ColorModel(), Width: 4096, Height: 2200}
	if bomb(head, 1<<20) || !bomb(head, 1<<18) {
		t.Error("what a picture may take does not depend on its file")
	}
}
