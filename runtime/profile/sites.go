package profile

import (
	"fmt"

	"github.com/autotailor/autotailor/internal/fusion"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/optable"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// places knows where the operators of a rule set are in the networks that a package builds.
type places struct {
	net   *supernet.Net
	rules fusion.Rules
	sites []optable.Site
}

func placesOf(net *supernet.Net, rules string) (*places, error) {
	sites, err := net.Sites(rules)
	if err != nil {
		return nil, err
	}
	for _, r := range net.Rules {
		if r.Name == rules {
			parsed, err := fusion.Parse(rules, r.Patterns...)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", net.Package, err)
			}
			return &places{net, parsed, sites}, nil
		}
	}
	return nil, fmt.Errorf("%s: no fusion rules %q", net.Package, rules)
}

// op is the operator at a site for g.
func (p *places) op(site int, g space.Genes) optable.ID {
	s := &p.sites[site]
	k := 0
	for _, d := range s.Deps {
		k = k*len(p.net.Choices[d].Values) + int(g[d])
	}
	return s.Ops[k]
}

// live lists the sites that the SubNet has.
func (p *places) live(g space.Genes) []int {
	var out []int
	for i := range p.sites {
		if space.Holds(p.sites[i].Live, g) {
			out = append(out, i)
		}
	}
	return out
}

// locate returns the site of every node of the SubNet's graph. Groups of the rules are compared with the sites one by one, so a package
// that was generated under other rules is found out.
func (p *places) locate(graph *nn.Graph, g space.Genes) ([]int, error) {
	out := make([]int, len(graph.Nodes))
	live := p.live(g)
	for _, group := range p.rules.Groups(abstract(graph)) {
		for len(group) > 0 {
			if len(live) == 0 {
				return nil, fmt.Errorf("node %q has no site under fusion rules %q; regenerate the package", graph.Nodes[group[0]].Name, p.rules.Name)
			}
			n := prefix(graph, group, p.net.Ops[p.op(live[0], g)].Key())
			if n == 0 || n < len(group) && !p.parted(live) {
				return nil, fmt.Errorf("site %q under fusion rules %q is not what Build makes there; regenerate the package", p.sites[live[0]].Name, p.rules.Name)
			}
			for _, i := range group[:n] {
				out[i] = live[0]
			}
			group, live = group[n:], live[1:]
		}
	}
	return out, nil
}

// parted tells whether the first two of live may be in one group and yet be two operators: depth can remove one of them, or has removed what was
// between them.
func (p *places) parted(live []int) bool {
	return len(live) > 1 && (p.sites[live[0]].Live != p.sites[live[1]].Live || live[1] > live[0]+1)
}

// prefix is how many nodes of a group are the operator with the given key: all, unless depth can remove the others.
func prefix(graph *nn.Graph, group []int, key string) int {
	for n := len(group); n > 0; n-- {
		if o, err := optable.Of(graph, group[:n]); err == nil && o.Key() == key {
			return n
		}
	}
	return 0
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
