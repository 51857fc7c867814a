package pytorch_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/torch"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// TestArraysAreAsInPyTorch: both sides read the same images and targets of NumPy's files and IDX files, in the same order and splits, under one digest.
func TestArraysAreAsInPyTorch(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t, "torch", "numpy")
	dir := t.TempDir()
	out, err := run(t, dir, "", py, "-c", `
import json, os, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from supernet.data import open_split, take
g = np.random.default_rng(1)
image = lambda n, *shape: g.integers(0, 256, (n, *shape), np.uint8)
classes = lambda n: np.sort(g.integers(0, 4, n)).astype(np.int64)
for name, n in (("train", 23), ("test", 9)):
    for folder in ("zip", "npy", "masks"):
        os.makedirs(folder, exist_ok=True)
    np.savez(f"zip/{name}.npz", x=image(n, 3, 8, 8), label=classes(n))
    np.save(f"npy/{name}_x.npy", image(n, 8, 8, 3))
    np.save(f"npy/{name}_y.npy", g.normal(size=(n, 2)).astype(np.float32))
    np.savez_compressed(f"masks/{name}.npz", x=image(n, 3, 8, 8), y=g.integers(-1, 3, (n, 8, 8)).astype(np.int32))
os.makedirs("whole"), os.makedirs("bare")
np.savez("whole/all.npz", images=image(41, 3, 8, 8), target=classes(41))
np.save("bare/x.npy", image(17, 3, 8, 8))
def idx(path, a):
    with open(path, "wb") as f:
        f.write(bytes([0, 0, 8, a.ndim]) + b"".join(n.to_bytes(4, "big") for n in a.shape) + a.tobytes())
for folder, labels in (("sorted", np.sort), ("mixed", lambda y: y)):
    os.makedirs(folder)
    for name in ("train", "t10k"):
        idx(f"{folder}/{name}-images-idx3-ubyte", image(60, 3, 8, 8))
        idx(f"{folder}/{name}-labels-idx1-ubyte", labels(g.integers(0, 4, 60).astype(np.uint8)))
assert open_split("sorted", "train", 8, 3).labels[:8].unique().numel() == 4
for folder in ("zip", "npy", "masks", "whole", "bare", "sorted", "mixed"):
    for split in ("train", "test"):
        images = open_split(folder, split, 8, 3)
        pixels, labels = images.batch(range(len(images)))
        print(json.dumps({"folder": folder, "split": split, "digest": images.digest, "few": take(images, 3).digest, "labels": labels.flatten().tolist(), "pixels": pixels.flatten().tolist()}))
`, absolute(t, "files"))
	if err != nil {
		t.Fatal(err)
	}
	results := json.NewDecoder(bytes.NewReader(out))
	for results.More() {
		var want struct {
			Folder, Split, Digest, Few string
			Labels                     []float64
			Pixels                     []int
		}
		if err := results.Decode(&want); err != nil {
			t.Fatal(err)
		}
		name := want.Split + " of " + want.Folder
		inputs := []nn.Info{{Name: "image", Type: nn.Float32, Shape: nn.Shape{nn.Batch, 3, 8, 8}}}
		s, err := data.OpenSamples(filepath.Join(dir, want.Folder), want.Split, inputs, data.Settings{Size: data.Size{Channels: 3, Side: 8}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s.Digest() != want.Digest || s.Slice(0, 3).Digest() != want.Few {
			t.Errorf("%s: digests %s and %s, in PyTorch %s and %s", name, s.Digest(), s.Slice(0, 3).Digest(), want.Digest, want.Few)
		}
		all := data.Numbers(0, s.Len())
		x, err := s.Inputs(inputs, all)
		if err != nil {
			t.Fatal(err)
		}
		pixels := x[0].Float32s()
		if len(pixels) != len(want.Pixels) {
			t.Fatalf("%s: %d samples, in PyTorch %d", name, len(pixels), len(want.Pixels))
		}
		for i, v := range pixels {
			if int(math.Round(float64(v)*255)) != want.Pixels[i] {
				t.Errorf("%s: pixel %d is %g of 255, in PyTorch %d", name, i, v*255, want.Pixels[i])
				break
			}
		}
		y, err := s.Targets(all)
		if err != nil {
			t.Fatal(err)
		}
		if labels := y.Numbers(); y.Type != 0 && fmt.Sprint(labels) != fmt.Sprint(want.Labels) || y.Type == 0 && len(want.Labels) > 0 {
			t.Errorf("%s: targets %v, in PyTorch %v", name, labels, want.Labels)
		}
	}
}
