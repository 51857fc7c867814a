package pytorch_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/torch"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// picture draws waves with noise.
func picture(rng *rand.Rand, w, h int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := func(k int) uint8 { return uint8((x*(3+k)+y*(2+k))%160 + rng.IntN(60)) }
			img.SetNRGBA(x, y, color.NRGBA{v(0), v(1), v(2), 255})
		}
	}
	return img
}

// folders writes the same pictures as train/CLASS and test/CLASS, as CLASS alone, and as tar shards, and returns these folders.
func folders(t *testing.T) (list []string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 5))
	root := t.TempDir()
	put := func(name string, raw []byte) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, raw, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	shards := map[string]*bytes.Buffer{"train-0": {}, "val-0": {}}
	tars := map[string]*tar.Writer{}
	for name, b := range shards {
		tars[name] = tar.NewWriter(b)
	}
	member := func(w *tar.Writer, name string, raw []byte) {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(raw)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(raw); err != nil {
			t.Fatal(err)
		}
	}
	for y, class := range []string{"ape", "bear", "cat"} {
		for k := range 7 + 2*y {
			var raw bytes.Buffer
			ext, err := ".png", error(nil)
			if img := picture(rng, 20+rng.IntN(30), 20+rng.IntN(30)); k%3 == 0 {
				err = png.Encode(&raw, img)
			} else {
				ext, err = ".JPG", jpeg.Encode(&raw, img, &jpeg.Options{Quality: 90})
			}
			if err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("%s/%d%s", class, k, ext)
			split, shard := "train", "train-0"
			if k%3 == 2 {
				split, shard = "val", "val-0"
			}
			put("split/"+split+"/"+name, raw.Bytes())
			put("whole/"+name, raw.Bytes())
			member(tars[shard], fmt.Sprintf("%s%d%s", class, k, ext), raw.Bytes())
			member(tars[shard], fmt.Sprintf("%s%d.cls", class, k), []byte(fmt.Sprint(y)))
		}
	}
	for name, w := range tars {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		put("shards/"+name+".tar", shards[name].Bytes())
	}
	for _, name := range []string{"split", "whole", "shards"} {
		list = append(list, filepath.Join(root, name))
	}
	return list
}

// TestFoldersAreAsInPyTorch: both sides read the same pictures of a folder, in the same order and splits, under one digest, with samples that differ
// by at most 4 and 99 % of them by at most 1: JPEG decoders round in their own ways.
func TestFoldersAreAsInPyTorch(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t, "torch", "PIL")
	dir, list := emit(t, "vit"), folders(t)
	for _, folder := range list {
		for _, split := range []string{"train", "test"} {
			out, err := run(t, dir, "", py, "-c", `
import json, sys
from vit.data import open_split, take
images = open_split(sys.argv[1], sys.argv[2], 16, 3, 18)
few = take(images, 5)
pixels, labels = images.batch(range(len(images)))
print(json.dumps({"digest": images.digest, "few": few.digest, "labels": labels.tolist(), "pixels": pixels.flatten().tolist()}))
`, folder, split)
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Digest, Few string
				Labels      []int32
				Pixels      []int
			}
			if err := json.Unmarshal(out, &want); err != nil {
				t.Fatal(err)
			}
			set, err := data.Open(folder, split, data.Size{Channels: 3, Side: 16, Resize: 18})
			if err != nil {
				t.Fatal(err)
			}
			if set.Digest() != want.Digest || set.Slice(0, 5).Digest() != want.Few || fmt.Sprint(set.Labels) != fmt.Sprint(want.Labels) {
				t.Errorf("%s of %s: %v under %s, in PyTorch %v under %s", split, folder, set.Labels, set.Digest(), want.Labels, want.Digest)
				continue
			}
			compareSamples(t, split+" of "+folder, set, want.Pixels)
		}
	}
}

func compareSamples(t *testing.T, name string, set *data.Set, want []int) {
	t.Helper()
	all := make([]int, set.N)
	for i := range all {
		all[i] = i
	}
	got, err := set.Pick(all)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d samples, want %d", name, len(got), len(want))
	}
	far, largest := 0, 0
	for i, v := range want {
		d := int(got[i]) - v
		if d = max(d, -d); d > 1 {
			far++
		}
		largest = max(largest, d)
	}
	if largest > 4 || far*100 > len(got) {
		t.Errorf("%s: samples differ by up to %d, %d of %d by more than 1", name, largest, far, len(got))
	}
}
