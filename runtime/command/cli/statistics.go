package cli

import (
	"fmt"
	"strings"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// The origins of the batch normalisation statistics of an exported SubNet.
const (
	noStatistics           = "none"         // there are no such normalisations
	originalStatistics     = "original"     // the model's, which are right: the SubNet normalises the same values as the original
	recalibratedStatistics = "recalibrated" // its own
	borrowedStatistics     = "borrowed"     // the model's, which are wrong
)

// statistics tells whose statistics the SubNet of g has after prepare, and the warning about them.
func (c *call) statistics(g space.Genes, graph *nn.Graph, anew bool) (whose, warning string, err error) {
	switch {
	case len(supernet.Normalisations(graph)) == 0:
		return noStatistics, "", nil
	case anew:
		return recalibratedStatistics, "", nil
	}
	names, err := c.net.Borrowed(g)
	if err != nil || len(names) == 0 {
		return originalStatistics, "", err
	}
	return borrowedStatistics, fmt.Sprintf("%d BatchNorms of this SubNet have the statistics of the original network, not their own (the first is node %q), so the model classifies "+
		"worse than predicted, often far worse; give --recalibrate DIR with the folder of your training images", len(names), names[0]), nil
}

// borrowing is the warning about SubNets of a bundle that lack statistics of their own, "" when there are none.
func borrowing(list []bundle.SubNet, remedy string) string {
	var names []string
	for _, s := range list {
		if s.Borrowed {
			names = append(names, s.SubNet)
		}
	}
	if len(names) == 0 {
		return ""
	}
	const most = 3
	text := strings.Join(names[:min(len(names), most)], " and ")
	if n := len(names) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("%d of %d SubNets have the BatchNorm statistics of the original network, not their own, so they classify worse than the accuracies here say, often far worse: %s; %s",
		len(names), len(list), text, remedy)
}

// warn prints a warning, if there is one.
func (c *call) warn(text string) {
	if text != "" {
		fmt.Fprintf(c.err, "warning: %s\n", text)
	}
}

// foldedNote explains the effect of folded BatchNorms, if the original probably has them.
func (c *call) foldedNote() {
	g, err := c.original()
	if err != nil {
		return // the command says so itself
	}
	text := operators.FoldedNote(operators.FoldedBatchNorms(func(yield func(string, int) bool) {
		for _, n := range g.Nodes {
			if !yield(n.Type, len(n.In)) {
				return
			}
		}
	}))
	if text != "" {
		fmt.Fprintf(c.err, "note: %s\n", text)
	}
}
