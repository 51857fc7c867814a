package tune

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/quality"
	"github.com/autotailor/autotailor/internal/torch"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// scene are n images with slopes and noise.
func scene(n, channels, h, w int) []byte {
	pix := make([]byte, n*channels*h*w)
	r := NewRand(9, uint64(n))
	for i := range pix {
		x, y := i%w, i/w%h
		pix[i] = byte(40 + (3*x+5*y+17*(i/(h*w)))%170 + r.IntN(30))
	}
	return pix
}

type augmentCase struct {
	Shape   [4]int  `json:"shape"`
	Seed    uint64  `json:"seed"`
	Step    int     `json:"step"`
	Options Options `json:"options"`
	Pixels  string  `json:"pixels"`
}

// TestAugmentationsAreTheFormula: every augmentation, alone and together, gives the bytes that numpy and Pillow give for the same seed and step.
func TestAugmentationsAreTheFormula(t *testing.T) {
	needs.Clone(t)
	python := torch.Python(t, "numpy", "PIL")
	var cases []augmentCase
	for _, o := range []Options{
		{Crop: 0.08}, {Crop: 0.5}, {Jitter: 0.4}, {RandAugment: 1, Magnitude: 9}, {RandAugment: 1, Magnitude: 30}, {RandAugment: 2, Magnitude: 15}, {Mixup: 0.2},
		{CutMix: 1}, {Mixup: 0.8, CutMix: 1.5}, {Crop: 0.3, Jitter: 0.3, RandAugment: 2, Magnitude: 12, Mixup: 0.5, CutMix: 1}, {},
	} {
		for step, shape := range [][4]int{{16, 3, 32, 32}, {5, 1, 28, 28}, {4, 3, 17, 25}} {
			o.Seed = 7
			cases = append(cases, augmentCase{shape, o.Seed, step, o, hex.EncodeToString(scene(shape[0], shape[1], shape[2], shape[3]))})
		}
	}
	var in bytes.Buffer
	for _, c := range cases {
		if err := json.NewEncoder(&in).Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(python, filepath.Join("testdata", "augment.py"))
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v %s", err, out)
	}
	results := json.NewDecoder(bytes.NewReader(out))
	for _, c := range cases {
		var want struct {
			Pixels string
			Share  int
		}
		if err := results.Decode(&want); err != nil {
			t.Fatal(err)
		}
		n, channels, h, w := c.Shape[0], c.Shape[1], c.Shape[2], c.Shape[3]
		pix := scene(n, channels, h, w)
		c.Options.changeAll(&data.Set{Channels: channels, Height: h, Width: w}, pix, c.Step)
		m := c.Options.mixing(c.Step, h, w)
		m.apply(pix, n, channels, h, w)
		raw, err := hex.DecodeString(want.Pixels)
		if err != nil {
			t.Fatal(err)
		}
		differ := 0
		for i := range pix {
			if pix[i] != raw[i] {
				differ++
			}
		}
		if differ > 0 || m.share != want.Share {
			t.Errorf("%+v, %v: %d of %d bytes differ, share %d, want %d", c.Options, c.Shape, differ, len(pix), m.share, want.Share)
		}
	}
}

// TestRandAugmentDoesSomething: all operations but the first change the image at full strength.
func TestRandAugmentDoesSomething(t *testing.T) {
	for k, op := range operations {
		for _, sign := range []float64{1, -1} {
			pix := scene(1, 3, 24, 24)
			op.apply(raster{3, 24, 24, pix}, 1, sign)
			if same := bytes.Equal(pix, scene(1, 3, 24, 24)); same != (k == 0) {
				t.Errorf("%s, %g: same %v", op.name, sign, same)
			}
		}
	}
}

// TestBeta: the shares of mixup have the mean and the variance of their distribution.
func TestBeta(t *testing.T) {
	for _, alpha := range []float64{0.2, 0.8, 1, 1.9} {
		r, n, sum, square := NewRand(3), 20_000, 0.0, 0.0
		for range n {
			v := float64(beta(alpha, &r)) / one
			sum, square = sum+v/float64(n), square+v*v/float64(n)
		}
		if variance := 1 / (4 * (2*alpha + 1)); math.Abs(sum-0.5) > 0.01 || math.Abs(square-sum*sum-variance) > 0.01 {
			t.Errorf("alpha %g: mean %g, variance %g, want 0.5 and %g", alpha, sum, square-sum*sum, variance)
		}
	}
}

// TestMixedLoss: the loss of mixed images, and its gradient, are those of targets that have the shares of both classes.
func TestMixedLoss(t *testing.T) {
	const n, classes = 4, 3
	scores := []float32{1, 0, -1, 0.5, 2, 0, 0, 0, 1, -1, 1, 0.25}
	step := mixedImages{data.Source{Set: &data.Set{N: n, Labels: []int32{0, 1, 2, 1}}}, one / 4}
	g := &nn.Graph{Values: []nn.Info{{}, {Type: nn.Float32, Shape: nn.Shape{nn.Batch, classes}}}, Outputs: []nn.Value{1}}
	j, err := data.Classification().Judge(g, step)
	if err != nil {
		t.Fatal(err)
	}
	b := data.Batch{Samples: []int{0, 1, 2, 3}, Outputs: []nn.Tensor{nn.FromFloat32s(nn.Shape{n, classes}, scores)}}
	if b.Targets, err = step.Targets(b.Samples); err != nil {
		t.Fatal(err)
	}
	loss, gradients, err := mixedLoss(j, b, data.Recipe{}, step)
	if err != nil {
		t.Fatal(err)
	}
	want, p := 0.0, make([]float64, classes)
	for i := range n {
		quality.Softmax(p, scores[i*classes:(i+1)*classes])
		own, other := int(step.Set.Labels[i]), int(step.Set.Labels[n-1-i])
		want -= (0.25*math.Log(p[own]) + 0.75*math.Log(p[other])) / n
		for k := range classes {
			slope := p[k]
			if k == own {
				slope -= 0.25
			}
			if k == other {
				slope -= 0.75
			}
			if got := float64(gradients[0][i*classes+k]); math.Abs(got-slope/n) > 1e-6 {
				t.Errorf("gradient of score %d of image %d: %g, want %g", k, i, got, slope/n)
			}
		}
	}
	if math.Abs(loss-want) > 1e-6 {
		t.Errorf("loss %g, want %g", loss, want)
	}
}
