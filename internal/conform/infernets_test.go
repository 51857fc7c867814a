package conform

import (
	"cmp"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
)

// checked are what inference met in networks.
type checked struct {
	networks, nodes int
	unknown         map[string]int // operators, and how often their results were unknown
}

// network infers a network that must not contradict itself.
func (c *checked) network(t *testing.T, name string, g *nn.Graph, w nn.Weights) {
	t.Helper()
	c.networks++
	if err := infer.Graph(g, w); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	err := infer.Walk(g, w, func(n *nn.Node, _ []infer.Value, err error) {
		c.nodes++
		if not := new(infer.Unknown); errors.As(err, &not) {
			c.unknown[n.Type]++
		}
	})
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// TestFamiliesAgreeWithInference: random SubNets of all families, and all rows of their tables of operators, declare what inference makes of them,
// at two sizes of the batch. Only the Expand of a class token says less: its target leaves the batch open.
func TestFamiliesAgreeWithInference(t *testing.T) {
	needs.Time(t)
	rng := rand.New(rand.NewPCG(24, 1))
	c := checked{unknown: map[string]int{}}
	for _, net := range families.All() {
		w := families.Model(t, net)
		for k := range 5 {
			g, err := net.Record(space.Random(net.Choices, rng))
			if err != nil {
				t.Fatal(err)
			}
			c.network(t, net.Package, g.Bind(1+2*(k%2)), w)
		}
		for _, o := range net.Ops {
			if g, err := o.Graph(); err == nil { // rows of which runtimes make one kernel may not stand alone
				c.network(t, net.Package, g, nil)
			}
		}
	}
	t.Logf("%d networks with %d nodes, unknown: %v", c.networks, c.nodes, c.unknown)
	delete(c.unknown, "Expand")
	if len(c.unknown) > 0 {
		t.Errorf("unknown results of %v", c.unknown)
	}
}

// TestZooAgreesWithInference: what the generator makes of architectures that nobody prepared for declares what inference makes of it.
func TestZooAgreesWithInference(t *testing.T) {
	needs.Time(t)
	c := checked{unknown: map[string]int{}}
	for name, build := range allArchitectures() {
		data, err := os.ReadFile(zooModel(t, build))
		if err != nil {
			t.Fatal(err)
		}
		g, err := gen.ParseNetwork(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c.network(t, name, g.Bind(2), nil)
	}
	t.Logf("%d networks with %d nodes, unknown: %v", c.networks, c.nodes, c.unknown)
}

// TestBackendNetworksAgreeWithInference is TestZooAgreesWithInference for the ONNX project's backend test data.
func TestBackendNetworksAgreeWithInference(t *testing.T) {
	needs.Time(t)
	root := cmp.Or(os.Getenv("AUTOTAILOR_ONNX_TESTDATA"), backendData)
	cases, err := filepath.Glob(filepath.Join(root, "*", "test_*", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Skipf("no cases in %s: install Debian's libonnx-testdata, or set AUTOTAILOR_ONNX_TESTDATA", root)
	}
	c := checked{unknown: map[string]int{}}
	for _, path := range cases {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if run, err := newBackendRun(filepath.Dir(path), data, 1); err == nil {
			g, err1 := gen.ParseNetwork(run.model)
			w, err2 := onnxfile.Parse(run.model)
			if err1 == nil && err2 == nil {
				c.network(t, filepath.Base(filepath.Dir(path)), g.Bind(1), w)
			}
		}
	}
	maps.DeleteFunc(c.unknown, func(name string, _ int) bool { return !infer.Has("", name) || dataDecides[name] })
	t.Logf("%d networks with %d nodes", c.networks, c.nodes)
	if len(c.unknown) > 0 {
		t.Errorf("unknown results of operators that there are rules for: %v", c.unknown)
	}
}

// dataDecides lists the operators whose shapes depend in some of these cases on data, or on parameters that are floats, which inference does not
// read: those of a job are made up.
var dataDecides = map[string]bool{"NonMaxSuppression": true, "NonZero": true, "OneHot": true, "Range": true, "Resize": true}
