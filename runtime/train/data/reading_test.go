package data

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/runtime/nn"
)

// reads opens a split and reads all of it.
func reads(dir, split string, o Reading) (Source, []byte, error) {
	image := []nn.Info{info("x", nn.Float32, 1, 4, 4)}
	s, err := OpenSamples(dir, split, image, Settings{Size: grey, Reading: o})
	if err != nil {
		return Source{}, nil, err
	}
	source, ok := s.(Source)
	if !ok {
		return Source{}, nil, errors.New("these are no images")
	}
	x, err := source.Inputs(image, Numbers(0, source.Len()))
	if err != nil {
		return source, nil, err
	}
	return source, x[0].Raw, nil
}

// TestSkip: broken pictures are named and left out up to a limit; the others are in the order that a folder without the broken ones has.
func TestSkip(t *testing.T) {
	files := map[string][]byte{}
	for k := range 24 {
		files[fmt.Sprintf("train/%d/%d.png", k%3, k)] = drawing(t, byte(10*k))
	}
	whole, want, err := reads(tree(t, files), "train", Reading{})
	if err != nil {
		t.Fatal(err)
	}
	files["train/1/broken.png"], files["train/2/empty.png"] = drawing(t, 3)[:40], nil
	dir := tree(t, files)
	if _, _, err := reads(dir, "train", Reading{}); err == nil || !strings.Contains(err.Error(), "--skip") {
		t.Errorf("without a limit: %v", err)
	}
	_, _, err = reads(dir, "train", Reading{Skip: 1})
	for _, want := range []string{"broken.png", "empty.png", "2 pictures are broken, --skip allows 1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a limit of one: %v, want %q", err, want)
		}
	}
	s, got, err := reads(dir, "train", Reading{Skip: 2})
	if err != nil {
		t.Fatal(err)
	}
	text := errors.Join(s.Skipped()...).Error()
	if !bytes.Equal(got, want) || s.Digest() != whole.Digest() || len(s.Skipped()) != 2 || !strings.Contains(text, "broken.png") || !strings.Contains(text, "empty.png") {
		t.Errorf("%d pictures, left out: %v", s.Len(), s.Skipped())
	}
}

// TestKeptPictures: a later run finds what an earlier one has decoded, for the same files and sizes only, and does not trust a damaged file.
func TestKeptPictures(t *testing.T) {
	files := map[string][]byte{}
	for k := range 12 {
		files[fmt.Sprintf("train/%d/%d.png", k%2, k)] = drawing(t, byte(20*k))
	}
	dir, cached := tree(t, files), t.TempDir()
	_, want, err := reads(dir, "train", Reading{Cache: cached})
	if err != nil {
		t.Fatal(err)
	}
	victim := filepath.Join(dir, "train", "0", "0.png")
	before, err := os.Stat(victim)
	if err != nil {
		t.Fatal(err)
	}
	spoil := func(changed time.Time) {
		if err := os.WriteFile(victim, make([]byte, before.Size()), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(victim, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	spoil(before.ModTime()) // nothing could be decoded now
	if _, got, err := reads(dir, "train", Reading{Cache: cached}); err != nil || !bytes.Equal(got, want) {
		t.Errorf("a second run decodes again: %v", err)
	}
	list, err := os.ReadDir(cached)
	if err != nil || len(list) != 1 {
		t.Fatalf("the folder has %v (%v)", list, err)
	}
	file := filepath.Join(cached, list[0].Name())
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		raw[i] ^= 0x10
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := reads(dir, "train", Reading{Cache: cached}); err == nil {
		t.Error("a damaged file was trusted")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(victim), "0.png", files["train/0/0.png"])
	if _, got, err := reads(dir, "train", Reading{Cache: cached}); err != nil || !bytes.Equal(got, want) {
		t.Errorf("after the repair: %v", err)
	}
	spoil(before.ModTime().Add(time.Hour))
	if _, _, err := reads(dir, "train", Reading{Cache: cached}); err == nil {
		t.Error("a picture that has changed came from the file")
	}
}

// TestFlatFolder: pictures without class folders are samples without targets.
func TestFlatFolder(t *testing.T) {
	files := map[string][]byte{}
	for k := range 10 {
		files[fmt.Sprintf("%d.png", k)] = drawing(t, byte(20*k))
	}
	dir := tree(t, files)
	for split, want := range map[string]int{"train": 8, "test": 2} {
		s, _, err := reads(dir, split, Reading{})
		if err != nil {
			t.Fatal(err)
		}
		if y, err := s.Targets([]int{0}); err != nil || y.Type != 0 || s.Len() != want {
			t.Errorf("%s: %d samples, targets %v (%v)", split, s.Len(), y, err)
		}
	}
}
