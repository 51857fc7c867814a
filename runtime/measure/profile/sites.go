package profile

import (
	"github.com/autotailor/autotailor/internal/fusion"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// places knows where the operators of a rule set are in the networks that a package builds.
type places struct {
	net   *supernet.Net
	rules fusion.Rules
	sites []supernet.Site
}

func placesOf(net *supernet.Net, rules string) (*places, error) {
	sites, err := net.Sites(rules)
	if err != nil {
		return nil, err
	}
	set, err := net.Fusion(rules)
	return &places{net, set, sites}, err
}

// op is the operator at a site for g.
func (p *places) op(site int, g space.Genes) supernet.ID { return p.net.OpAt(&p.sites[site], g) }

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

// locate returns the site of every node of the SubNet's graph.
func (p *places) locate(graph *nn.Graph, g space.Genes) ([]int, error) {
	return p.net.Locate(p.rules.Name, graph, g)
}
