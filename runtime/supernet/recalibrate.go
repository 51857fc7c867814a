package supernet

import (
	"context"
	"fmt"
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// Statistics lists the means and variances that the normalisations of g have among its parameters.
func Statistics(g *nn.Graph) []nn.Param {
	var out []nn.Param
	for _, i := range Normalisations(g) {
		for _, v := range g.Nodes[i].In[3:5] {
			if p := g.Values[v].Param; p != nil {
				out = append(out, *p)
			}
		}
	}
	return out
}

// Recalibrate returns w with the statistics that the SubNet of g has on the data of source, marked by WithStatistics. A SubNet without
// normalisations gets w.
func (n *Net) Recalibrate(ctx context.Context, g space.Genes, w nn.Weights, r nn.Recalibrator, source nn.Source) (nn.Weights, error) {
	graph, err := n.Record(g)
	if err != nil {
		return nil, err
	}
	if len(Normalisations(graph)) == 0 {
		return w, nil
	}
	inputs := make([]nn.Info, len(graph.Inputs))
	for i, v := range graph.Inputs {
		inputs[i] = graph.Values[v]
	}
	own, err := r.Recalibrate(ctx, graph, w, source.Batches(inputs), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: statistics of SubNet %s: %w", n.Package, space.Format(n.Choices, g), err)
	}
	return n.WithStatistics(own, g), nil
}

// WithStatistics returns w marked as having the statistics of the SubNet of g: whoever has computed them calls it.
func (n *Net) WithStatistics(w nn.Weights, g space.Genes) nn.Weights {
	return nn.WithOwner(w, n.Digest+" "+space.Format(n.Choices, g))
}

// StatisticsError says that a SubNet needs statistics of its own, and the weights have those of another network.
type StatisticsError struct {
	SubNet string   // in text form
	Have   string   // the SubNet whose statistics the weights have, "" for one of another package
	Nodes  []string // normalisations of SubNet that these do not suit
}

// Error names both SubNets and the remedies.
func (e *StatisticsError) Error() string {
	have := "SubNet " + e.Have
	if e.Have == "" {
		have = "another package"
	}
	return fmt.Sprintf("SubNet %s has %d normalisations, such as node %q, for which the weights have statistics of %s: its accuracy would not be the predicted one; "+
		"recalibrate it on inputs, or say that there is to be no recalibration", e.SubNet, len(e.Nodes), e.Nodes[0], have)
}

// CheckStatistics returns a *StatisticsError when the SubNet of g needs statistics that w does not have. Weights that nobody has marked, such as
// the SuperNet's file and what tune makes of it, have those of the original.
func (n *Net) CheckStatistics(g space.Genes, w nn.Weights) error {
	text, owner := space.Format(n.Choices, g), nn.Owner(w)
	have, ours := strings.CutPrefix(owner, n.Digest+" ")
	e := &StatisticsError{SubNet: text}
	var err error
	switch {
	case owner == "":
		e.Have = space.Format(n.Choices, make(space.Genes, len(n.Choices)))
		e.Nodes, err = n.Borrowed(g)
	case ours && have == text:
		return nil
	default:
		if ours {
			e.Have = have
		}
		e.Nodes, err = n.normalised(g)
	}
	if err != nil || len(e.Nodes) == 0 {
		return err
	}
	return e
}

// normalised names the normalisations of the SubNet of g.
func (n *Net) normalised(g space.Genes) ([]string, error) {
	graph, err := n.Record(g)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, i := range Normalisations(graph) {
		names = append(names, graph.Nodes[i].Name)
	}
	return names, nil
}
