package supernet_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/ir/supernet"
)

// TestResidualsBesideOtherValues: residuals are items though other values are live all along. Items beside the main flow stand in parentheses.
func TestResidualsBesideOtherValues(t *testing.T) {
	for _, c := range []struct{ name, graph, want string }{
		{"a mask that all layers read", `
input x Nx4x4
input mask Nx4
m0 = Unsqueeze mask {1}
m = Neg m0
e = Relu x
a = MatMul e [4,4]
a1 = Add a m
b = Add a1 e
c = MatMul b [4,4]
c1 = Add c m
d = Add c1 b
f = Relu d
output f`, "e; (m0 m); a a1 b; c c1 d; f"},
		{"post-norm", `
input x Nx4x4
input mask Nx4x4
a = Mul x [4]
a1 = Add a mask
b = Add a1 x
n = LayerNormalization b [4] [4]
c = Mul n [4]
c1 = Add c mask
d = Add n c1
o = LayerNormalization d [4] [4]
output o`, "a a1 b; n; c c1 d; o"},
		{"a long skip around residuals", `
input x Nx3
h = Relu x
a = Mul h [3]
b = Add a h
c = Mul b [3]
d = Add c b
e = Relu d
f = Add e h
g = Relu f
output g`, "h; a b; c d; e; f; g"},
		{"one residual in another is one block", `
input x Nx3
h = Relu x
a = Mul h [3]
b = Add a h
e = Relu b
f = Add e h
g = Relu f
output g`, "h; a b e f; g"},
		{"an encoder that two layers read", `
input x Nx4x4
input z Nx4x4
e1 = MatMul x [4,4]
e = Add e1 x
q = Relu z
k1 = MatMul e [4,4]
a1 = Mul k1 q
y = Add q a1
k2 = MatMul e [4,4]
a2 = Mul k2 y
w = Add y a2
o = Relu w
output o`, "e1 e; q; k1 a1 y; k2 a2 w; o"},
		{"an encoder that one layer reads is not a part of it", `
input x Nx4x4
input z Nx4x4
e = Relu x
n = Abs e
q = Relu z
k = MatMul n [4,4]
v = MatMul n [4,4]
s = Mul k q
a = Mul v s
y = Add q a
o = Relu y
output o`, "q; (e n); k v s a y; o"},
		{"parallel branches that share a normalisation", `
input x Nx4x4
h = Relu x
n = LayerNormalization h [4] [4]
a = MatMul n [4,4]
b = MatMul n [4,4]
c = Relu b
y = Add a h
z = Add y c
o = Relu z
output o`, "h; (n); a y; b c z; o"},
		{"what a layer leaves for later calls", `
input x Nx4x4
input past Nx4x4
a = Relu x
present = Concat past a axis=1
m0 = ReduceMean present axes=1
m = Mul m0 [4]
y = Add m a
z = Relu y
output z present`, "a; present m0 m y; z"},
		{"a concatenation of residuals", `
input x Nx4
a = Relu x
b = Mul a [4]
c = Add b a
d = Mul c [4]
e = Add d c
f = Concat a c e axis=1
g = Relu f
output g`, "a; b c; d e; f; g"},
		{"a function in pieces is not a block", `
input x Nx4
input mask Nx4
a = MatMul x [4,4]
b = Relu a
g = Add b a
c = MatMul g [4,4]
y = Add c x
w = Add y mask
d = MatMul w [4,4]
e = Add d w
o = Add e mask
output o`, "a b g c y; w; d e; o"},
	} {
		f, _ := flow(t, c.graph)
		var items []string
		for _, it := range f.Items {
			if it.Beside {
				items = append(items, "("+names(f, it.Nodes)+")")
			} else {
				items = append(items, names(f, it.Nodes))
			}
		}
		if got := strings.Join(items, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestMainFlow: what the main flow brings to a block is the first of what the block reads, and what it takes on the first of what it makes.
func TestMainFlow(t *testing.T) {
	f, _ := flow(t, `
input x Nx4x4
input past Nx4x4
h = Relu x
a = Concat past h axis=1
b = Mul a [4]
m = ReduceMean b axes=1
y = Add m h
z = Relu y
output a z`)
	it := f.Items[1]
	got := fmt.Sprint(valueNames(f, it))
	if want := "[h past -> y a]"; got != want {
		t.Errorf("the block is %s, want %s", got, want)
	}
	if long, short, ok := f.Branches(it); !ok || names(f, long) != "a b m" || len(short) > 0 {
		t.Errorf("the branches are %q and %q, %t", names(f, long), names(f, short), ok)
	}
}

func valueNames(f *supernet.Flow, it supernet.Item) (out []string) {
	for _, id := range it.In {
		out = append(out, f.Graph.Values[id].Name)
	}
	out = append(out, "->")
	for _, id := range it.Out {
		out = append(out, f.Graph.Values[id].Name)
	}
	return out
}

// TestLongChainsOfResiduals: the work grows with the number of nodes, also where sums of one value follow each other.
func TestLongChainsOfResiduals(t *testing.T) {
	for k, line := range []string{"r%[2]d = Mul v%[1]d [3]\nv%[2]d = Add r%[2]d v%[1]d\n", "r%[2]d = Mul v%[1]d [3]\nv%[2]d = Add r%[2]d s\n"} {
		var graph strings.Builder
		graph.WriteString("input x Nx3\nv0 = Relu x\ns = Abs x\n")
		const n = 20_000
		for k := range n {
			fmt.Fprintf(&graph, line, k, k+1)
		}
		fmt.Fprintf(&graph, "w = Add v%d s\noutput w", n)
		f, _ := flow(t, graph.String())
		if k == 0 && len(f.Items) < n {
			t.Errorf("%d items", len(f.Items))
		}
	}
}

// TestWideGraphsOfResiduals: parallel sums of joined branches are looked through once, however many ways lead there.
func TestWideGraphsOfResiduals(t *testing.T) {
	var graph strings.Builder
	graph.WriteString("input x Nx4\na0 = Mul x [4]\n")
	const n = 200
	for k := range n {
		fmt.Fprintf(&graph, "c%d = Max %s\nb%d = Mul c%d [4]\na%d = Add b%d a%d\n", k, strings.Repeat(fmt.Sprintf("a%d ", k), 40), k, k, k+1, k, max(0, k-1))
	}
	fmt.Fprintf(&graph, "y = Relu a%d\noutput y", n)
	if f, _ := flow(t, graph.String()); len(f.Items) == 0 {
		t.Error("no items")
	}
}
