package supernet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// attends is a Transformer of width 32 with 4 heads of 16 for queries and 32 for values. Values and scores stand in both orders that
// exporters have them in.
const attends = `
input x Nx6x32
q = MatMul x [32,64]
k = MatMul x [32,64]
v = MatMul x [32,128]
qh = Reshape q {0,6,4,16}
kh = Reshape k {0,6,4,16}
vh = Reshape v {0,6,4,32}
qt = Transpose qh perm=0,2,1,3
kt = Transpose kh perm=0,2,3,1
vt = Transpose vh perm=0,2,1,3
s = MatMul qt kt
p = Softmax s axis=-1
m = MatMul p vt
mt = Transpose m perm=0,2,1,3
mr = Reshape mt {0,6,128}
o = MatMul mr [128,32]
y = Add o x
a = MatMul y [32,64]
b = Gelu a
c = MatMul b [64,32]
z = Add c y
r = Relu z
output r`

// TestAttention: heads and both dimensions of a head have choices of their own; values count in query dimensions; what cannot move is
// counted, and warned of.
func TestAttention(t *testing.T) {
	net := compile(t, attends, `[var.block_vars]
TransformerBlock.head_ratio = [0.5, 0.75, 1]
AttentionBlock.qk_ratio = [0.5, 0.4, 1]
TransformerBlock.v_scale = [4, 2, 1, 1.5]
`)
	var got []string
	for _, c := range net.Choices {
		got = append(got, fmt.Sprint(c.Name, c.Candidates, c.Configured))
	}
	want := []string{"stage0.0.heads[1 0.75 0.5] 3", "stage0.0.qk[1 0.5] 3", "stage0.0.value[2 1.5 1] 4"}
	if !slices.Equal(got, want) {
		t.Errorf("the choices are %v, want %v", got, want)
	}
	if net.Modifications != 10 {
		t.Errorf("%d modifications", net.Modifications)
	}
	extents := func(value string) string {
		for id, v := range net.Graph.Values {
			if v.Name == value {
				return fmt.Sprint(net.Shapes[id][1:])
			}
		}
		return ""
	}
	for value, want := range map[string]string{
		"qh": "[6 [4 3 2] over choices [0] [16 8] over choices [1]]",
		"s":  "[[4 3 2] over choices [0] 6 6]",
		"m":  "[[4 3 2] over choices [0] 6 [32 24 16] over choices [2]]",
		"o":  "[6 32]",
	} {
		if got := extents(value); got != want {
			t.Errorf("%s is %s, want %s", value, got, want)
		}
	}
}

func TestAttentionWithoutEffect(t *testing.T) {
	net := compile(t, attends, `[var.stage_vars]
[var.block_vars]
TransformerBlock.v_scale = [2, 3, 4]
`)
	want := "test.toml:3: TransformerBlock.value moves nothing: nothing in it is below 2, the largest ratio that a block has"
	if len(net.Choices) != 0 || strings.Join(net.Warnings, "\n") != want || net.Modifications != 3 {
		t.Errorf("%d choices, %d modifications, %q", len(net.Choices), net.Modifications, net.Warnings)
	}
	net = compile(t, attends, `[var.stage_vars]
TransformerBlock_skipped = [0]
[var.block_vars]
TransformerBlock.head_ratio = [0.5, 1]
`)
	if len(net.Choices) != 0 {
		t.Errorf("a skipped stage has the choice %v", net.Choices[0].Name)
	}
}
