// Package unique enumerates the distinct operators of a SuperNet (paper, section 4.2.1).
//
// Each operator, or group of operators that a runtime fuses, is enumerated over exactly the choices that its own extents
// depend on. Depth, other stages and other blocks drop out by construction; nothing is sampled and no SubNet is built.
package unique

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/fusion"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/cost"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
	"github.com/autotailor/autotailor/ir/supernet"
)

// Table holds the distinct operators under all rule sets and where each occurs.
type Table struct {
	Ops   []Op    // in order of first occurrence
	Rules []Rules // in the order asked for
}

// Op is one distinct operator or fused group: what the nodes are at the example genes.
type Op struct {
	Kind  string  // "Conv", "DepthwiseConv", "Conv+Add+Relu"
	Nodes []int   // members at the first occurrence, in execution order
	Genes []uint8 // choices at the first occurrence
	MACs  int64   // multiply-accumulates at batch 1
}

// Rules are the sites under one fusion rule set.
type Rules struct {
	Name  string
	Lines []string // as fusion.Parse takes them
	Sites []Site
}

// Site is one place of the net and the operator there as a function of choices.
type Site struct {
	Name  string // of the first node
	Nodes []int
	Deps  []dim.Choice
	Live  supernet.Need
	Ops   []int // index in Table.Ops, dense over Deps, the last fastest
}

// maxSite bounds the combinations of one site: more means that choices should be tied.
const maxSite = 1 << 22

// Enumerate makes the table of a net under the given rule sets.
func Enumerate(net *supernet.Net, sets []fusion.Rules) (*Table, error) {
	e := &enumerator{net: net, ids: map[string]int{}, table: &Table{}}
	var errs []error
	var divisions [][][]int // of the rule sets so far
	for _, set := range sets {
		r := Rules{Name: set.Name, Lines: set.Lines}
		groups := e.groups(set)
		same := slices.IndexFunc(divisions, func(d [][]int) bool { return slices.EqualFunc(d, groups, slices.Equal) })
		divisions = append(divisions, groups)
		if same >= 0 { // large networks take long
			r.Sites = e.table.Rules[same].Sites
			e.table.Rules = append(e.table.Rules, r)
			continue
		}
		for _, nodes := range groups {
			s, err := e.site(nodes)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			r.Sites = append(r.Sites, s)
		}
		e.table.Rules = append(e.table.Rules, r)
	}
	return e.table, errors.Join(errs...)
}

type enumerator struct {
	net   *supernet.Net
	ids   map[string]int
	table *Table
}

// groups divides the nodes into operators under a rule set. Groups never span what depth can remove separately.
func (e *enumerator) groups(set fusion.Rules) [][]int {
	var out [][]int
	for _, nodes := range set.Groups(e.abstract()) {
		start := 0
		for k := 1; k <= len(nodes); k++ {
			if k == len(nodes) || e.live(nodes[k]) != e.live(nodes[start]) {
				out = append(out, nodes[start:k])
				start = k
			}
		}
	}
	return out
}

func (e *enumerator) live(node int) supernet.Need { return e.net.Nodes[node].Feature(e.net).Live }

// abstract is the graph as the fusion rules see it.
func (e *enumerator) abstract() fusion.Graph {
	g := e.net.Graph
	var out fusion.Graph
	for _, n := range g.Nodes {
		fn := fusion.Node{Type: n.Op}
		for _, id := range n.In {
			v := int(id)
			if id == 0 || g.Values[id].Const != nil {
				v = -1
			}
			fn.In = append(fn.In, v)
		}
		for _, id := range n.Out {
			fn.Out = append(fn.Out, int(id))
		}
		out.Nodes = append(out.Nodes, fn)
	}
	for _, id := range g.Outputs {
		out.Outputs = append(out.Outputs, int(id))
	}
	return out
}

// site enumerates one group over its own cone of choices.
func (e *enumerator) site(nodes []int) (Site, error) {
	v, err := e.view(nodes)
	if err != nil {
		return Site{}, err
	}
	s := Site{Name: e.net.Nodes[nodes[0]].Node.Name, Nodes: nodes, Deps: v.deps, Live: e.live(nodes[0])}
	cards := make([]uint8, len(v.deps))
	total := 1
	for k, g := range v.deps {
		cards[k] = uint8(len(e.net.Choices[g].Candidates))
		if total *= int(cards[k]); total > maxSite {
			return Site{}, fmt.Errorf("node %q: its operator depends on %d choices with more than %d combinations; tie some of them in the config",
				s.Name, len(v.deps), maxSite)
		}
	}
	s.Ops = make([]int, 0, total)
	genes := make([]uint8, len(e.net.Choices))
	key := append([]byte(nil), v.static...)
	dim.Enumerate(v.deps, cards, genes, func() {
		if !s.Live.Holds(genes) { // never asked for: what is there instead has no channels
			defer func(g uint8) { genes[s.Live.Choice] = g }(genes[s.Live.Choice])
			genes[s.Live.Choice] = 0
		}
		key = v.appendKey(key[:len(v.static)], genes)
		id, ok := e.ids[string(key)]
		if !ok {
			id = len(e.table.Ops)
			e.ids[string(key)] = id
			e.table.Ops = append(e.table.Ops, Op{Kind: v.kind, Nodes: nodes, Genes: append([]uint8(nil), genes...), MACs: int64(v.macs.At(genes))})
		}
		s.Ops = append(s.Ops, id)
	})
	return s, nil
}

