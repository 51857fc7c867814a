package memory

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Steps returns the moments of a run of g in a runtime that has kernels of a product with its normalisation and Relu or
// Clip, renames where a Reshape or the like moves no data, frees a value after its last use, writes no result over an
// operand, and reads inputs where the caller has them.
func Steps(g *nn.Graph) []Step {
	l := &lives{g: g, home: make([]nn.Value, len(g.Values)), last: map[nn.Value]int{}, users: map[nn.Value]int{}}
	for v := range l.home {
		l.home[v] = nn.Value(v)
	}
	for i := range g.Nodes {
		for _, v := range g.Nodes[i].In {
			l.users[v]++
		}
	}
	for _, v := range g.Outputs {
		l.users[v] += 2 // the caller reads it, so no later kernel takes it over
	}
	kernel := l.kernels()
	return l.steps(kernel)
}

// lives follows values through a run.
type lives struct {
	g     *nn.Graph
	home  []nn.Value // what holds a value's data
	last  map[nn.Value]int
	users map[nn.Value]int
}

// renames are operators that need not move data.
var renames = []string{"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"}

// kernels tells for each node which node's kernel computes it, -1 for none.
func (l *lives) kernels() []int {
	kernel := make([]int, len(l.g.Nodes))
	made := map[nn.Value]int{}
	for i := range l.g.Nodes {
		n := &l.g.Nodes[i]
		kernel[i] = i
		if slices.Contains(renames, n.Type) && len(n.Out) == 1 && !l.g.Values[n.In[0]].Known() {
			l.home[n.Out[0]] = l.home[n.In[0]]
			kernel[i] = -1
			continue
		}
		if k, ok := made[n.In[0]]; ok && l.users[n.In[0]] == 1 && fuses(&l.g.Nodes[k], n) {
			kernel[i] = kernel[k]
		}
		for _, v := range n.Out {
			made[v] = i
		}
	}
	return kernel
}

// fuses tells whether the kernel that ends with a also computes b.
func fuses(a, b *nn.Node) bool {
	product := []string{"Conv", "Gemm", "MatMul"}
	switch b.Type {
	case "BatchNormalization":
		return slices.Contains(product, a.Type)
	case "Relu", "Clip":
		return slices.Contains(product, a.Type) || a.Type == "BatchNormalization" || a.Type == "Add"
	}
	return false
}

// steps lists the kernels with what lives while each runs.
func (l *lives) steps(kernel []int) []Step {
	type work struct {
		node    int
		in, out []nn.Value
	}
	var ws []work
	at := map[int]int{}
	for i := range l.g.Nodes {
		if kernel[i] < 0 {
			continue
		}
		k, ok := at[kernel[i]]
		if !ok {
			k = len(ws)
			at[kernel[i]] = k
			ws = append(ws, work{node: i})
		}
		n := &l.g.Nodes[i]
		for _, v := range n.In {
			if h := l.home[v]; v != nn.None && !l.g.Values[h].Known() && !slices.Contains(ws[k].out, h) && !slices.Contains(l.g.Inputs, h) {
				ws[k].in = append(ws[k].in, h)
			}
		}
		ws[k].out = slices.Clone(n.Out)
	}
	for k, w := range ws {
		for _, v := range slices.Concat(w.in, w.out) {
			l.last[v] = k
		}
	}
	for _, v := range l.g.Outputs {
		l.last[l.home[v]] = len(ws)
	}
	var out []Step
	var live []nn.Value
	for k, w := range ws {
		live = append(live, w.out...)
		out = append(out, Step{w.node, slices.Clone(live)})
		live = slices.DeleteFunc(live, func(v nn.Value) bool { return l.last[v] <= k })
	}
	return out
}
