package conform

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestRandomSharedWeights draws networks whose layers take their weights from a few, plain, transposed and in groups, and compares random SubNets with
// the slicing reference in ONNX Runtime.
func TestRandomSharedWeights(t *testing.T) {
	needs.Time(t)
	e := runtimeEngine(t)
	const networks, subnets = 40, 4
	for seed := range uint64(networks) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			path := zooModel(t, func(z *zoo) {
				d := &sharing{zoo: z, rng: rand.New(rand.NewPCG(seed, 7)), names: map[string][]string{}}
				d.network()
			})
			c, p, w := opened(t, path)
			choices, rng := choicesOf(c), rand.New(rand.NewPCG(seed, 8))
			for k := range subnets {
				genes := make(space.Genes, len(choices))
				if k > 0 {
					genes = space.Random(choices, rng)
				}
				if d := oneSubNet(t, e, p, choices, genes, w, path); d > sameAsReference {
					t.Errorf("%s: %g from the reference", space.Format(choices, genes), d)
				}
			}
		})
	}
}

// sharing draws a network.
type sharing struct {
	*zoo
	rng   *rand.Rand
	names map[string][]string // of tensors, by shape
}

// weight is a tensor of a shape: often one that is used already.
func (d *sharing) weight(shape ...int) nn.Param {
	key := fmt.Sprint(shape)
	have := d.names[key]
	if len(have) == 0 || d.rng.IntN(3) == 0 {
		have = append(have, d.name("w"))
		d.names[key] = have
	}
	return param(have[d.rng.IntN(len(have))], shape...)
}

func (d *sharing) one(list ...int) int { return list[d.rng.IntN(len(list))] }

// layer is a convolution with or without a bias, in groups, a normalisation or an activation.
func (d *sharing) layer(x nn.Value, in, out int) nn.Value {
	k, groups := d.one(1, 1, 3), d.one(1, 1, 1, 2, 4)
	if in == out && d.rng.IntN(4) == 0 {
		groups = in
	}
	c := nn.Conv{
		Name: d.name("conv"), Weight: d.weight(out, in/groups, k, k), Kernel: []int{k, k}, Pads: []int{k / 2, k / 2, k / 2, k / 2}, Groups: groups,
	}
	if d.rng.IntN(2) == 0 {
		c.Bias = d.weight(out)
	}
	y := d.Conv(x, c)
	switch d.rng.IntN(3) {
	case 0:
		return d.Act(y, nn.Relu())
	case 1:
		return d.bn(y, out)
	}
	return y
}

// tied multiplies by a matrix and then by what it is the other way round.
func (d *sharing) tied(x nn.Value, width, side int) nn.Value {
	w := d.weight(width, d.one(16, 32))
	y := d.Transpose(d.Reshape(x, nn.Shape{nn.Batch, width, side * side}), 0, 2, 1)
	y = d.Act(d.Linear(y, nn.Linear{Name: d.name("up"), Weight: w}), nn.Relu())
	y = d.MatMul(y, d.Transpose(d.Param(w), 1, 0))
	return d.Add(x, d.Reshape(d.Transpose(y, 0, 2, 1), nn.Shape{nn.Batch, width, side, side}))
}

func (d *sharing) network() {
	width, side := 16, 8
	x := d.conv(d.image(16), 3, width, 3, 2, 1)
	for range 4 + d.rng.IntN(5) {
		switch d.rng.IntN(6) {
		case 0:
			next := d.one(8, 16, 16, 32)
			x = d.layer(x, width, next)
			width = next
		case 1, 2: // residual blocks
			for inner := d.one(16, 32); d.rng.IntN(3) > 0; {
				x = d.Add(x, d.layer(d.layer(x, width, inner), inner, width))
			}
		case 3:
			a, b := d.one(8, 16), d.one(8, 16)
			x, width = d.Concat(1, d.layer(x, width, a), d.layer(x, width, b)), a+b
		case 4:
			x = d.tied(x, width, side)
		case 5:
			if side > 2 {
				x, side = d.Pool(x, nn.Pool{Name: d.name("pool"), Kernel: []int{2, 2}, Strides: []int{2, 2}}), side/2
			}
		}
	}
	d.head(x, width)
}
