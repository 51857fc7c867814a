package supernet_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

var sides = []int{8, 4}

// netOf is a SuperNet with a choice of resolution: a convolution, normalised where norm says so.
func netOf(digest string, norm bool) *supernet.Net {
	param := func(name string, s ...int) nn.Param { return nn.Param{Name: name, Shape: s} }
	return &supernet.Net{
		Package: "small", Digest: digest, Choices: []space.Choice{{Name: "resolution", Values: []string{"8", "4"}}},
		Build: func(g []uint8, b nn.Builder) {
			x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 1, sides[g[0]], sides[g[0]]})
			x = b.Conv(x, nn.Conv{Name: "a", Weight: param("w", 2, 1, 1, 1), Kernel: []int{1, 1}})
			if norm {
				x = b.BatchNorm(x, nn.BatchNorm{Name: "n", Scale: param("s", 2), Bias: param("b", 2), Mean: param("m", 2), Var: param("v", 2), Epsilon: 1e-5})
			}
			b.Output("y", x)
		},
	}
}

// constant is a Recalibrator that has seen the inputs' sides, and a Source of them.
type constant struct {
	sides []int
	err   error
}

func (c *constant) Batches(inputs []nn.Info) nn.Inputs {
	return func(yield func([]nn.Tensor, error) bool) {
		s := inputs[0].Shape.Bind(1)
		yield([]nn.Tensor{nn.FromFloat32s(s, make([]float32, s.Count()))}, c.err)
	}
}

func (c *constant) Recalibrate(_ context.Context, g *nn.Graph, w nn.Weights, batches nn.Inputs, _ func([]nn.Tensor)) (nn.Weights, error) {
	for in, err := range batches {
		if err != nil {
			return nil, err
		}
		c.sides = append(c.sides, in[0].Shape[2])
	}
	return nn.Overlay(w, map[string]nn.Tensor{"m": nn.FromFloat32s(nn.Shape{2}, []float32{1, 2})}), nil
}

func TestStatisticsNamesMeansAndVariances(t *testing.T) {
	for norm, want := range map[bool][]string{false: nil, true: {"m", "v"}} {
		g, err := netOf("d", norm).Record(space.Genes{0})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range supernet.Statistics(g) {
			got = append(got, p.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("normalised %v: statistics %q, want %q", norm, got, want)
		}
	}
}

// TestWeightsKnowWhoseStatisticsTheyHave: the model's are the original's, recomputed ones are the SubNet's, also below an overlay;
// no others do, neither of another SubNet nor of another package.
func TestWeightsKnowWhoseStatisticsTheyHave(t *testing.T) {
	net, other, plain := netOf("d", true), netOf("e", true), netOf("d", false)
	original, small := space.Genes{0}, space.Genes{1}
	model := nn.MapWeights{}
	data := &constant{}
	own, err := net.Recalibrate(t.Context(), small, model, data, data)
	if err != nil || !slices.Equal(data.sides, []int{4}) {
		t.Fatalf("%v: inputs of sides %v, want 4", err, data.sides)
	}
	for _, c := range []struct {
		name string
		net  *supernet.Net
		g    space.Genes
		w    nn.Weights
		fits bool
		have string
	}{
		{"original, model", net, original, model, true, ""},
		{"small, model", net, small, model, false, "original"},
		{"small, own", net, small, own, true, ""},
		{"small, overlay of own", net, small, nn.Overlay(own, nil), true, ""},
		{"original, small's", net, original, own, false, "resolution=4"},
		{"small, another package's", other, small, own, false, ""},
		{"no normalisation", plain, small, model, true, ""},
	} {
		err := c.net.CheckStatistics(c.g, c.w)
		var foreign *supernet.StatisticsError
		switch {
		case c.fits && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case !c.fits && (!errors.As(err, &foreign) || foreign.Have != c.have || !slices.Equal(foreign.Nodes, []string{"n"})):
			t.Errorf("%s: %v, want statistics %q to be refused", c.name, err, c.have)
		}
	}
}

func TestRecalibrateEndsWithTheSourcesError(t *testing.T) {
	broken := &constant{err: errors.New("the disk is gone")}
	w, err := netOf("d", true).Recalibrate(t.Context(), space.Genes{1}, nn.MapWeights{}, broken, broken)
	if !errors.Is(err, broken.err) || w != nil {
		t.Errorf("%v, weights %v", err, w)
	}
	model := nn.MapWeights{}
	if _, err := netOf("d", false).Recalibrate(t.Context(), space.Genes{1}, model, nil, nil); err != nil {
		t.Errorf("a SubNet without normalisations: %v", err)
	}
}
