package data

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestSamples: what is written is read again, bit by bit and in order, for images in memory and for pictures in files.
func TestSamples(t *testing.T) {
	files := map[string][]byte{}
	for k := range 12 {
		files[fmt.Sprintf("train/%d/%d.png", k%3, k)] = drawing(t, byte(20*k))
	}
	folder, err := Open(tree(t, files), "train", Size{Channels: 3, Side: 4, Resize: 5})
	if err != nil {
		t.Fatal(err)
	}
	bare := random(7, 1, 5, 8)
	bare.Labels = nil // of images whose targets are masks
	for name, s := range map[string]*Set{"without labels": bare, "grey": random(7, 1, 5, 8), "colour": random(7, 3, 6, 4), "part": random(9, 1, 4, 4).Slice(2, 6), "folder": folder, "part of a folder": folder.Slice(3, 8)} {
		var b bytes.Buffer
		if err := WriteSample(&b, s); err != nil {
			t.Fatal(err)
		}
		got, digest, err := readSample(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all := make([]int, s.N)
		for i := range all {
			all[i] = i
		}
		want, err := s.Pick(all)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Pixels, want) || !slices.Equal(got.Labels, s.Labels) || digest != s.Digest() {
			t.Errorf("%s: read %d images of digest %s, wrote %d of %s", name, got.N, digest, s.N, s.Digest())
		}
		for _, n := range []int{0, 100, 600, b.Len() / 2} {
			if _, _, err := readSample(bytes.NewReader(b.Bytes()[:n])); err == nil {
				t.Errorf("%s: the first %d bytes are read", name, n)
			}
		}
	}
	if err := WriteSample(&bytes.Buffer{}, random(2, 4, 3, 3)); err == nil || !strings.Contains(err.Error(), "1 or 3 channels") {
		t.Errorf("four channels: %v", err)
	}
}

func FuzzSample(f *testing.F) {
	var b bytes.Buffer
	if err := WriteSample(&b, random(2, 1, 3, 3)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s, _, err := readSample(bytes.NewReader(raw)); err == nil && len(s.Pixels) != s.N*s.size() {
			t.Errorf("%d images have %d bytes", s.N, len(s.Pixels))
		}
	})
}
