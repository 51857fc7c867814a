package supernet_test

import (
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/fusion"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/unique"
)

// TestRound has the widths that the paper's authors' code computes for ResNet50 and ConvNeXt, and corners of the rule.
func TestRound(t *testing.T) {
	for _, c := range []struct {
		from   float64
		ratios []float64
		want   []int
	}{
		{256, []float64{0.65, 0.8, 1}, []int{168, 208, 256}},
		{512, []float64{0.65, 0.8, 1}, []int{336, 408, 512}},
		{1024, []float64{0.65, 0.8, 1}, []int{664, 816, 1024}},
		{2048, []float64{0.65, 0.8, 1}, []int{1328, 1640, 2048}},
		{64, []float64{0.65, 0.8, 1}, []int{40, 48, 64}},
		{256, []float64{0.15, 0.2, 0.25}, []int{40, 48, 64}},
		{512, []float64{0.15, 0.2, 0.25}, []int{80, 104, 128}},
		{1024, []float64{0.15, 0.2, 0.25}, []int{152, 208, 256}},
		{2048, []float64{0.15, 0.2, 0.25}, []int{304, 408, 512}},
		{96, []float64{0.65, 0.8}, []int{64, 80}},
		{192, []float64{0.65, 0.8}, []int{128, 152}},
		{384, []float64{0.65, 0.8}, []int{248, 304}},
		{768, []float64{0.65, 0.8}, []int{496, 616}},
		{10, []float64{1}, []int{16}},
		{100, []float64{1}, []int{104}},
		{1, []float64{0.1, 1, 3.9, 4, 11.9, 12}, []int{8, 8, 8, 8, 16, 16}},
	} {
		for k, r := range c.ratios {
			if got := supernet.Round(c.from*r, 8); got != c.want[k] {
				t.Errorf("%v of %v is %d, want %d", r, c.from, got, c.want[k])
			}
		}
	}
}

// TestRoundIsNear: results are multiples, at least one divisor, more than nine tenths of the value and at most a divisor above it.
func TestRoundIsNear(t *testing.T) {
	for _, divisor := range []int{1, 2, 4, 8, 16, 32} {
		for v := 1.0; v < 3000; v += 0.37 {
			n := supernet.Round(v, divisor)
			if n%divisor != 0 || n < divisor || float64(n) < 0.9*v || float64(n) > max(v+float64(divisor), float64(divisor)) {
				t.Fatalf("%v by %d is %d", v, divisor, n)
			}
		}
	}
}

// paper has the two networks under the settings of the paper's authors (Table 3).
var paper = []struct {
	config        string
	files         []string
	modifications int
	raw           string
	distinct      [2]string // with at least 1 and 2 blocks left in each stage
	stages        []string  // output width and number of blocks; the authors' index lists refer to them
}{
	{
		"timm_resnet50", []string{"resnet50.ts", "resnet50.tr", "resnet50.dy"}, 100, "21182215236075", [2]string{"1138386480075", "969986113200"},
		[]string{"64/0", "64/0", "256/3", "512/4", "1024/6", "2048/3", "2048/0", "2048/0", "1000/0"},
	},
	{
		"timm_mobilenetv2w10", []string{"mobilenetv2_100.tr", "mobilenetv2_100.dy", "mobilenetv2_100.dyn"}, 85, "87169610025", [2]string{"4684718025", "3684657600"},
		[]string{"32/0", "16/1", "24/2", "32/3", "64/4", "96/3", "160/3", "320/1", "1280/0", "1280/0", "1280/0", "1000/0"},
	},
}

