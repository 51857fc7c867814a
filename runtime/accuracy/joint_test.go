package accuracy_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/measure/profile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// kinds is a net whose penalties do not simply add up: see truth.
func kinds() (*supernet.Net, *accuracy.Table) {
	n := &supernet.Net{Package: "kinds", Source: supernet.Source{SHA256: "abc"}, Choices: []space.Choice{
		{Name: "resolution", Kind: "resolution", Values: []string{"32", "24", "16"}},
		{Name: "a.expand", Kind: "expand", Values: []string{"6", "4", "3"}},
		{Name: "b.expand", Kind: "expand", Values: []string{"6", "4", "3"}},
		{Name: "a.depth", Kind: "depth", Values: []string{"3", "2"}},
	}}
	t := accuracy.New(n, accuracy.Header{Images: 10_000, Data: "d", Resize: "none", Engine: "e"})
	t.Base = 9000
	for i, list := range t.Correct {
		for v := 1; v < len(list); v++ {
			list[v] = t.Base - 100*(i+1)*v
		}
	}
	return n, t
}

// truth counts expand's penalties one and a half times, depth's half, and makes all larger beside a smaller resolution.
func truth(t *accuracy.Table, g space.Genes) int {
	penalty := func(i int) float64 {
		if g[i] == 0 {
			return 0
		}
		return float64(t.Base - t.Correct[i][g[i]])
	}
	rest := 1.5*(penalty(1)+penalty(2)) + 0.5*penalty(3)
	return t.Base - int(math.Round(penalty(0)+rest+0.4*penalty(0)*(penalty(1)+penalty(2)+penalty(3))/float64(t.Base)))
}

// each calls visit with all SubNets.
func each(n *supernet.Net, visit func(g space.Genes)) {
	g := make(space.Genes, len(n.Choices))
	for {
		visit(g)
		i := 0
		for ; i < len(g); i++ {
			if g[i]++; int(g[i]) < len(n.Choices[i].Values) {
				break
			}
			g[i] = 0
		}
		if i == len(g) {
			return
		}
	}
}

// TestJointMeasurementsCorrect: with none the prediction is the plain sum; the more SubNets are counted the nearer it comes to what they count.
func TestJointMeasurementsCorrect(t *testing.T) {
	n, table := kinds()
	plain, err := table.Penalty(n)
	if err != nil {
		t.Fatal(err)
	}
	var joint []accuracy.Joint
	worst := func(list []accuracy.Joint) float64 {
		sum, err := table.Corrected(n, list)
		if err != nil {
			t.Fatal(err)
		}
		most := 0.0
		each(n, func(g space.Genes) {
			if list == nil && sum.At(g) != plain.At(g) {
				t.Errorf("%v: %d without measurements, the plain sum is %d", g, sum.At(g), plain.At(g))
			}
			most = max(most, math.Abs(float64(sum.At(g))-float64(table.Base-truth(table, g))))
		})
		return most
	}
	before := worst(nil)
	each(n, func(g space.Genes) {
		joint = append(joint, accuracy.Joint{Genes: append(space.Genes(nil), g...), Correct: truth(table, g)})
	})
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(joint), func(i, k int) { joint[i], joint[k] = joint[k], joint[i] })
	few, all := worst(joint[:6]), worst(joint)
	if few >= before || all >= few || all > 0.1*before {
		t.Errorf("worst errors: %.0f images without, %.0f with 6, %.0f with %d measurements", before, few, all, len(joint))
	}
	if _, err := table.Corrected(n, []accuracy.Joint{{Genes: space.Genes{0}}}); err == nil {
		t.Error("a measurement of another package was taken")
	}
}

