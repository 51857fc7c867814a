package conform

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestExportsAreLean compares the exports of SubNets with the same SubNets sliced out of the original without clean-ups: normalisations in
// their place, GELU in pieces where the model has it so, and what else stands in the model's file. An export is smaller, has no more nodes, and computes the same.
// With AUTOTAILOR_EXPORT_ROUNDS, `make bench-export`, both also run interleaved that often.
func TestExportsAreLean(t *testing.T) {
	needs.Time(t)
	e := runtimeEngine(t)
	rounds, _ := strconv.Atoi(os.Getenv("AUTOTAILOR_EXPORT_ROUNDS"))
	for _, f := range modelFiles(t) {
		t.Run(filepath.Base(f), func(t *testing.T) { leanExports(t, e, f, rounds) })
	}
}

func leanExports(t *testing.T, e *ort.Engine, file string, rounds int) {
	c, p, w := opened(t, file)
	choices := choicesOf(c)
	rng := rand.New(rand.NewPCG(31, 31))
	dir := t.TempDir()
	plainPath, leanPath := filepath.Join(dir, "plain.onnx"), filepath.Join(dir, "lean.onnx")
	pieces := hasPieces(t, file)
	var extra int64 // bytes that the model's file has besides nodes and weights
	var times, noise, sizes []float64
	for k := range 4 {
		genes := make(space.Genes, len(choices))
		if k > 0 {
			genes = space.Random(choices, rng)
		}
		g, in := described(t, p, genes)
		plain := g
		if pieces {
			plain = withPieces(t, g)
		}
		exportGraph(t, plainPath, plain, w)
		folded, fw, err := nn.FoldBatchNorm(g, w)
		if err != nil {
			t.Fatal(err)
		}
		writeGraph(t, leanPath, folded, fw, w.Opset)
		if len(folded.Nodes) > len(plain.Nodes) {
			t.Errorf("%s: %d nodes, %d without clean-ups", space.Format(choices, genes), len(folded.Nodes), len(plain.Nodes))
		}
		if k == 0 {
			extra = max(fileSize(t, file)-fileSize(t, plainPath), 0)
		}
		before, after := fileSize(t, plainPath)+extra, fileSize(t, leanPath)
		if after >= before {
			t.Errorf("%s: %d bytes, %d without clean-ups", space.Format(choices, genes), after, before)
		}
		if d := distance(evaluate(t, e, plainPath, in...), evaluate(t, e, leanPath, in...)); d > sameAsReference {
			t.Errorf("%s: %g from the SubNet without clean-ups", space.Format(choices, genes), d)
		}
		sizes = append(sizes, float64(after)/float64(before))
		if rounds > 0 {
			ratio, again := paired(t, rounds, plainPath, leanPath, in)
			times, noise = append(times, ratio), append(noise, again)
		}
	}
	if rounds > 0 {
		t.Logf("export %s subnets=%d time=%.3f..%.3f noise=%.3f..%.3f size=%.4f..%.4f", filepath.Base(file), len(times), slices.Min(times), slices.Max(times),
			slices.Min(noise), slices.Max(noise), slices.Min(sizes), slices.Max(sizes))
	}
}

// paired runs two files interleaved, the first one in two sessions, on one thread. It returns the median of the second one's times over the
// first one's, and that of the first one's other session, which says how exact that is.
func paired(t *testing.T, rounds int, first, second string, in []nn.Tensor) (ratio, noise float64) {
	t.Helper()
	e := runtimeOn(t, 1) // whose times are steadier than those of several
	var sessions [3]*ort.Session
	for k, path := range []string{first, first, second} {
		s, err := e.OpenModel(path)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		sessions[k] = s
	}
	var ratios [3][]float64
	for r := range rounds + 3 {
		var took [3]time.Duration
		for k := range sessions {
			k = (k + r) % 3
			start := time.Now()
			if _, err := sessions[k].Run(in...); err != nil {
				t.Fatal(err)
			}
			took[k] = time.Since(start)
		}
		for k := range sessions {
			if r >= 3 { // after warming up
				ratios[k] = append(ratios[k], float64(took[k])/float64(took[0]))
			}
		}
	}
	for k := range ratios {
		slices.Sort(ratios[k])
	}
	return ratios[2][rounds/2], ratios[1][rounds/2]
}

// hasPieces tells whether a model's file has GELU in pieces.
func hasPieces(t *testing.T, file string) bool {
	t.Helper()
	return slices.ContainsFunc(openReference(t, file).g.Node, func(n *onnxpb.NodeProto) bool { return n.GetOpType() == "Erf" })
}

// withPieces takes GELU apart.
func withPieces(t *testing.T, g *nn.Graph) *nn.Graph {
	t.Helper()
	out := *g
	out.Values, out.Nodes = slices.Clone(g.Values), nil
	for _, n := range g.Nodes {
		if n.Type != "Gelu" {
			out.Nodes = append(out.Nodes, n)
			continue
		}
		x := n.In[0]
		add := func(kind string, result nn.Value, in ...nn.Value) nn.Value {
			if result == nn.None {
				info := g.Values[x]
				info.Name, info.Param = n.Name+"/"+kind+strconv.Itoa(len(out.Values)), nil
				out.Values = append(out.Values, info)
				result = nn.Value(len(out.Values) - 1)
			}
			out.Nodes = append(out.Nodes, nn.Node{Type: kind, Name: n.Name + "/" + kind + strconv.Itoa(len(out.Nodes)), In: in, Out: []nn.Value{result}})
			return result
		}
		number := func(v float32) nn.Value {
			c := nn.FromFloat32s(nn.Shape{}, []float32{v})
			out.Values = append(out.Values, nn.Info{Name: n.Name + "/number" + strconv.Itoa(len(out.Values)), Type: nn.Float32, Shape: nn.Shape{}, Const: &c})
			return nn.Value(len(out.Values) - 1)
		}
		erf := add("Erf", nn.None, add("Div", nn.None, x, number(1.4142135)))
		add("Mul", n.Out[0], add("Mul", nn.None, x, add("Add", nn.None, erf, number(1))), number(0.5))
	}
	return &out
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
