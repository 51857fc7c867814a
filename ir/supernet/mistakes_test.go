package supernet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/testgraph"
	"github.com/autotailor/autotailor/templates"
)

// TestSettingsWithoutEffect: everything in a config that the model cannot follow is told at once, with its place; nothing of it gets
// into the space.
func TestSettingsWithoutEffect(t *testing.T) {
	net := compile(t, small, `arch.divisor = 4
[var.global_vars]
resolution = [2, 16, 20, 12]
[var.stage_vars]
width_mult = [0.5, 1]
width_mult_skipped = [17, -40, 0, 1, 2, 3, 4, 5]
reduce_depth = [-7, -1, 0]
reduce_depth_skipped = [9]
MBBlock_skipped = [12]
[var.block_vars]
BottleneckResidualBlock.expand_ratio = [0.125, 0.25, 8]
BottleneckResidualBlock.kernel_size = [1, 3, 5, 7]
BottleneckBlock.kernel_size = [3, 5]
CNResidualBlock.expand_ratio = [2, 3]
MBBlock.kernel_size = [3]
`)
	want := []string{
		"test.toml:3: resolution 20 is left out: the model's input has a side of 16, and a SubNet's cannot be larger",
		"test.toml:6: there is no stage 17; the model has stages 0 to 5",
		"test.toml:6: there is no stage -40; the model has stages 0 to 5",
		"test.toml:8: there is no stage 9; the model has stages 0 to 5",
		"test.toml:9: there is no stage 12; the model has stages 0 to 5",
		"test.toml:11: BottleneckResidualBlock.expand: no block has a ratio of 8; the largest is 3",
		"test.toml:12: BottleneckResidualBlock.kernel: no block can have a window of 7; there are [1 3 5]",
		"test.toml:14: the model has no CNResidualBlock; its blocks are Bottleneck, InvertedResidual",
		"test.toml:15: the model has no MBBlock; its blocks are Bottleneck, InvertedResidual",
		"test.toml:5: no stage has a width that can change",
		"test.toml:7: no stage can drop 7 blocks; the most is 1",
	}
	if !slices.Equal(net.Warnings, want) {
		t.Errorf("the warnings are\n%s\nwant\n%s", strings.Join(net.Warnings, "\n"), strings.Join(want, "\n"))
	}
	for _, c := range net.Choices {
		switch c.Kind {
		case supernet.Resolution:
			if !slices.Equal(c.Candidates, []float64{16, 12, 2}) {
				t.Errorf("resolutions %v", c.Candidates)
			}
		case supernet.Width:
			t.Errorf("there is a choice %s", c.Name)
		case supernet.Kernel, supernet.Expand, supernet.Depth:
			if c.Candidates[0] != slices.Max(c.Candidates) {
				t.Errorf("%s: %v does not start with the original", c.Name, c.Candidates)
			}
		}
	}
}

// TestSkippedStages: what a config skips has no choice there, and counts from the end work.
func TestSkippedStages(t *testing.T) {
	net := compile(t, small, everything+`
var.stage_vars.width_mult_skipped = [0, -1, -2, -3, -4]
var.stage_vars.reduce_depth_skipped = [1]
var.stage_vars.BottleneckResidualBlock_skipped = [2]
var.stage_vars.BottleneckBlock_skipped = [-4]
`)
	want := []string{
		"resolution: [16 12 8]", "stage1.width: [1 0.5]", "stage1.0.expand: [0.25 0.125]", "stage1.1.expand: [0.25 0.125]", "stage2.depth: [2 1]",
	}
	if got := summary(net); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestErrors: what leaves no SuperNet to speak of is refused, with the place in the config and a remedy.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ graph, config, want string }{
		{
			"input x Nx20\ny = Gemm x [20,5]\noutput y", "\nvar.global_vars.resolution = [1, 2]",
			"test.toml:2: resolution: the model has no input with two spatial axes; remove the key",
		},
		{
			"input x Nx3xNxN\ny = Conv x [8,3,1,1]\noutput y", "",
			`input "x": axis 2 (batch) is open; give its extent in [input]`,
		},
		{"input x Nx3x8x8\ny = Conv x [8,4,1,1]\noutput y", "", `node "y" (Conv): input has 3 channels, weight and group want 4`},
		{"input x Nx3x8x8\ny = Conv x\nz = Gemm x [3]\noutput z", "", `node "z" (Gemm)`},
	} {
		g, err := testgraph.Parse(c.graph)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := supernet.Compile(g, settings(t, c.config), templates.All()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n%v, want %s", c.graph, err, c.want)
		}
	}
}

