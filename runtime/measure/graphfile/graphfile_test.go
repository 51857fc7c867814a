package graphfile_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/generated/levit"
	"github.com/autotailor/autotailor/generated/mobilenetv3"
	"github.com/autotailor/autotailor/generated/vit"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/measure/graphfile"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// text writes a network that must be writable.
func text(t *testing.T, g *nn.Graph, w nn.Weights) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := graphfile.Write(&b, g, w); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestNetworksTravel: random SubNets and single operators come back as the same networks, and the embedded engine runs
// them with weights that were made up, to finite results.
func TestNetworksTravel(t *testing.T) {
	needs.Clone(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, net := range []*supernet.Net{levit.Definition(), mobilenetv3.Definition(), vit.Definition()} {
		weights := families.Model(t, net)
		var graphs []*nn.Graph
		for range 3 {
			g, err := net.Record(space.Random(net.Choices, rng))
			if err != nil {
				t.Fatal(err)
			}
			graphs = append(graphs, g.Bind(1))
		}
		for range 20 {
			g, err := net.Ops[rng.IntN(len(net.Ops))].Graph()
			if err != nil {
				t.Fatal(err)
			}
			graphs = append(graphs, g)
		}
		for k, g := range graphs {
			first := text(t, g, weights)
			got, w, err := graphfile.Read(first)
			if err != nil {
				t.Fatalf("%s %d: %v", net.Package, k, err)
			}
			if second := text(t, got, w); !bytes.Equal(first, second) {
				t.Fatalf("%s %d: it is written in another way after reading", net.Package, k)
			}
			sameNetwork(t, g, got)
			runs(t, got, w)
		}
	}
}

// sameNetwork compares all but what parameters were cut from.
func sameNetwork(t *testing.T, a, b *nn.Graph) {
	t.Helper()
	if fmt.Sprint(a.Inputs, a.Outputs) != fmt.Sprint(b.Inputs, b.Outputs) || len(a.Values) != len(b.Values) || len(a.Nodes) != len(b.Nodes) {
		t.Fatalf("%d nodes, %d values became %d and %d", len(a.Nodes), len(a.Values), len(b.Nodes), len(b.Values))
	}
	for i := range a.Nodes {
		x, y := a.Nodes[i], b.Nodes[i]
		if x.Type != y.Type || x.Domain != y.Domain || x.Name != y.Name || fmt.Sprintf("%+v", x.Attrs) != fmt.Sprintf("%+v", y.Attrs) || fmt.Sprint(x.In, x.Out) != fmt.Sprint(y.In, y.Out) {
			t.Fatalf("node %+v became %+v", x, y)
		}
	}
	for i := 1; i < len(a.Values); i++ {
		x, y := a.Values[i], b.Values[i]
		if x.Name != y.Name || x.Type != y.Type || fmt.Sprint(x.Shape) != fmt.Sprint(y.Shape) || (x.Param == nil) != (y.Param == nil) || !reflect.DeepEqual(x.Const, y.Const) {
			t.Fatalf("value %+v became %+v", x, y)
		}
	}
}

func runs(t *testing.T, g *nn.Graph, w nn.Weights) {
	t.Helper()
	s, err := embedded.New(embedded.Options{Threads: 1}).Compile(g, w)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(nn.Feed{}.Inputs(g)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		for _, v := range o.Float32s() {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Fatalf("a result is %v", v)
			}
		}
	}
}

