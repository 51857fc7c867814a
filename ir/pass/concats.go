package pass

import (
	"fmt"

	"github.com/autotailor/autotailor/ir"
)

// nestedConcats lets a Concat of all results so far read the Concat before it, which has all of them but the last: then each layer of a dense network
// adds to what it reads, however an exporter lists it.
func nestedConcats(g *ir.Graph) error {
	made := map[string]ir.ValueID{}
	for _, n := range g.Nodes {
		if n.Op != "Concat" || n.Domain != "" {
			continue
		}
		axis, all := n.Int("axis", 0), fmt.Sprint(n.In)
		if last := len(n.In) - 1; last > 1 {
			if id, ok := made[fmt.Sprint(axis, " ", n.In[:last])]; ok {
				n.In = []ir.ValueID{id, n.In[last]}
			}
		}
		made[fmt.Sprint(axis, " ", all)] = n.Out[0]
	}
	return nil
}
