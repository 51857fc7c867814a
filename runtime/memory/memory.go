// Package memory predicts how much memory a SubNet's inference needs at its peak: its parameters, and the activations
// that are alive at the same time. The activations' peak is the largest of all steps', so it is a max-plus function of
// the genes (terms.Max), where latency is a sum.
package memory

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/optable"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/terms"
)

// floatBytes is the size of an activation's element.
const floatBytes = 4

// Step is a moment of a run of the original: the kernel of a node and the values that are in memory while it runs.
type Step struct {
	Node int        // index in the recorded graph; what removes the node's block removes the step
	Live []nn.Value // a value that is held in two forms stands here twice
}

// Peak is the peak memory of a SubNet, in bytes, as a function of its genes. It is immutable.
type Peak struct {
	Params      *terms.Sum // parameters, not bytes
	Activations *terms.Max // bytes
}

// At returns the peak for g, without allocating.
func (p *Peak) At(g []uint8) int64 { return floatBytes*p.Params.At(g) + p.Activations.At(g) }

// Of returns the peak memory of net's SubNets in a runtime that frees values after their last use (see Steps).
func Of(net *supernet.Net) (*Peak, error) {
	g, err := Original(net)
	if err != nil {
		return nil, err
	}
	params, err := net.Params()
	if err != nil {
		return nil, err
	}
	activations, err := Activations(net, g, Steps(g))
	if err != nil {
		return nil, err
	}
	return &Peak{params, activations}, nil
}

// Original records net's largest SubNet, which has all nodes.
func Original(net *supernet.Net) (*nn.Graph, error) {
	return net.Record(make([]uint8, len(net.Choices)))
}

// Activations returns the bytes of the activations at the worst of steps, which are those of the recorded original g.
func Activations(net *supernet.Net, g *nn.Graph, steps []Step) (*terms.Max, error) {
	s, err := sizesOf(net, g)
	if err != nil {
		return nil, fmt.Errorf("%s: peak memory: %w", net.Package, err)
	}
	var ts []terms.Term
	for _, step := range steps {
		t, err := s.step(step)
		if err != nil {
			return nil, fmt.Errorf("%s: peak memory: %w", net.Package, err)
		}
		ts = append(ts, t)
	}
	return terms.NewMax(s.cards, ts)
}

// sizes knows how many elements a value has, as a function of genes.
type sizes struct {
	cards  []uint8
	site   []*optable.Site   // of each node
	values map[nn.Value]size // of what nodes make and what is put in
}

// size is a dense table over deps, the last gene fastest.
type size struct {
	deps  []uint8
	table []int64
}

// sizesOf takes the sizes of values from the sites of the unfused table, where a normalisation or bias is one site with the product before it.
func sizesOf(net *supernet.Net, g *nn.Graph) (*sizes, error) {
	sites, err := net.Sites(supernet.Unfused)
	if err != nil {
		return nil, err
	}
	bound := g.Bind(1)
	at, err := net.Locate(supernet.Unfused, bound, make([]uint8, len(net.Choices)))
	if err != nil {
		return nil, err
	}
	s := &sizes{cards: net.Cards(), site: make([]*optable.Site, len(g.Nodes)), values: map[nn.Value]size{}}
	nodes := make([][]int, len(sites))
	for i, k := range at {
		s.site[i] = &sites[k]
		nodes[k] = append(nodes[k], i)
	}
	for k := range sites {
		if err := s.add(net, bound, nodes[k], &sites[k]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// add stores the sizes of what the site's nodes make and of the graph inputs that they read.
func (s *sizes) add(net *supernet.Net, g *nn.Graph, nodes []int, site *optable.Site) error {
	first, last := &g.Nodes[nodes[0]], &g.Nodes[nodes[len(nodes)-1]]
	var reads []nn.Value
	for _, v := range first.In {
		if v != nn.None && !g.Values[v].Known() && !slices.Contains(reads, v) {
			reads = append(reads, v)
		}
	}
	makes := last.Out
	table := func() size { return size{site.Deps, make([]int64, len(site.Ops))} }
	for _, v := range makes {
		s.values[v] = table()
	}
	for _, v := range reads {
		if slices.Contains(g.Inputs, v) {
			s.values[v] = table()
		}
	}
	for i, id := range site.Ops {
		in, out, err := net.Ops[id].Elements()
		if err != nil {
			return err
		}
		if len(out) != len(makes) || len(in) < len(reads) {
			return fmt.Errorf("site %q has %d operands and %d results, its node %d and %d", site.Name, len(in), len(out), len(reads), len(makes))
		}
		for j, v := range makes {
			s.values[v].table[i] = out[j]
		}
		for j, v := range reads {
			if slices.Contains(g.Inputs, v) {
				s.values[v].table[i] = in[j]
			}
		}
	}
	for _, i := range nodes[:len(nodes)-1] { // the group's inner values are as large as its result
		s.values[g.Nodes[i].Out[0]] = s.values[makes[0]]
	}
	return nil
}

// step returns the bytes of all that lives at one step.
func (s *sizes) step(step Step) (terms.Term, error) {
	site := s.site[step.Node]
	t := terms.Term{Live: site.Live}
	var parts []size
	var errs []error
	for _, v := range step.Live {
		part, ok := s.values[v]
		if !ok {
			errs = append(errs, fmt.Errorf("value %d of step %q has no size", v, site.Name))
		}
		parts = append(parts, part)
		t.Deps = append(t.Deps, part.deps...)
	}
	slices.Sort(t.Deps)
	t.Deps = slices.Compact(t.Deps)
	var sum []terms.Term
	for _, part := range parts {
		sum = append(sum, terms.Term{Deps: part.deps, Table: part.table})
	}
	if err := errors.Join(errs...); err != nil {
		return terms.Term{}, err
	}
	total, err := terms.New(s.cards, 0, sum)
	if err != nil {
		return terms.Term{}, err
	}
	t.Table, err = total.Over(t.Deps)
	for i := range t.Table {
		t.Table[i] *= floatBytes
	}
	return t, err
}

// Need estimates the bytes that an engine takes to run g, which has no open axes: its parameters twice, as stored and as
// packed for its kernels, and the values that are alive at the worst node. It bounds what Steps finds, in linear time, so
// that networks from elsewhere can be judged before they run.
func Need(g *nn.Graph) int64 {
	bytes := func(v nn.Value) int64 {
		return int64(max(g.Values[v].Type.Bytes(), floatBytes)) * g.Values[v].Shape.Elements()
	}
	params, live := int64(0), int64(0)
	for v := range g.Values {
		if g.Values[v].Known() {
			params += 2 * bytes(nn.Value(v))
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
			if readers[v]--; readers[v] == 0 && v != nn.None && !g.Values[v].Known() {
				live -= bytes(v)
			}
		}
	}
	return params + peak
}