// small is a network with an attribute of each kind, integers among its parameters, and a constant.
func small(t testing.TB) (*nn.Graph, nn.Weights) {
	t.Helper()
	index := nn.FromInt64s(nn.Shape{2}, []int64{1, 0})
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{1, 3, 4, 4})
		x = b.Conv(x, nn.Conv{Name: "conv", Weight: nn.Param{Name: "w", Shape: nn.Shape{2, 3, 1, 1}}, Kernel: []int{1, 1}})
		x = b.Act(x, nn.Act{Type: "Clip", Attrs: []nn.Attr{{Name: "max", Kind: nn.AttrFloat, Float: float32(math.Inf(1))}, {Name: "min", Kind: nn.AttrFloat}}})
		y := b.Op(nn.Op{Type: "Gather", Name: "gather", Attrs: []nn.Attr{{Name: "axis", Kind: nn.AttrInt, Int: 1}}, Shapes: []nn.Shape{{1, 2, 4, 4}}}, x, b.Param(nn.Param{Name: "i", Type: nn.Int64, Shape: nn.Shape{2}}))
		b.Output("y", y[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	return g, nn.MapWeights{"i": index}
}

// TestMistakesAreTold changes one thing of a right file at a time.
func TestMistakesAreTold(t *testing.T) {
	g, w := small(t)
	right := string(text(t, g, w))
	if _, got, err := graphfile.Read([]byte(right)); err != nil {
		t.Fatal(err)
	} else if i, err := got.Tensor("i"); err != nil || fmt.Sprint(i.Int64s()) != "[1 0]" {
		t.Errorf("integer parameter: %v, %v", i, err)
	} else if _, err := got.Tensor("nothing"); err == nil {
		t.Error("a parameter that is not there")
	}
	for _, c := range []struct{ old, new, want string }{
		{right, "", "not a network"},
		{`{"version":1`, `{"version":2`, "version 2"},
		{`"version":1`, `"version":1,"extra":1`, "unknown field"},
		{right, right + "{}", "more text after"},
		{`"inputs":[1]`, `"inputs":[]`, "not made before"},
		{`"inputs":[1]`, `"inputs":[1,1]`, "listed twice"},
		{`"inputs":[1]`, `"inputs":[99]`, "does not exist"},
		{`"inputs":[1]`, `"inputs":[-1]`, "does not exist"},
		{`"shape":[1,3,4,4]`, `"shape":[1,3,0,4]`, "not possible"},
		{`"shape":[1,3,4,4]`, `"shape":[1,-3,4,4]`, "not possible"},
		{`"shape":[1,3,4,4]`, `"shape":[2147483647,2147483647,2147483647,4]`, "too large"},
		{`"shape":[1,3,4,4]`, `"shape":[1,1,1,1,1,1,1,1,1]`, "not supported"},
		{`"name":"x","type":1`, `"name":"x","type":8`, "not supported"},
		{`"name":"x"`, `"name":"w"`, "another's"},
		{`"kind":2`, `"kind":5`, "kind 5"},
		{`"op":"Conv"`, `"op":""`, "it has no operator"},
		{`"data":"AQAAAAAAAAAAAAAAAAAAAA=="`, `"data":"AQAAAA=="`, "needs 16"},
		{`,"data":"AQAAAAAAAAAAAAAAAAAAAA=="`, ``, "cannot be made up"},
		{`"outputs":[`, `"outputs":[1,1,`, "listed twice"},
	} {
		bad := strings.Replace(right, c.old, c.new, 1)
		if bad == right {
			t.Errorf("%q is not in %s", c.old, right)
		}
		if _, _, err := graphfile.Read([]byte(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: %v, want %q", c.new, c.old, err, c.want)
		}
	}
	open, err := nn.Record(func(b nn.Builder) {
		b.Output("y", b.Act(b.Input("x", nn.Float32, nn.Shape{nn.Batch, 2}), nn.Sigmoid()))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := graphfile.Write(&bytes.Buffer{}, open, nil); err == nil || !strings.Contains(err.Error(), "open axis") {
		t.Errorf("an open axis: %v", err)
	}
}

// TestMisfitsAreRefused: networks whose shapes are not what their operators make are refused before anything is compiled. The files made an engine
// read and write beyond its memory.
func TestMisfitsAreRefused(t *testing.T) {
	for file, want := range map[string]string{
		"oob-dwpad100.json":   `node "m" (Conv): its result "y" is declared as f32 [1 48 1 1], the operator makes f32 [1 48 202 202]`,
		"segv-7.json":         `node "step0" (Conv): attribute kernel_shape is [1 3], its weight has the shape [160 1 3 3]`,
		"segv-depthwise.json": `node "step0" (Conv): its bias has the shape [46], its result has 48 channels`,
	} {
		data, err := os.ReadFile(filepath.Join("testdata", "misfits", file))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := graphfile.Read(data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
	}
}

// TestUnknownOperatorsAreLeftToTheEngine: a network with an operator that has no shape rule is read as it stands.
func TestUnknownOperatorsAreLeftToTheEngine(t *testing.T) {
	if _, _, err := graphfile.Read([]byte(`{"version":1,"values":[{"name":"a","type":1,"shape":[2]},{"name":"b","type":1,"shape":[7]}],"inputs":[1],"nodes":[{"op":"Strange","domain":"com.example","name":"","in":[1],"out":[2]}],"outputs":[2]}`)); err != nil {
		t.Error(err)
	}
}

// FuzzRead: no bytes make Read panic, and what it accepts is written and read again alike.
func FuzzRead(f *testing.F) {
	g, w := small(f)
	var b bytes.Buffer
	if err := graphfile.Write(&b, g, w); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"version":1,"values":[{"name":"a","type":1,"shape":[]},{"name":"b","type":1,"shape":[]}],"inputs":[1],"nodes":[{"op":"Exp","name":"","in":[1],"out":[2],"attrs":[{"name":"k","kind":4,"int":7,"ints":[1],"raw":"AQAAAAAAAAA="},{"name":"f","kind":6,"floats":["+Inf",1e3]}]}],"outputs":[2]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, w, err := graphfile.Read(data)
		if err != nil {
			return
		}
		var one, two bytes.Buffer
		if err := graphfile.Write(&one, g, w); err != nil {
			t.Fatal(err)
		}
		again, w, err := graphfile.Read(one.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if err := graphfile.Write(&two, again, w); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Fatalf("%v\n%s\n%s", err, one.Bytes(), two.Bytes())
		}
	})
}
