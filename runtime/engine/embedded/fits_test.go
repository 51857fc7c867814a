package embedded_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/measure/graphfile"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestMisfits: networks whose declared shapes are others than their attributes give are refused, with node and shapes. They are those of
// graphfile's testdata/misfits, made in memory: graphfile refuses the files before an engine sees them.
func TestMisfits(t *testing.T) {
	ints := func(name string, list ...int64) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrInts, Ints: list} }
	for _, c := range []struct {
		name    string
		in, out nn.Shape
		pads    nn.Attr
		parts   []string
	}{
		{"m", nn.Shape{1, 48, 4, 4}, nn.Shape{1, 48, 1, 1}, ints("pads", 100, 100, 100, 100), []string{`node "m" (Conv)`, "[1 48 1 1]", "[1 48 202 202]"}},
		{"step0", nn.Shape{1, 48, 28, 28}, nn.Shape{1, 48, 28, 28}, ints("pads", 65536, 1, 1, 1), []string{`node "step0" (Conv)`, "65536", "from 0 to 32768"}},
		{"step0", nn.Shape{1, 160, 1, 1}, nn.Shape{1, 160, 1, 1}, ints("pads", 1, math.MaxInt32, 1, 1), []string{`node "step0" (Conv)`, "2147483647"}},
	} {
		channels := c.in[1]
		weight := nn.Param{Name: "w", Shape: nn.Shape{channels, 1, 3, 3}}
		g, err := nn.Record(func(b nn.Builder) {
			group := nn.Attr{Name: "group", Kind: nn.AttrInt, Int: int64(channels)}
			op := nn.Op{Type: "Conv", Name: c.name, Attrs: []nn.Attr{group, c.pads}}.Yields(c.out)
			b.Output("y", b.Op(op, b.Input("x", nn.Float32, c.in), b.Param(weight))[0])
		})
		if err != nil {
			t.Fatal(err)
		}
		w := nn.MapWeights{"w": nn.FromFloat32s(weight.Shape, make([]float32, weight.Shape.Count()))}
		_, err = embedded.New(embedded.Options{Threads: 1}).Compile(g, w)
		for _, part := range c.parts {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, want %q", c.name, err, part)
			}
		}
	}
}

// TestMutatedNetworks changes numbers of written networks, around every operator. What can still be read and compiled runs, on
// each instruction set, without a panic and without a write outside of its buffers.
func TestMutatedNetworks(t *testing.T) {
	draws := 60
	if testing.Short() {
		draws = 10
	}
	read, ran := 0, 0
	for k, name := range embedded.Operators() {
		for i := range draws {
			rng := rand.New(rand.NewPCG(uint64(k), uint64(i)))
			g, _, err := record(cases[name], rng)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := graphfile.Write(&b, g.Bind(1), parameters(rng, g)); err != nil {
				continue // of types that jobs do not have
			}
			text := mutated(t, b.Bytes(), rng)
			g, w, err := graphfile.Read(text)
			if err != nil || g.MemoryNeed() > 1<<22 {
				continue
			}
			read++
			for _, isa := range kernel.All() {
				misfit, damage := embedded.RunGuarded(g, w, isa)
				if damage != nil {
					t.Fatalf("%s, draw %d, on %v: %v\n%s", name, i, isa, damage, text)
				}
				if misfit == nil {
					ran++
				}
			}
		}
	}
	t.Logf("%d networks were read, %d runs", read, ran)
	if read < 100 || ran < 100 {
		t.Errorf("%d networks were read and %d ran: mutations are too wild", read, ran)
	}
}

// mutated changes some numbers of a network.
func mutated(t *testing.T, text []byte, rng *rand.Rand) []byte {
	var network map[string]any
	if err := json.Unmarshal(text, &network); err != nil {
		t.Fatal(err)
	}
	var values []float64
	var numbers []func(f func(float64) float64)
	var walk func(v any)
	visit := func(v any, set func(any)) {
		if n, ok := v.(float64); ok {
			values = append(values, n)
			numbers = append(numbers, func(f func(float64) float64) { set(f(n)) })
			return
		}
		walk(v)
	}
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range []string{"shape", "ints", "int", "in", "out", "values", "nodes", "attrs"} {
				if e, ok := v[k]; ok {
					visit(e, func(n any) { v[k] = n })
				}
			}
		case []any:
			for k, e := range v {
				visit(e, func(n any) { v[k] = n })
			}
		}
	}
	walk(network)
	wild := []float64{-1, 0, 1, 2, 3, 5, 17, 48, 100, 32768, 65536, 2147483647, -2147483648, 9e15}
	for range rng.IntN(4) { // sometimes none
		change := func(n float64) float64 { return n + 1 }
		switch rng.IntN(4) {
		case 0:
			to := wild[rng.IntN(len(wild))]
			change = func(float64) float64 { return to }
		case 1:
			change = func(n float64) float64 { return n - 1 }
		case 2:
			change = func(n float64) float64 { return 2 * n }
		}
		at, all := rng.IntN(len(numbers)), rng.IntN(2) == 0
		for k, v := range values {
			if k == at || all && v == values[at] { // equal numbers are often the same extent
				numbers[k](change)
			}
		}
	}
	out, err := json.Marshal(network)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