// TestTooManyChoices: genes and their values are one byte each; more is refused, not cut off.
func TestTooManyChoices(t *testing.T) {
	var sides []string
	for n := 1; n <= 300; n++ {
		sides = append(sides, fmt.Sprint(n))
	}
	deep := "input v0 Nx8x4x4\n"
	for k := range 260 {
		deep += fmt.Sprintf("a%d = Conv v%d [16,8,1,1]\nb%d = Conv a%d [8,16,1,1]\nv%d = Add b%d v%d\n", k, k, k, k, k+1, k, k)
	}
	for text, graph := range map[string]string{
		"var.global_vars.resolution = [" + strings.Join(sides, ",") + "]": "input x Nx3x300x300\ny = Conv x [8,3,1,1]\noutput y",
		"var.block_vars.SEResidualBlock.expand_ratio = [1, 2]":            deep + "output v260",
	} {
		g, err := testgraph.Parse(graph)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := supernet.Compile(g, settings(t, text), templates.All()); err == nil || !strings.Contains(err.Error(), "at most 256 choices of 255 candidates") {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

// TestProposalsFitASpace: what is proposed for a network of many blocks has no more choices than a space can have, and says what was left out.
func TestProposalsFitASpace(t *testing.T) {
	deep := "input x Nx3x4x4\nv0 = Conv x [8,3,1,1]\n"
	for k := range 300 {
		deep += fmt.Sprintf("a%d = Conv v%d [16,8,1,1]\nr%d = Relu a%d\nb%d = Conv r%d [8,16,1,1]\nv%d = Add b%d v%d\n", k, k, k, k, k, k, k+1, k, k)
	}
	g, err := testgraph.Parse(deep + "y = Conv v300 [4,8,1,1]\noutput y")
	if err != nil {
		t.Fatal(err)
	}
	p, err := supernet.Detect(g, supernet.Config{Divisor: 8, DepthKeep: 1}, templates.All())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, "expand is left out: 300 blocks") }) {
		t.Errorf("notes are %q", p.Notes)
	}
	n, err := supernet.Compile(g, p.Config, templates.All())
	if err != nil {
		t.Fatal(err)
	}
	if len(n.Unowned) > 0 || len(n.Choices) == 0 {
		t.Errorf("%d choices, axes without one: %v", len(n.Choices), n.Unowned)
	}
}

// TestProposedSidesFit: where a network halves its maps and joins them again, sides that have enough factors of two are offered in place of others.
func TestProposedSidesFit(t *testing.T) {
	for _, c := range []struct {
		side int
		want []float64
	}{{48, []float64{24, 32, 40, 48}}, {40, []float64{24, 32, 40}}, {64, []float64{32, 40, 48, 56, 64}}} {
		g, err := testgraph.Parse(fmt.Sprintf("input x Nx3x%dx%d\n", c.side, c.side) + `a = Conv x [8,3,1,1]
h1 = Conv a [8,8,2,2] strides=2,2
h2 = Conv h1 [8,8,2,2] strides=2,2
h3 = Conv h2 [8,8,2,2] strides=2,2
u2 = ConvTranspose h3 [8,8,2,2] strides=2,2
j2 = Concat u2 h2 axis=1
u1 = ConvTranspose j2 [16,8,2,2] strides=2,2
j1 = Concat u1 h1 axis=1
u0 = ConvTranspose j1 [16,8,2,2] strides=2,2
y = Concat u0 a axis=1
output y`)
		if err != nil {
			t.Fatal(err)
		}
		p, err := supernet.Detect(g, supernet.Config{Divisor: 8, DepthKeep: 1}, templates.All())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(p.Config.Resolution.List, c.want) {
			t.Errorf("side %d: offered are %v, want %v; notes %q", c.side, p.Config.Resolution.List, c.want, p.Notes)
		}
	}
}

