package nn

import "slices"

// Step is a moment of a run of the original: the kernel of a node, and how the values in memory change. A list of all that is in memory at each step
// would grow with the square of a network whose values live long.
type Step struct {
	Node  int     // index in the recorded graph; if depth removes the node's block, the step goes, too
	Made  []Value // come into memory with the step; a value that is held in two forms stands here twice
	Freed []Value // leave it after the step
}

// Steps returns the kernels of a run of g with the live values. It assumes a runtime in which a product with its normalisation and Relu or Clip is one
// kernel, a Reshape or the like moves no data, a value is freed after its last use, no result overwrites an operand, and inputs are not copied.
func (g *Graph) Steps() []Step {
	l := &lives{g: g, home: make([]Value, len(g.Values)), given: make([]bool, len(g.Values)), last: make([]int, len(g.Values)), users: make([]int, len(g.Values))}
	for v := range l.home {
		l.home[v] = Value(v)
	}
	for i := range g.Nodes {
		for _, v := range g.Nodes[i].In {
			l.users[v]++
		}
	}
	for _, v := range g.Inputs {
		l.given[v] = true
	}
	for _, v := range g.Outputs {
		l.users[v] += 2 // the caller reads it, so no later kernel takes it over
	}
	kernel := l.kernels()
	return l.steps(kernel)
}

// lives follows values through a run.
type lives struct {
	g     *Graph
	home  []Value // the value whose memory holds a value's data
	given []bool  // inputs
	last  []int   // the step of its last use
	users []int
}

// renames are operators that need not move data.
var renames = []string{"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"}

// kernels tells for each node which node's kernel computes it, -1 for none.
func (l *lives) kernels() []int {
	kernel := make([]int, len(l.g.Nodes))
	made := make([]int, len(l.g.Values)) // by which node, one more
	for i := range l.g.Nodes {
		n := &l.g.Nodes[i]
		kernel[i] = i
		if slices.Contains(renames, n.Type) && len(n.Out) == 1 && !l.g.Values[n.In[0]].Known() {
			l.home[n.Out[0]] = l.home[n.In[0]]
			kernel[i] = -1
			continue
		}
		if k := made[n.In[0]] - 1; k >= 0 && l.users[n.In[0]] == 1 && fuses(&l.g.Nodes[k], n) {
			kernel[i] = kernel[k]
		}
		for _, v := range n.Out {
			made[v] = i + 1
		}
	}
	return kernel
}

// fuses tells whether the kernel that ends with a also computes b.
func fuses(a, b *Node) bool {
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
		in, out []Value
	}
	var ws []work
	at := make([]int, len(l.g.Nodes)) // the kernel's step, one more
	for i := range l.g.Nodes {
		if kernel[i] < 0 {
			continue
		}
		if at[kernel[i]] == 0 {
			ws = append(ws, work{node: i})
			at[kernel[i]] = len(ws)
		}
		k := at[kernel[i]] - 1
		n := &l.g.Nodes[i]
		for _, v := range n.In {
			if h := l.home[v]; v != None && !l.g.Values[h].Known() && !slices.Contains(ws[k].out, h) && !l.given[h] {
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
	out := make([]Step, len(ws))
	for k, w := range ws {
		out[k].Node, out[k].Made = w.node, w.out
		for _, v := range w.out {
			if end := l.last[v]; end < len(ws) {
				out[end].Freed = append(out[end].Freed, v)
			}
		}
	}
	return out
}

// wordBytes is the least that an element takes: engines compute in single precision.
const wordBytes = 4

// MemoryNeed estimates the bytes that an engine needs to run g, which has no open axes: its parameters twice, as stored and as packed for its kernels, and the
// values that are alive at the worst node. It is an upper bound of the result of Steps, and takes linear time, so that networks from elsewhere can be judged
// before they run.
func (g *Graph) MemoryNeed() int64 {
	bytes := func(v Value) int64 {
		return int64(max(g.Values[v].Type.Bytes(), wordBytes)) * g.Values[v].Shape.Elements()
	}
	params, live := int64(0), int64(0)
	for v := range g.Values {
		if g.Values[v].Known() {
			params += 2 * bytes(Value(v))
		}
	}
	readers := make([]int, len(g.Values)) // still to come
	for i := range g.Nodes {
		for _, v := range g.Nodes[i].In {
			readers[v]++
		}
	}
	for _, v := range slices.Concat(g.Inputs, g.Outputs) {
		readers[v]++ // the caller
	}
	for _, v := range g.Inputs {
		live += bytes(v)
	}
	peak := live
	for i := range g.Nodes {
		n := &g.Nodes[i]
		for _, v := range n.Out {
			live += bytes(v)
		}
		peak = max(peak, live)
		for _, v := range n.Out {
			if readers[v] == 0 {
				live -= bytes(v)
			}
		}
		for _, v := range n.In {
			if readers[v]--; readers[v] == 0 && v != None && !g.Values[v].Known() {
				live -= bytes(v)
			}
		}
	}
	return params + peak
}

// PeakBytes is the size of the values that are alive at the worst of g's steps, at batch 1. It follows from this network alone.
func (g *Graph) PeakBytes() int64 {
	peak, bound := int64(0), g.Bind(1)
	live := int64(0)
	for _, s := range bound.Steps() {
		live += bound.bytes(s.Made)
		peak = max(peak, live)
		live -= bound.bytes(s.Freed)
	}
	return peak
}

// bytes is what values take together.
func (g *Graph) bytes(list []Value) int64 {
	sum := int64(0)
	for _, v := range list {
		sum += wordBytes * int64(g.Values[v].Shape.Count())
	}
	return sum
}
