package conform

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/space"
)

// resolutions lists, for each network of testdata/resolution, the sides that are offered besides its own, or the operator whose constant does not
// tell what it would be at another side. make.py there says what the networks are.
var resolutions = map[string]struct {
	sides []int
	named string // or one of several that hold what follows from the same constant
}{
	"anchors": {sides: all}, "v3": {sides: all}, "v5": {sides: all}, "gridadd": {sides: all}, "pixelcoord": {sides: all},
	"norm": {sides: all}, "spread": {sides: all}, "classtoken": {sides: all},
	"best": {sides: all}, "flip": {sides: all}, "focus": {sides: all}, "lastrowfromend": {sides: all}, "margin": {sides: all},
	"pooled": {sides: []int{28}}, "resize": {sides: []int{24}}, "same": {sides: []int{24}},
	"ownpad": {sides: all}, "ownpadshape": {sides: all}, "ownpadmap": {sides: all}, "padnothing": {sides: all}, "samepool": {sides: []int{24}}, "samealone": {sides: []int{24}},
	"randomanchors": {named: "/Add"}, "flatindex": {named: "/Add"}, "priors": {named: "/Add"}, "coordconv": {named: "/Concat"},
	"gridrange": {named: "/Add_1 /Expand /Expand_1"}, "assign": {named: "/Expand /ScatterND"}, "assigngrid": {named: "/Add /Expand /ScatterND"}, "crop": {named: "/Concat_1"},
	"half": {named: "/Slice"}, "lastrow": {named: "/Gather"}, "mean": {named: "/Div"}, "nonlocal": {named: "/Div"}, "roll": {named: "/Reshape"},
	"tiles": {named: "/AveragePool"}, "argmax": {named: "/Mod"}, "cross": {named: "/Mul"}, "gram": {named: "/Div"}, "boxes": {named: "/Mul"}, "warp": {named: "/GridSample"},
	"shares": {named: "/Mul_2"}, "log": {named: "/Mul"}, "unit": {named: "/Mul"}, "area": {named: "/Div"}, "std": {named: "/ReduceProd"}, "variance": {named: "/Div"},
	"divided": {named: "/Div"}, "clipped": {named: "/Clip"}, "places": {named: "/Div"}, "bessel": {named: "/Mul"}, "oneofall": {named: "/OneHot"},
	"quarter": {named: "/Greater_1"}, "centred": {named: "/Sub"},
	"upfixed": {named: "/Resize"}, "uptwice": {sides: all}, "upimage": {sides: []int{24}},
	"openscale": {named: "/Mul_1"}, "openfeature": {named: "/Sin /Unsqueeze"}, "openpad": {named: "/Pad"}, "openboxes": {named: "/Mul"}, "opensum": {sides: all}, "openstride": {sides: all},
	"openbranch": {sides: []int{28}},
	"sample":     {named: "/GridSample"}, "sorted": {named: "/TopK"}, "window": {named: "/Reshape_2"},
}

var all = []int{28, 24, 20}

// TestResolution compares SubNets of other resolutions with the same network exported at those: constants that hold extents, indices or positions
// follow, or the resolution is not offered, and the node that holds one is named.
func TestResolution(t *testing.T) {
	needs.Clone(t)
	e := runtimeEngine(t)
	for name, want := range resolutions {
		t.Run(name, func(t *testing.T) {
			file := func(side int) string {
				return filepath.Join("testdata", "resolution", fmt.Sprintf("%s_%d.onnx", name, side))
			}
			c, p, w := opened(t, file(32))
			choices := choicesOf(c)
			at := slices.IndexFunc(choices, func(c space.Choice) bool { return c.Name == "resolution" })
			for _, side := range all {
				k := -1
				if at >= 0 {
					k = slices.Index(choices[at].Values, fmt.Sprint(side))
				}
				if offered := slices.Contains(want.sides, side); offered != (k >= 0) {
					t.Errorf("%d: offered %t, want %t", side, k >= 0, offered)
				}
				if k < 0 {
					continue
				}
				genes := make(space.Genes, len(choices))
				genes[at] = uint8(k)
				g, in := described(t, p, genes)
				out := filepath.Join(t.TempDir(), "subnet.onnx")
				exportGraph(t, out, g, w)
				if d := distance(evaluate(t, e, file(side), in...), evaluate(t, e, out, in...)); !(d < 1e-5) {
					t.Errorf("%d: %g from what the exporter writes for it", side, d)
				}
			}
			at = slices.IndexFunc(c.Net.Frozen, func(f supernet.Frozen) bool { return strings.HasPrefix(f.Why, "no smaller resolution") })
			switch {
			case at < 0 && want.named != "":
				t.Errorf("nothing says that node %s keeps the resolution", want.named)
			case at >= 0 && !slices.Contains(strings.Fields(want.named), c.Net.Frozen[at].Node):
				t.Errorf("%+v, want node %q", c.Net.Frozen[at], want.named)
			}
		})
	}
}

// TestOpenSides: of models with open sides what the graph itself computes there decides.
func TestOpenSides(t *testing.T) {
	needs.Clone(t)
	for name, want := range map[string]string{"openscale": "", "openstride": "resolution = [16, 20, 24, 28, 32]", "openpad": ""} {
		model, err := filepath.Abs(filepath.Join("testdata", "resolution", name+"_any.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		text, _, err := gen.Init(model, ".", map[string][]int{"input": {1, 3, 32, 32}})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "resolution = ") {
				got = strings.TrimSpace(line)
			}
		}
		if got != want {
			t.Errorf("%s: %q is offered, want %q", name, got, want)
		}
	}
}
