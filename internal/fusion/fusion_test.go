package fusion

import (
	"reflect"
	"testing"

	"github.com/autotailor/autotailor/internal/operators"
)

// block is a residual block: conv, norm, relu, conv, norm, add, relu, then a Gemm whose result is the graph's.
func block() Graph {
	return Graph{
		Nodes: []Node{
			{"Conv", []int{0, -1}, []int{1}},
			{"BatchNormalization", []int{1, -1, -1, -1, -1}, []int{2}},
			{"Relu", []int{2}, []int{3}},
			{"Conv", []int{3, -1}, []int{4}},
			{"BatchNormalization", []int{4, -1, -1, -1, -1}, []int{5}},
			{"Add", []int{5, 0}, []int{6}},
			{"Relu", []int{6}, []int{7}},
			{"MatMul", []int{7, -1}, []int{8}},
			{"Add", []int{-1, 8}, []int{9}},
			{"Relu", []int{9}, []int{10}},
		},
		Outputs: []int{9},
	}
}

func TestGroups(t *testing.T) {
	for name, want := range map[string][][]int{
		"none":        {{0, 1}, {2}, {3, 4}, {5}, {6}, {7, 8}, {9}},
		"onnxruntime": {{0, 1, 2}, {3, 4, 5, 6}, {7, 8}, {9}},
		"ncnn":        {{0, 1, 2}, {3, 4}, {5}, {6}, {7, 8}, {9}},
		"embedded":    {{0, 1, 2}, {3, 4}, {5, 6}, {7, 8}, {9}},
	} {
		r, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Groups(block()); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: groups %v, want %v", name, got, want)
		}
	}
}

// TestAddJoinsTheLastProducer: when both operands of an addition are convolutions, the first cannot wait for the second.
func TestAddJoinsTheLastProducer(t *testing.T) {
	g := Graph{Nodes: []Node{
		{"Conv", []int{0, -1}, []int{1}},
		{"Conv", []int{0, -1}, []int{2}},
		{"Add", []int{1, 2}, []int{3}},
		{"Relu", []int{3}, []int{4}},
	}, Outputs: []int{4}}
	r, err := Named("onnxruntime")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.Groups(g), [][]int{{0}, {1, 2, 3}}; !reflect.DeepEqual(got, want) {
		t.Errorf("groups %v, want %v", got, want)
	}
}

// TestFactorsJoinProducts: what scales the operand or the result of a product of two activations, and the sum that only a
// normalisation reads.
func TestFactorsJoinProducts(t *testing.T) {
	g := Graph{Nodes: []Node{
		{"Mul", []int{0, -1}, []int{1}},
		{"Transpose", []int{2}, []int{3}},
		{"MatMul", []int{1, 3}, []int{4}}, // runs after the Transpose, so the factor waits
		{"Softmax", []int{4}, []int{5}},
		{"MatMul", []int{5, 2}, []int{6}},
		{"Mul", []int{6, -1}, []int{7}},
		{"MatMul", []int{7, -1}, []int{8}}, // a constant matrix
		{"Mul", []int{8, -1}, []int{9}},
		{"Add", []int{9, 0}, []int{10}},
		{"LayerNormalization", []int{10, -1, -1}, []int{11}},
	}, Outputs: []int{11}}
	r, err := Named("onnxruntime")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.Groups(g), [][]int{{1}, {0, 2}, {3}, {4, 5}, {6}, {7}, {8, 9}}; !reflect.DeepEqual(got, want) {
		t.Errorf("groups %v, want %v", got, want)
	}
}

func TestParseErrors(t *testing.T) {
	for _, line := range []string{"Conv", "Conv? Relu", ""} {
		if _, err := Parse("mine", line); err == nil {
			t.Errorf("rule %q: no error", line)
		}
	}
	if _, err := Named("tensorrt"); err == nil {
		t.Error("unknown set: no error")
	}
}

// TestRulesNameOperators: a rule whose operator does not exist would never fit.
func TestRulesNameOperators(t *testing.T) {
	for _, name := range Names() {
		r, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.patterns {
			for _, e := range p {
				for _, kind := range e.types {
					if _, ok := operators.Lookup("", kind); !ok {
						t.Errorf("rules %q: there is no operator %s", name, kind)
					}
				}
			}
		}
	}
}
