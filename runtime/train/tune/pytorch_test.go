package tune

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/torch"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// TestStepsAreAsInPyTorch: steps have the same images in the same order, changed to the same bytes, in the middle of an epoch and beyond its end, also
// where two processes share a step.
func TestStepsAreAsInPyTorch(t *testing.T) {
	needs.Clone(t)
	python := torch.Python(t, "torch", "numpy", "PIL")
	const n, pad = 41, 2
	type pytorchCase struct {
		augmentCase
		World int `json:"world"`
		First int `json:"first"`
		Pad   int `json:"pad"`
	}
	type want struct {
		Pixels string
		Labels []int32
		Share  float64
	}
	var cases []pytorchCase
	for _, o := range []Options{
		{Shift: 2, Flip: true, Erase: 0.5}, {}, {Shift: 3}, {Crop: 0.3, Shift: 1, Flip: true, Jitter: 0.3, RandAugment: 2, Magnitude: 12, Erase: 0.3, Mixup: 0.5, CutMix: 1}, {CutMix: 1}, {Mixup: 1},
	} {
		o.Seed, o.Batch = 7, 8
		for k, shape := range [][4]int{{n, 3, 12, 12}, {n, 1, 9, 13}} {
			c := pytorchCase{augmentCase{shape, o.Seed, 0, o, hex.EncodeToString(scene(n, shape[1], shape[2], shape[3]))}, 1, 4, pad}
			if o.Mixup == 0 && o.CutMix == 0 {
				c.World = 1 + k // images are mixed with those of their process
			}
			cases = append(cases, c)
		}
	}
	var in bytes.Buffer
	for _, c := range cases {
		if err := json.NewEncoder(&in).Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(python, "testdata/feed.py", "../../../gen/pytorch/files")
	cmd.Stdin = &in
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	results := json.NewDecoder(bytes.NewReader(out))
	for _, c := range cases {
		var steps []want
		if err := results.Decode(&steps); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		set := &data.Set{N: n, Channels: c.Shape[1], Height: c.Shape[2], Width: c.Shape[3], Pixels: scene(n, c.Shape[1], c.Shape[2], c.Shape[3])}
		for i := range n {
			set.Labels = append(set.Labels, int32(i))
		}
		f := newFeed(data.Source{Set: set, Transform: data.Transform{Pad: pad}}, c.Options)
		for k, w := range steps {
			compareStep(t, fmt.Sprintf("%+v, %v, step %d", c.Options, c.Shape, c.First+k), f, c.First+k, w.Pixels, w.Labels, w.Share)
		}
	}
}

func compareStep(t *testing.T, name string, f *feed, step int, pixels string, labels []int32, share float64) {
	t.Helper()
	s, err := f.step(step)
	if err != nil {
		t.Fatal(err)
	}
	images, own := data.Source{}, 1.0
	switch s := s.(type) {
	case data.Source:
		images = s
	case mixedImages:
		images, own = s.Source, float64(s.share)/one
	}
	if got := hex.EncodeToString(images.Set.Pixels); got != pixels || fmt.Sprint(images.Set.Labels) != fmt.Sprint(labels) || own != share {
		differ := 0
		for i := 0; i < min(len(got), len(pixels)); i += 2 {
			if got[i:i+2] != pixels[i:i+2] {
				differ++
			}
		}
		t.Errorf("%s: images %v of share %g, in PyTorch %v of %g; %d of %d bytes differ", name, images.Set.Labels, own, labels, share, differ, len(pixels)/2)
	}
}