// TestCandidates: the original comes first under its configured name; candidates that mean the same network are one.
func TestCandidates(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"var.stage_vars.width_mult = [0.5, 0.75, 1]\nvar.stage_vars.width_mult_skipped = [0, 1, 3, 4, 5]", "stage2.width: [1 0.5]"},
		{"var.stage_vars.width_mult = [0.5]\nvar.stage_vars.width_mult_skipped = [0, 1, 3, 4, 5]", "stage2.width: [1 0.5]"},
		{"var.stage_vars.width_mult = [0.63, 0.66, 1]\nvar.stage_vars.width_mult_skipped = [0, 1, 3, 4, 5]", "stage2.width: [1 0.66]"},
		{"var.block_vars.BottleneckBlock.expand_ratio = [2, 2.98]", "stage2.0.expand: [2.98 2]"},
		{"var.block_vars.BottleneckBlock.expand_ratio = [2, 2.5]", "stage2.0.expand: [3 2.5 2]"},
		{"var.block_vars.BottleneckBlock.expand_ratio = [4, 5]", ""},
		{"var.block_vars.BottleneckBlock.kernel_size = [3]", "stage2.0.kernel: [5 3]"},
		{"var.stage_vars.reduce_depth = [-2, -1]\nvar.stage_vars.reduce_depth_skipped = [1]", "stage2.depth: [2 1]"},
		{"var.stage_vars.reduce_depth = [-2, 0]\nvar.stage_vars.reduce_depth_keep = 2", ""},
		{"arch.BottleneckBlock.expand_base = \"out\"\nvar.block_vars.BottleneckBlock.expand_ratio = [2, 4]", "stage2.0.expand: [4 2]"},
	} {
		net := compile(t, small, c.config)
		got := strings.Join(summary(net), "; ")
		if got != c.want {
			t.Errorf("%s\ngives %q, want %q", c.config, got, c.want)
		}
	}
}

// TestUnknownShapes: a model is refused where nobody knows what an operator makes; the operator is named, once, and no one behind it.
func TestUnknownShapes(t *testing.T) {
	g, err := testgraph.Parse(`
input x Nx16x32
a, b = com.example.Mystery x
n = LayerNormalization b [32] [32] axis=-1
u = MatMul n [32,64]
output u
output a`)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"detect":  second(supernet.Detect(g, supernet.Config{Divisor: 8}, templates.All())),
		"compile": second(supernet.Compile(g, supernet.Config{Divisor: 8}, templates.All())),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), `node "a" (Mystery): the shape of its result is not known: there is no rule for com.example.Mystery`) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTooLargeResults: a result that no machine holds is refused by the name of its node, before init proposes anything.
func TestTooLargeResults(t *testing.T) {
	for _, text := range []string{
		"input x 1x1048576\nbig = Tile x {1048576,3}\noutput big",
		"input x 1x1\ns = Identity x\nbig = Expand s {1099511627776,1}\noutput big",
	} {
		g, err := testgraph.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := supernet.Detect(g, supernet.Config{Divisor: 8}, templates.All()); err == nil || !strings.HasPrefix(err.Error(), `node "big" (`) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestTrainingForm: a normalisation by the statistics of the batch at hand is refused by name, whichever opset writes it.
func TestTrainingForm(t *testing.T) {
	for _, node := range []string{"y = BatchNormalization x [3] [3] [3] [3] training_mode=1", "y, m, v, a, b = BatchNormalization x [3] [3] [3] [3]"} {
		g, err := testgraph.Parse("input x Nx3x8x8\n" + node + "\noutput y")
		if err != nil {
			t.Fatal(err)
		}
		_, err = supernet.Detect(g, supernet.Config{Divisor: 8}, templates.All())
		if err == nil || !strings.HasPrefix(err.Error(), `node "y" (BatchNormalization): it is in training form`) {
			t.Errorf("%s: %v", node, err)
		}
	}
}

// TestEqualMistakes: what is wrong with many nodes alike is told once, with their number.
func TestEqualMistakes(t *testing.T) {
	text, last := "input x Nx3x8x8\n", "x"
	for k := range 19 {
		text += fmt.Sprintf("y%d = BatchNormalization %s [3] [3] [3] [3] training_mode=1\n", k, last)
		last = fmt.Sprintf("y%d", k)
	}
	g, err := testgraph.Parse(text + "output " + last)
	if err != nil {
		t.Fatal(err)
	}
	_, err = supernet.Detect(g, supernet.Config{Divisor: 8}, templates.All())
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasSuffix(err.Error(), `(and the same of "y1", "y2", "y3" and 15 more nodes)`) {
		t.Error(err)
	}
}

// TestManyResolutions: those that are left out for one reason are told in one line.
func TestManyResolutions(t *testing.T) {
	net := compile(t, small, "[var.global_vars]\nresolution = [16, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]\n")
	want := []string{"test.toml:2: resolutions 30, 29, 28, 27, 26, 25, 24, 23 and 3 more are left out: the model's input has a side of 16, and a SubNet's cannot be larger"}
	if !slices.Equal(net.Warnings, want) {
		t.Errorf("%q", net.Warnings)
	}
}