// TestJointFiles: what was counted is there again; a file of other sensitivities is refused.
func TestJointFiles(t *testing.T) {
	n, table := kinds()
	path := filepath.Join(t.TempDir(), "net.acc.joint")
	j, err := accuracy.OpenJoint(path, n, table.Header)
	if err != nil {
		t.Fatal(err)
	}
	g := space.Genes{1, 2, 0, 1}
	for range 2 {
		if err := j.Add(g, 8123); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(path); err != nil || strings.Count(string(raw), " 8123\n") != 1 {
		t.Errorf("%v: a SubNet is not once in\n%s", err, raw)
	}
	if j, err = accuracy.OpenJoint(path, n, table.Header); err != nil {
		t.Fatal(err)
	}
	if correct, ok := j.Correct(g); !ok || correct != 8123 || len(j.List()) != 1 {
		t.Errorf("%d, %v of %d", correct, ok, len(j.List()))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	other := table.Header
	other.Images = 500
	if _, err := accuracy.OpenJoint(path, n, other); err == nil {
		t.Error("measurements on other images were taken")
	}
}

// simulated is a net of which the probes are counted with chance in them, and what its SubNets truly lose: at smaller resolutions other
// modifications cost less, more so than a product would say.
func simulated(rng *rand.Rand) (n *supernet.Net, t *accuracy.Table, loses func(space.Genes) float64) {
	n = &supernet.Net{Package: "simulated", Source: supernet.Source{SHA256: "abc"}, Choices: []space.Choice{
		{Name: "resolution", Kind: "resolution", Values: []string{"32", "28", "24", "20", "16"}},
	}}
	costs := [][]float64{{0, 15, 45, 90, 150}}
	factors := []float64{1.5, 0.9, 0.7, 0.7, 0.2}
	for k := range 16 {
		c := space.Choice{Name: fmt.Sprintf("s%d.expand", k), Kind: "expand", Values: []string{"6", "4", "3"}}
		mean := 3.0
		if k%4 == 0 {
			c.Name, c.Kind, c.Values, mean = fmt.Sprintf("s%d.depth", k), "depth", []string{"3", "2"}, 12
		}
		list, sum := []float64{0}, 0.0
		for range c.Values[1:] {
			sum += mean * rng.ExpFloat64()
			list = append(list, sum)
		}
		n.Choices, costs = append(n.Choices, c), append(costs, list)
	}
	loses = func(g space.Genes) float64 {
		sum := 0.0
		for i := 1; i < len(g); i++ {
			sum += costs[i][g[i]]
		}
		return costs[0][g[0]] + factors[g[0]]*sum
	}
	t = accuracy.New(n, accuracy.Header{Images: 5000, Data: "d", Resize: "none", Engine: "e"})
	t.Base = 4750
	for _, g := range space.Probes(n.Choices) {
		for i, v := range g {
			if v > 0 {
				t.Correct[i][v] = t.Base - int(math.Round(loses(g)+7*rng.NormFloat64()))
			}
		}
	}
	return n, t, loses
}

// TestFewMeasurementsRankBetter: ten random SubNets bring predictions nearer to what SubNets truly lose, and rank them better, though the ten are
// counted with chance in them; forty do more.
func TestFewMeasurementsRankBetter(t *testing.T) {
	const seeds = 40
	var errs, taus [3]float64
	counts := []int{0, 10, 40}
	for seed := range uint64(seeds) {
		rng := rand.New(rand.NewPCG(seed, 9))
		n, table, loses := simulated(rng)
		var joint []accuracy.Joint
		for range counts[2] {
			g := space.Random(n.Choices, rng)
			joint = append(joint, accuracy.Joint{Genes: g, Correct: table.Base - int(math.Round(loses(g)+14*rng.NormFloat64()))})
		}
		var judged []space.Genes
		for range 100 {
			judged = append(judged, space.Random(n.Choices, rng))
		}
		for k, count := range counts {
			sum, err := table.Corrected(n, joint[:count])
			if err != nil {
				t.Fatal(err)
			}
			var predicted, truth []float64
			squares := 0.0
			for _, g := range judged {
				predicted, truth = append(predicted, float64(sum.At(g))), append(truth, loses(g))
				squares += math.Pow(float64(sum.At(g))-loses(g), 2)
			}
			errs[k] += math.Sqrt(squares/float64(len(judged))) / seeds
			taus[k] += profile.Agree(predicted, truth).Tau / seeds
		}
	}
	t.Logf("root mean square errors %.1f, Kendall's tau %.3f", errs, taus)
	if errs[1] > 0.6*errs[0] || errs[2] > 0.8*errs[1] || taus[1] < taus[0]+0.03 || taus[2] < taus[1]+0.01 {
		t.Errorf("root mean square errors %.1f images, Kendall's tau %.3f with %v measurements", errs, taus, counts)
	}
}
