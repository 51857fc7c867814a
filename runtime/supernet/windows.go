package supernet

import (
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// Windows lists kernels with the smaller windows that candidates give them, each once.
func (n *Net) Windows() ([]nn.Param, error) {
	var out []nn.Param
	seen := map[string]bool{}
	for _, genes := range space.Probes(n.Choices) {
		g, err := n.Record(genes)
		if err != nil {
			return nil, err
		}
		for _, node := range g.Nodes {
			if node.Type != "Conv" {
				continue
			}
			p := g.Values[node.In[1]].Param
			if p == nil {
				continue
			}
			if w, ok := p.Window(); ok && !seen[w.Name] {
				seen[w.Name] = true
				out = append(out, *p)
			}
		}
	}
	return out, nil
}
