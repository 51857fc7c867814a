package model

import (
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestLifted: exponentials of zeroed channels are ones, so that a product of two such sums what a SubNet does not have. Behind weights, and where a
// factor is zero, it is nothing again.
func TestLifted(t *testing.T) {
	g := &nn.Graph{
		Values: []nn.Info{1: {Name: "x"}, 2: {Name: "w", Param: &nn.Param{Name: "w"}}, 3: {Name: "q"}, 4: {Name: "e"}, 5: {Name: "gated"}, 6: {Name: "scores"},
			7: {Name: "one", Const: &nn.Tensor{Type: nn.Float32, Raw: []byte{0, 0, 128, 63}}}, 8: {Name: "more"}, 9: {Name: "next"}},
		Nodes: []nn.Node{
			{Type: "MatMul", In: []nn.Value{1, 2}, Out: []nn.Value{3}},
			{Type: "Exp", In: []nn.Value{3}, Out: []nn.Value{4}},
			{Type: "Mul", In: []nn.Value{3, 4}, Out: []nn.Value{5}},
			{Type: "MatMul", In: []nn.Value{4, 4}, Out: []nn.Value{6}},
			{Type: "Add", In: []nn.Value{3, 7}, Out: []nn.Value{8}},
			{Type: "MatMul", In: []nn.Value{8, 2}, Out: []nn.Value{9}},
		},
	}
	up := lifted(g)
	for v, want := range map[int]bool{3: false, 4: true, 5: false, 8: true, 9: false} {
		if up[v] != want {
			t.Errorf("%s: %t, want %t", g.Values[v].Name, up[v], want)
		}
	}
	for i, want := range [][]int{nil, nil, nil, {1}, nil, nil} {
		if got := sums(g, &g.Nodes[i], up, 2); !slices.Equal(got, want) {
			t.Errorf("%s %d sums over %v, want %v", g.Nodes[i].Type, i, got, want)
		}
	}
}
