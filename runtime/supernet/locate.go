package supernet

import (
	"fmt"

	"github.com/autotailor/autotailor/internal/fusion"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// Fusion returns the rule set called name.
func (n *Net) Fusion(name string) (fusion.Rules, error) {
	r, err := n.rules(name)
	if err != nil {
		return fusion.Rules{}, err
	}
	parsed, err := fusion.Parse(name, r.Patterns...)
	if err != nil {
		return fusion.Rules{}, fmt.Errorf("%s: %w", n.Package, err)
	}
	return parsed, nil
}

// OpAt is the operator at a site for g.
func (n *Net) OpAt(s *Site, g space.Genes) ID {
	k := 0
	for _, d := range s.Deps {
		k = k*len(n.Choices[d].Values) + int(g[d])
	}
	return s.Ops[k]
}

// Locate returns the site, under the rule set called rules, of every node of graph: the SubNet of g at batch 1. The rules divide the graph into
// groups of nodes, and Locate compares these with the sites one by one, so it finds out a package that was generated under other rules.
func (n *Net) Locate(rules string, graph *nn.Graph, g space.Genes) ([]int, error) {
	sites, err := n.Sites(rules)
	if err != nil {
		return nil, err
	}
	set, err := n.Fusion(rules)
	if err != nil {
		return nil, err
	}
	l := &locator{net: n, graph: graph, sites: sites, genes: g, groups: set.Groups(abstract(graph)), readers: readers(graph), site: make([]int, len(graph.Nodes)), dead: map[place]bool{}}
	for i := range sites {
		if space.Holds(sites[i].Live, g) {
			l.live = append(l.live, i)
		}
	}
	if !l.from(place{}) {
		return nil, fmt.Errorf("fusion rules %q: %w; regenerate the package", rules, l.mistake())
	}
	return l.site, nil
}

// locator finds the site of each node. It tries whole groups first. Where that leads to a contradiction it takes groups apart and tries again: depth
// can remove a part of a group, and what remains may look like the whole. A convolution that has a bias is the same operator with and without the
// normalisation behind it.
type locator struct {
	net     *Net
	graph   *nn.Graph
	sites   []Site
	genes   space.Genes
	groups  [][]int
	readers [][]int        // see opWeights
	live    []int          // sites that the SubNet has
	site    []int          // of each node: the result
	dead    map[place]bool // what does not lead to the end
	deep    place          // the place with most sites before it
}

// place is a state of the search: the groups and the nodes of the current one that have their sites, and how many live sites are theirs.
type place struct{ group, node, site int }

// from tells whether all that follows p has a site, and stores it.
func (l *locator) from(p place) bool {
	if p.group < len(l.groups) && p.node == len(l.groups[p.group]) {
		p.group, p.node = p.group+1, 0
	}
	if p.site >= l.deep.site {
		l.deep = p
	}
	if p.group == len(l.groups) || p.site == len(l.live) {
		return p.group == len(l.groups) && p.site == len(l.live)
	}
	if l.dead[p] {
		return false
	}
	rest := l.groups[p.group][p.node:]
	for n := len(rest); n > 0; n-- {
		if n < len(rest) && !l.parted(p.site) || !l.is(rest[:n], l.live[p.site]) {
			continue
		}
		if l.from(place{p.group, p.node + n, p.site + 1}) {
			for _, i := range rest[:n] {
				l.site[i] = l.live[p.site]
			}
			return true
		}
	}
	l.dead[p] = true
	return false
}

// parted tells whether live site k and the next one may be in one group and yet be two operators: depth can remove one of them, or has removed
// what was between them.
func (l *locator) parted(k int) bool {
	if k+1 >= len(l.live) {
		return false
	}
	a, b := l.live[k], l.live[k+1]
	return l.sites[a].Live != l.sites[b].Live || b > a+1
}

// is tells whether nodes are the operator of a site.
func (l *locator) is(nodes []int, site int) bool {
	o, _, err := opWeights(l.graph, nodes, l.readers)
	return err == nil && o.Key() == l.net.Ops[l.net.OpAt(&l.sites[site], l.genes)].Key()
}

// mistake says where the graph and the sites part ways.
func (l *locator) mistake() error {
	switch p := l.deep; {
	case p.site == len(l.live):
		return fmt.Errorf("node %q has no site", l.graph.Nodes[l.groups[p.group][p.node]].Name)
	case p.group == len(l.groups):
		return fmt.Errorf("site %q has no node", l.sites[l.live[p.site]].Name)
	default:
		return fmt.Errorf("site %q is not what Build makes there", l.sites[l.live[p.site]].Name)
	}
}

// abstract is a graph as fusion rules see it.
func abstract(g *nn.Graph) fusion.Graph {
	var out fusion.Graph
	for _, n := range g.Nodes {
		node := fusion.Node{Type: n.Type}
		for _, v := range n.In {
			k := int(v)
			if v == nn.None || g.Values[v].Known() {
				k = -1
			}
			node.In = append(node.In, k)
		}
		for _, v := range n.Out {
			node.Out = append(node.Out, int(v))
		}
		out.Nodes = append(out.Nodes, node)
	}
	for _, v := range g.Outputs {
		out.Outputs = append(out.Outputs, int(v))
	}
	return out
}
