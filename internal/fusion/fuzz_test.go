package fusion_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/fusion"
)

// FuzzParse: rules that are accepted divide any chain of operators into groups, each operator in one of them.
func FuzzParse(f *testing.F) {
	f.Add("Conv Add? Relu|Clip\nGemm Relu", "Conv Add Relu Gemm Clip")
	f.Add("Conv Relu? Relu? Relu?", "Conv Relu Relu")
	f.Add("A|B| C?\nA? B", "A C")
	f.Fuzz(func(t *testing.T, rules, ops string) {
		r, err := fusion.Parse("fuzz", strings.Split(rules, "\n")...)
		if err != nil {
			return
		}
		var g fusion.Graph
		for i, op := range strings.Fields(ops) {
			in := []int{i}
			if i%3 == 2 { // a second operand from further back
				in = append(in, i-1)
			}
			g.Nodes = append(g.Nodes, fusion.Node{Type: op, In: in, Out: []int{i + 1}})
		}
		g.Outputs = []int{len(g.Nodes)}
		var all []int
		for _, group := range r.Groups(g) {
			if len(group) == 0 || !slices.IsSorted(group) {
				t.Errorf("group %v", group)
			}
			all = append(all, group...)
		}
		slices.Sort(all)
		for i, n := range all {
			if i != n {
				t.Fatalf("the groups have %v", all)
			}
		}
		if len(all) != len(g.Nodes) {
			t.Errorf("%d of %d operators are in groups", len(all), len(g.Nodes))
		}
	})
}
