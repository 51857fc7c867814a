package accuracy_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/runtime/accuracy"
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
	if err := j.Add(g, 8123); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
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
