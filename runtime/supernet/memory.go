package supernet

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// floatBytes is the size of a parameter, and of an activation's element.
const floatBytes = 4

// Peak is how much memory a SubNet's inference needs at its peak, in bytes, as a function of its genes: its parameters, and
// the activations that are alive at the same time. The activations' peak is the largest of all steps', so it is a max-plus
// function of the genes (space.Max), where latency is a sum. It is immutable.
//
// It is exact for SubNets that keep all blocks, and an upper bound for others: what removed blocks alone would still have read, such as a mask, counts as long as
// in the original, and where a removed block's operand is read later, too, it counts beside the block's result, which is the same then.
type Peak struct {
	Params      *space.Sum // parameters, not bytes
	Activations *space.Max // bytes
}

// At returns the peak for g, without allocating.
func (p *Peak) At(g []uint8) int64 { return floatBytes*p.Params.At(g) + p.Activations.At(g) }

// Peak returns the peak memory of n's SubNets in a runtime that frees values after their last use (see nn.Graph.Steps).
func (n *Net) Peak() (*Peak, error) {
	g, err := n.Original()
	if err != nil {
		return nil, err
	}
	return n.peak(g)
}

// peak is Peak for callers that have recorded the original.
func (n *Net) peak(g *nn.Graph) (*Peak, error) {
	params, err := n.Params()
	if err != nil {
		return nil, err
	}
	activations, err := n.Activations(g, g.Steps())
	if err != nil {
		return nil, err
	}
	return &Peak{params, activations}, nil
}

// Original records n's largest SubNet, which has all nodes.
func (n *Net) Original() (*nn.Graph, error) {
	return n.Record(make([]uint8, len(n.Choices)))
}

// Activations returns the bytes of the activations at the worst of steps, which are those of the recorded original g.
func (n *Net) Activations(g *nn.Graph, steps []nn.Step) (*space.Max, error) {
	s, err := sizesOf(n, g)
	if err != nil {
		return nil, fmt.Errorf("%s: peak memory: %w", n.Package, err)
	}
	var ts []space.Term
	now := living{}
	for _, step := range steps {
		t, err := s.step(step, now)
		if err != nil {
			return nil, fmt.Errorf("%s: peak memory: %w", n.Package, err)
		}
		ts = append(ts, t)
	}
	return space.NewMax(s.cards, ts)
}

// sizes knows how many elements a value has, as a function of genes.
type sizes struct {
	cards  []uint8
	site   []*Site                 // of each node
	values map[nn.Value]size       // of what nodes make and what is put in
	live   map[nn.Value]space.Need // of inputs and outputs that not every SubNet has
	given  map[nn.Value]bool       // inputs
	counts map[ID][2][]int64       // elements of operators, see Op.Elements
}

// size is a dense table over deps, the last gene fastest.
type size struct {
	deps  []uint8
	table []int64
}

// sizesOf takes the sizes of values from the sites of the unfused table, where a normalisation or bias is one site with the product before it.
func sizesOf(net *Net, g *nn.Graph) (*sizes, error) {
	sites, err := net.Sites(Unfused)
	if err != nil {
		return nil, err
	}
	bound := g.Bind(1)
	at, err := net.Locate(Unfused, bound, make([]uint8, len(net.Choices)))
	if err != nil {
		return nil, err
	}
	s := &sizes{cards: net.Cards(), site: make([]*Site, len(g.Nodes)), values: map[nn.Value]size{}, given: map[nn.Value]bool{}, counts: map[ID][2][]int64{}}
	for _, v := range g.Inputs {
		s.given[v] = true
	}
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
	s.live, err = optional(net, g, sites)
	return s, err
}

// optional lists the inputs and outputs of the original g that go with removed blocks, such as what these keep for later calls, and when they are there.
func optional(net *Net, g *nn.Graph, sites []Site) (map[nn.Value]space.Need, error) {
	out := map[nn.Value]space.Need{}
	asked := map[space.Need]bool{{}: true}
	ends := slices.Concat(g.Inputs, g.Outputs)
	for _, site := range sites {
		if asked[site.Live] || len(ends) < 3 { // what enters and leaves every SubNet
			continue
		}
		asked[site.Live] = true
		genes := make(space.Genes, len(net.Choices))
		genes[site.Live.Gene] = site.Live.Below
		sub, err := net.Record(genes)
		if err != nil {
			return nil, err
		}
		there := map[string]bool{}
		for _, v := range slices.Concat(sub.Inputs, sub.Outputs) {
			there[sub.Values[v].Name] = true
		}
		for _, v := range ends {
			if old, ok := out[v]; !there[g.Values[v].Name] && (!ok || site.Live.Below < old.Below) {
				out[v] = site.Live
			}
		}
	}
	return out, nil
}

// add stores the sizes of what the site's nodes make and of the graph inputs that they read.
func (s *sizes) add(net *Net, g *nn.Graph, nodes []int, site *Site) error {
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
		if s.given[v] {
			s.values[v] = table()
		}
	}
	for i, id := range site.Ops {
		in, out, err := s.elements(net, id)
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
			if s.given[v] {
				s.values[v].table[i] = in[j]
			}
		}
	}
	for _, i := range nodes[:len(nodes)-1] { // the group's inner values are as large as its result
		s.values[g.Nodes[i].Out[0]] = s.values[makes[0]]
	}
	return nil
}

// elements are those of an operator of the net, whose text is read once.
func (s *sizes) elements(net *Net, id ID) (in, out []int64, err error) {
	if c, ok := s.counts[id]; ok {
		return c[0], c[1], nil
	}
	in, out, err = net.Ops[id].Elements()
	s.counts[id] = [2][]int64{in, out}
	return in, out, err
}

// living is what is in memory at a step. Values that depend on the same genes and live on the same condition are one term, so that a step costs no
// more where many values live.
type living map[string]*lot

// lot is the sum of some values that are alike.
type lot struct {
	term   space.Term
	values int
}

// put adds a value to what lives, or takes it away again.
func (l living) put(s size, live space.Need, values int) {
	key := string(append([]byte{live.Gene, live.Below}, s.deps...))
	p := l[key]
	if p == nil {
		p = &lot{term: space.Term{Deps: s.deps, Table: make([]int64, len(s.table)), Live: live}}
		l[key] = p
	}
	for i, n := range s.table {
		p.term.Table[i] += int64(values) * n
	}
	if p.values += values; p.values == 0 {
		delete(l, key)
	}
}

// step returns the bytes of all that lives at one step, which comes after those that now knows.
func (s *sizes) step(step nn.Step, now living) (space.Term, error) {
	site := s.site[step.Node]
	for _, v := range step.Made {
		if _, ok := s.values[v]; !ok {
			return space.Term{}, fmt.Errorf("value %d of step %q has no size", v, site.Name)
		}
		now.put(s.values[v], s.live[v], 1)
	}
	t := space.Term{Live: site.Live}
	var sum []space.Term
	for _, p := range now {
		sum = append(sum, p.term)
		t.Deps = append(t.Deps, p.term.Deps...)
		if p.term.Live.Below > 0 {
			t.Deps = append(t.Deps, p.term.Live.Gene)
		}
	}
	slices.Sort(t.Deps)
	t.Deps = slices.Compact(t.Deps)
	total, err := space.NewSum(s.cards, 0, sum)
	if err != nil {
		return space.Term{}, err
	}
	t.Table, err = total.Over(t.Deps)
	for i := range t.Table {
		t.Table[i] *= floatBytes
	}
	for _, v := range step.Freed {
		now.put(s.values[v], s.live[v], -1)
	}
	return t, err
}