// TestPaperNumbers counts modifications and variants as the paper does, and what really differs; the exporter does not matter.
func TestPaperNumbers(t *testing.T) {
	dir := os.Getenv("AUTOTAILOR_MODELS")
	if dir == "" {
		t.Skip("set AUTOTAILOR_MODELS to the folder of the full-size models to run this test")
	}
	for _, c := range paper {
		settings := text(t, "..", "..", "gen", "config", "testdata", "authors", c.config+".toml")
		first := ""
		for _, f := range c.files {
			for keep := 1; keep <= 2; keep++ {
				net := compileModel(t, filepath.Join(dir, f+".onnx"), strings.Replace(settings, "reduce_depth = ", fmt.Sprintf("reduce_depth_keep = %d\nreduce_depth = ", keep), 1))
				if net.Modifications != c.modifications || net.Raw.String() != c.raw {
					t.Errorf("%s: %d modifications and %v variants, want %d and %s", f, net.Modifications, net.Raw, c.modifications, c.raw)
				}
				if got := net.Distinct().String(); got != c.distinct[keep-1] {
					t.Errorf("%s: %s distinct SubNets when %d blocks are kept, want %s", f, got, keep, c.distinct[keep-1])
				}
				if keep == 2 {
					continue
				}
				if got := stages(net); !slices.Equal(got, c.stages) {
					t.Errorf("%s: stages %q, want %q", f, got, c.stages)
				}
				if got := fingerprint(t, net); first == "" {
					first = got
				} else if got != first {
					t.Errorf("%s differs from %s:\n%s\nwant\n%s", f, c.files[0], got, first)
				}
			}
		}
	}
}

func stages(net *supernet.Net) []string {
	var out []string
	for _, s := range net.Stages {
		out = append(out, fmt.Sprintf("%d/%d", s.Width, len(s.Blocks())))
	}
	return out
}

// fingerprint tells choices, modules and the table of distinct operators.
func fingerprint(t *testing.T, net *supernet.Net) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintln(&b, strings.Join(summary(net), "\n"))
	for _, s := range net.Stages {
		for _, bl := range s.Blocks() {
			fmt.Fprintln(&b, s.Index, bl.Type, bl.GoName, bl.Place, bl.Choices, bl.Skippable, bl.Live)
		}
	}
	u, err := unique.Enumerate(net, []fusion.Rules{{Name: "none"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range u.Rules {
		fmt.Fprintln(&b, r.Name, len(r.Sites))
		for _, s := range r.Sites {
			fmt.Fprintln(&b, s.Deps, s.Live, s.Ops)
		}
	}
	for _, o := range u.Ops {
		fmt.Fprintln(&b, o.Kind, o.MACs, o.Genes)
	}
	return b.String()
}

// TestPaperCountsFromCandidates derives the numbers of Table 3 from the candidate lists alone.
func TestPaperCountsFromCandidates(t *testing.T) {
	pow := func(n, k int64) *big.Int { return new(big.Int).Exp(big.NewInt(n), big.NewInt(k), nil) }
	times := func(list ...*big.Int) *big.Int {
		out := big.NewInt(1)
		for _, n := range list {
			out.Mul(out, n)
		}
		return out
	}
	// stage counts the settings of a stage of n blocks with 3 ratios, of which at least keep stay and at most 2 go.
	stage := func(n, keep int64) *big.Int {
		sum := new(big.Int)
		for k := n; k >= keep && k >= n-2; k-- {
			sum.Add(sum, pow(3, k))
		}
		return sum
	}
	for keep := int64(1); keep <= 2; keep++ {
		r := times(big.NewInt(25), pow(3, 5), stage(3, keep), stage(4, keep), stage(6, keep), stage(3, keep))
		m := times(big.NewInt(25), stage(3, keep), stage(4, keep), stage(3, keep), stage(3, keep), pow(3, 3))
		for k, n := range []*big.Int{r, m} {
			if n.String() != paper[k].distinct[keep-1] {
				t.Errorf("%s: %v, the table has %s", paper[k].config, n, paper[k].distinct[keep-1])
			}
		}
	}
	if n := times(big.NewInt(25), pow(3, 5+4+16)); n.String() != paper[0].raw {
		t.Errorf("%v", n)
	}
}
