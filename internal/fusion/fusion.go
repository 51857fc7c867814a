// Package fusion says which operators a runtime executes as one kernel: rule sets, and how they divide a graph into groups.
package fusion

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/operators"
)

// Graph is what the rules see of a network. Nodes stand in execution order.
type Graph struct {
	Nodes   []Node
	Outputs []int
}

// Node is an operator. Operands that are constants or absent are negative.
type Node struct {
	Type    string
	In, Out []int
}

// Rules are a named set of patterns.
type Rules struct {
	Name     string
	Lines    []string // as Parse takes them
	patterns []pattern
}

// pattern is a chain of operators, each fed by the one before.
type pattern []element

type element struct {
	types    []string
	optional bool
	constant bool // one of the operands is a constant
}

// sets are the built-in rules. What no rule says is a kernel of its own. onnxruntime is what version 1.30's CPU provider was seen to run
// at its highest optimisation level (a traced profile compares, see runtime/measure/profile), ncnn what ncnnoptimize and pnnx leave.
var sets = map[string][]string{
	"none": nil,
	"onnxruntime": {
		"Conv Relu|Clip|Sigmoid|Tanh|LeakyRelu|HardSigmoid|HardSwish",
		"Conv Add Relu|Clip?",
		"Gemm Relu|Clip|Sigmoid|Tanh|LeakyRelu",
		"MatMul Mul#|Div#",
		"Mul#|Div# MatMul",
		"Add LayerNormalization",
	},
	"ncnn": {
		"Conv Relu|Clip|Sigmoid|LeakyRelu|Mish|HardSwish",
		"Gemm Relu|Clip|Sigmoid|LeakyRelu|Mish|HardSwish",
		"MatMul Relu|Clip|Sigmoid|LeakyRelu|Mish|HardSwish",
	},
	"embedded": {
		"Conv Relu|Clip",
		"Gemm Relu|Clip",
		"MatMul Relu|Clip",
		"Add Relu|Clip",
	},
}

// Names lists the built-in rule sets.
func Names() []string { return slices.Sorted(maps.Keys(sets)) }

// Named returns a built-in rule set.
func Named(name string) (Rules, error) {
	lines, ok := sets[name]
	if !ok {
		return Rules{}, fmt.Errorf("there are no fusion rules %q; built in are %s", name, strings.Join(Names(), ", "))
	}
	return Parse(name, lines...)
}

// Parse makes a rule set. Each line is a chain of operator types: "Conv Add? Relu|Clip" is a convolution, perhaps followed
// by an addition, followed by one of two activations. "Mul#" is a product with a constant.
func Parse(name string, lines ...string) (Rules, error) {
	r := Rules{Name: name, Lines: slices.Clone(lines)}
	for _, line := range lines {
		var p pattern
		for _, f := range strings.Fields(line) {
			p = append(p, parseElement(f))
		}
		if len(p) < 2 || p[0].optional {
			return Rules{}, fmt.Errorf("fusion rule %q: a rule is two operators or more, the first of them required", line)
		}
		r.patterns = append(r.patterns, p)
	}
	return r, nil
}

// parseElement reads "Relu|Clip?". The marks may stand after each type.
func parseElement(text string) element {
	var e element
	for _, t := range strings.Split(text, "|") {
		for {
			if rest, ok := strings.CutSuffix(t, "?"); ok {
				t, e.optional = rest, true
			} else if rest, ok := strings.CutSuffix(t, "#"); ok {
				t, e.constant = rest, true
			} else {
				break
			}
		}
		e.types = append(e.types, t)
	}
	return e
}

// fits tells whether a node can be the element.
func (e element) fits(n Node) bool {
	return slices.Contains(e.types, n.Type) && (!e.constant || hasConstant(n))
}

// Groups divides the graph: each node is in one group, groups are in order of their last node, nodes in execution order.
//
// Under every set a normalisation directly after a convolution or product belongs to it, and an addition of a constant to a
// product is its bias: that is one operator, however the exporter wrote it.
func (r Rules) Groups(g Graph) [][]int {
	m := newMatcher(g)
	for i := range g.Nodes {
		if m.group[i] >= 0 {
			continue
		}
		m.start(i)
		m.extend(r.patterns)
	}
	for _, nodes := range m.groups {
		slices.Sort(nodes)
	}
	slices.SortFunc(m.groups, func(a, b []int) int { return a[len(a)-1] - b[len(b)-1] })
	return m.groups
}

type matcher struct {
	g       Graph
	group   []int // by node
	groups  [][]int
	readers [][]int // by value; outputs of the graph have a reader -1
	latest  []int   // of the nodes that make each node's operands, -1 for none
}

