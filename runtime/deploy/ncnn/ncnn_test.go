package ncnn_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/deploy/ncnn"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// How far an export may be from the SubNet in the embedded engine: relative L2.
const (
	sameAsSubNet  = 1e-4
	sameAsHalf    = 1e-2
	randomSubNets = 10

	// samePacked is for NCNN's packed layouts: its packed LayerNorm for x86 takes an approximate square root.
	samePacked = 1e-3
)

// TestFamilies: the original, the smallest SubNet and random ones of every family are exported, read again and run; in NCNN itself, too, where
// AUTOTAILOR_NCNN says that it is.
func TestFamilies(t *testing.T) {
	needs.Clone(t)
	program := buildReal(t)
	for _, net := range families.All() {
		t.Run(net.Package, func(t *testing.T) {
			t.Parallel()
			w := families.Model(t, net)
			worst, worstHalf := 0.0, 0.0
			layers := map[string]int{}
			itself := &real{t: t, program: program}
			for k, genes := range subNets(net) {
				g, err := net.Record(genes)
				if err != nil {
					t.Fatal(err)
				}
				in := noise(g.Values[g.Inputs[0]].Shape.Bind(1), uint64(k))
				want := embeddedRun(t, g, w, in)
				text := space.Format(net.Choices, genes)
				m, err := ncnn.Export(g, w, ncnn.Options{Notes: []string{"subnet " + text}})
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				fixed(t, g, w, ncnn.Options{Notes: []string{"subnet " + text}}, m)
				for _, l := range m.Layers {
					layers[l.Type]++
				}
				plain, err := ncnn.Export(g, w, ncnn.Options{PlainAttention: true})
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				if d := distance(want, runFiles(t, plain, false, in)); !(d < sameAsSubNet) {
					t.Errorf("%s: the export with plain attention is %g from the SubNet", text, d)
				}
				got := runFiles(t, m, false, in)
				if d := distance(want, got); !(d < sameAsSubNet) {
					t.Errorf("%s: the export is %g from the SubNet", text, d)
				} else {
					worst = max(worst, d)
				}
				if d := distance(want, runFiles(t, m, true, in)); !(d < sameAsHalf) {
					t.Errorf("%s: the export with float16 weights is %g from the SubNet", text, d)
				} else {
					worstHalf = max(worstHalf, d)
				}
				itself.compare(text, m, in, want)
			}
			if kind, ok := map[string]string{"vit": "MultiHeadAttention", "levit": "SDPA"}[net.Package]; ok && layers[kind] == 0 {
				t.Errorf("there is no layer %s: %v", kind, layers)
			}
			t.Logf("ncnn %s subnets=%d max_rel_l2=%.2g max_rel_l2_fp16=%.2g%s", net.Package, randomSubNets+2, worst, worstHalf, itself)
		})
	}
}

// subNets are both ends and random ones.
func subNets(net *supernet.Net) []space.Genes {
	largest, smallest := space.Ends(net.Choices)
	list := []space.Genes{largest, smallest}
	rng := rand.New(rand.NewPCG(11, 11))
	for range randomSubNets {
		list = append(list, space.Random(net.Choices, rng))
	}
	return list
}

func noise(s nn.Shape, seed uint64) nn.Tensor {
	rng := rand.New(rand.NewPCG(5, seed))
	data := make([]float32, s.Count())
	for i := range data {
		data[i] = float32(rng.NormFloat64())
	}
	return nn.FromFloat32s(s, data)
}

func embeddedRun(t *testing.T, g *nn.Graph, w nn.Weights, in ...nn.Tensor) []float32 {
	t.Helper()
	s, err := embedded.New(embedded.Options{Threads: 1}).Compile(g, w)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(in...)
	if err != nil {
		t.Fatal(err)
	}
	return out[0].Float32s()
}

// runFiles encodes, reads and runs a model.
func runFiles(t *testing.T, m *ncnn.Model, half bool, in nn.Tensor) []float32 {
	t.Helper()
	param, bin, err := m.Encode(half)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ncnn.Read(param, bin)
	if err != nil {
		t.Fatalf("%v\n%s", err, param)
	}
	out, err := read.Run(in.Float32s())
	if err != nil {
		t.Fatalf("%v\n%s", err, param)
	}
	if len(out) != 1 {
		t.Fatalf("there are %d results\n%s", len(out), param)
	}
	return out[0]
}

// distance is the relative L2 distance of b from a.
func distance(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	var diff, norm float64
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		diff += d * d
		norm += float64(a[i]) * float64(a[i])
	}
	return math.Sqrt(diff / max(norm, 1e-30))
}