// view is what distinguishes a group's operator: a fixed part, and extents that are functions of choices.
type view struct {
	kind   string
	static []byte
	dims   []dim.Dim
	deps   []dim.Choice
	macs   dim.Dim
	seen   map[ir.ValueID]int // operands from outside, numbered
}

func (v *view) appendKey(key []byte, genes []uint8) []byte {
	for _, d := range v.dims {
		n := d.At(genes)
		key = append(key, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	return key
}

// view collects a group's operators, attributes, wiring and extents. A BatchNormalization that the base rule joined to the
// convolution before it only shows as that convolution's bias: folded or not, it is the same operator.
func (e *enumerator) view(nodes []int) (*view, error) {
	v := &view{macs: dim.Const(0), seen: map[ir.ValueID]int{}}
	step := map[ir.ValueID]int{}
	for k, i := range nodes {
		o := e.net.Nodes[i]
		m, _, err := cost.MACs(e.net.Graph, o.Node, e.net.Shapes, o.Attrs)
		if err != nil {
			return nil, err
		}
		if v.macs, err = dim.Add(v.macs, m); err != nil {
			return nil, err
		}
		if k > 0 && o.Node.Op == "BatchNormalization" {
			step[o.Node.Out[0]] = step[o.Node.In[0]]
			continue
		}
		if k > 0 {
			v.kind += "+"
		}
		v.kind += kind(e.net, o)
		e.describe(v, o, step, biased(e.net, nodes, k))
		for _, id := range o.Node.Out {
			step[id] = k + 1
		}
	}
	v.deps = dim.Union(append(v.dims, v.macs)...)
	return v, nil
}

// biased tells whether the k-th node of a group has a bias: its own, or that of a normalisation folded into it.
func biased(net *supernet.Net, nodes []int, k int) bool {
	n := net.Nodes[nodes[k]].Node
	if n.Op != "Conv" && n.Op != "Gemm" {
		return false
	}
	if len(n.In) > 2 && n.In[2] != 0 {
		return true
	}
	return k+1 < len(nodes) && net.Nodes[nodes[k+1]].Node.Op == "BatchNormalization"
}

// describe appends one node to a view.
func (e *enumerator) describe(v *view, o *supernet.Op, step map[ir.ValueID]int, bias bool) {
	n, f := o.Node, o.Feature(e.net)
	v.static = fmt.Appendf(v.static, "%s.%s(", n.Domain, n.Op)
	for _, a := range op.KeyAttrs(n) {
		if moving, ok := f.Attrs[a.Name]; ok {
			v.dims = append(v.dims, moving...)
			continue
		}
		v.static = fmt.Appendf(v.static, "%s=%s,", a.Name, a.Text)
	}
	operands := n.In
	if n.Op == "Conv" || n.Op == "Gemm" {
		operands = n.In[:2]
		v.static = fmt.Appendf(v.static, "bias=%t,", bias)
	}
	for k, id := range operands {
		switch {
		case id == 0:
			v.static = append(v.static, '_')
		case step[id] > 0:
			v.static = fmt.Appendf(v.static, "%%%d", step[id])
			continue
		default:
			at, again := v.seen[id]
			if again { // a square is not a product of two operands
				v.static = fmt.Appendf(v.static, "as %d;", at)
			} else {
				v.seen[id] = len(v.seen)
			}
			e.operand(v, id, f.In[k])
		}
	}
	for k, id := range n.Out {
		e.operand(v, id, f.Out[k])
	}
	v.static = append(v.static, ')')
}

// operand appends a value's type and extents. The open batch counts as 1.
func (e *enumerator) operand(v *view, id ir.ValueID, shape []dim.Dim) {
	val := e.net.Graph.Values[id]
	v.static = fmt.Appendf(v.static, "t%d.%t.%d;", val.Type, val.Const != nil, len(shape))
	for _, d := range shape {
		v.dims = append(v.dims, d.AtBatch1())
	}
	if t := val.Const; t != nil && (t.Type == ir.Int64 || t.Type == ir.Int32 || t.NumElements() == 1) && t.NumElements() <= maxLiteral {
		if list, err := t.Int64s(); err == nil {
			v.static = fmt.Appendf(v.static, "%v;", list)
		} else if list, err := t.Float32s(); err == nil {
			v.static = fmt.Appendf(v.static, "%v;", list)
		}
	}
}

// maxLiteral is the number of elements up to which the values of a constant tell operators apart: the axes and bounds of a Slice,
// a factor. Weights do not. Operators that differ in nothing but values which their rows do not show share a row in the end.
const maxLiteral = 64

// kind names an operator for statistics.
func kind(net *supernet.Net, o *supernet.Op) string {
	if o.Node.Op == "Conv" {
		group := int(o.Node.Int("group", 1))
		if x := net.Shapes[o.Node.In[0]]; group > 1 && len(x) > 1 && group == x[1].Original() {
			return "DepthwiseConv"
		}
	}
	return o.Node.Op
}