func newMatcher(g Graph) *matcher {
	values := 0
	for _, n := range g.Nodes {
		for _, v := range slices.Concat(n.In, n.Out) {
			values = max(values, v+1)
		}
	}
	m := &matcher{g: g, group: make([]int, len(g.Nodes)), readers: make([][]int, values), latest: make([]int, len(g.Nodes))}
	producer := make([]int, values) // one more
	for i, n := range g.Nodes {
		m.group[i] = -1
		for _, v := range n.In {
			if v >= 0 {
				m.readers[v] = append(m.readers[v], i)
			}
		}
		for _, v := range n.Out {
			if v >= 0 {
				producer[v] = i + 1
			}
		}
	}
	for i, n := range g.Nodes {
		m.latest[i] = -1
		for _, v := range n.In {
			if v >= 0 {
				m.latest[i] = max(m.latest[i], producer[v]-1)
			}
		}
	}
	for _, v := range g.Outputs {
		if v >= 0 && v < values {
			m.readers[v] = append(m.readers[v], -1)
		}
	}
	return m
}

func (m *matcher) start(i int) { m.groups = append(m.groups, nil); m.take(i) }

func (m *matcher) take(i int) {
	k := len(m.groups) - 1
	m.groups[k] = append(m.groups[k], i)
	m.group[i] = k
}

// next returns the only reader of node i's only result, -1 when there is none that may join: a kernel that runs where node i
// stands cannot wait for operands that come later.
func (m *matcher) next(i int) int {
	j := m.reader(i)
	if j < 0 || m.latest[j] > i {
		return -1
	}
	return j
}

// reader returns the only reader of node i's only result, -1 when there is none that is free.
func (m *matcher) reader(i int) int {
	n := m.g.Nodes[i]
	if len(n.Out) != 1 || n.Out[0] < 0 || len(m.readers[n.Out[0]]) != 1 {
		return -1
	}
	j := m.readers[n.Out[0]][0]
	if j < 0 || m.group[j] >= 0 {
		return -1
	}
	return j
}

// isProduct tells whether an operator takes the normalisation behind it.
func isProduct(name string) bool {
	o, _ := operators.Lookup("", name)
	return o.Class == operators.Product
}

// base takes what is one operator with i under all rules, and returns the last node of it.
func (m *matcher) base(i int) int {
	n := m.g.Nodes[i]
	if !isProduct(n.Type) || len(n.In) < 2 || n.In[1] >= 0 {
		return i
	}
	if j := m.next(i); n.Type == "MatMul" && j >= 0 && m.g.Nodes[j].Type == "Add" && hasConstant(m.g.Nodes[j]) {
		m.take(j)
		i = j
	}
	if j := m.next(i); j >= 0 && m.g.Nodes[j].Type == "BatchNormalization" {
		m.take(j)
		i = j
	}
	return i
}

func hasConstant(n Node) bool { return slices.ContainsFunc(n.In, func(v int) bool { return v < 0 }) }

// extend lengthens the last group by the pattern that takes most nodes.
func (m *matcher) extend(patterns []pattern) {
	k := len(m.groups) - 1
	first := m.groups[k][0]
	last := m.base(first)
	var best []int
	for _, p := range patterns {
		if !p[0].fits(m.g.Nodes[first]) {
			continue
		}
		if chain, ok := m.match(last, p[1:], !isProduct(m.g.Nodes[first].Type)); ok && len(chain) > len(best) {
			best = chain
		}
	}
	for _, i := range best {
		m.take(i)
	}
}

// match follows the single readers from node i along a pattern. A late kernel runs where the next node stands.
func (m *matcher) match(i int, p pattern, late bool) (chain []int, ok bool) {
	for _, e := range p {
		j := m.next(i)
		if late && len(chain) == 0 {
			j = m.reader(i)
		}
		if j >= 0 && e.fits(m.g.Nodes[j]) && m.data(j, i) {
			chain = append(chain, j)
			i = j
			continue
		}
		if !e.optional {
			return nil, false
		}
	}
	return chain, true
}

// data tells whether node i feeds node j where it counts: as its first operand, or as either one of an addition of two activations.
func (m *matcher) data(j, i int) bool {
	n, out := m.g.Nodes[j], m.g.Nodes[i].Out[0]
	switch n.Type {
	case "Add":
		return !hasConstant(n)
	case "MatMul": // a factor joins products of two activations only
		return slices.Contains(n.In, out) && !hasConstant(n)
	case "Mul", "Div":
		return n.In[0] == out && !(m.g.Nodes[i].Type == "MatMul" && hasConstant(m.g.Nodes[i]))
	}
	return len(n.In) > 0 && n.In[0] == out
}
