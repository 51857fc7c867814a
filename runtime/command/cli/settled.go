package cli

import (
	"cmp"
	"slices"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// judged is a search for fast SubNets, with the tables that it goes by.
type judged struct {
	search.Problem
	latencies  *lut.Table
	accuracies *accuracy.Table
	joint      *accuracy.JointJournal
}

// front returns the front that reports and bundles show: as settled has it, without what is no better than guessing.
func (c *call) front(j *judged) ([]search.Point, error) {
	var err error
	if j.Penalty, err = j.accuracies.Corrected(c.net, j.joint.List()); err != nil {
		return nil, err
	}
	front, err := search.Front(c.ctx, j.Problem, search.Options{})
	if err != nil {
		return nil, model.Explain(err, model.Latency)
	}
	return c.cut(settled(j.Problem, j.accuracies, j.joint, front.Points), j.accuracies, frontFlags{})
}

// settled puts counts in the place of predictions. Beside the points of a front, the SubNets that were counted and the original may be good
// ones. It returns those of all within the limits that no other one beats, in the order of their costs: accuracies rise strictly.
func settled(p search.Problem, t *accuracy.Table, joint *accuracy.JointJournal, front []search.Point) []search.Point {
	if t == nil {
		return front
	}
	var all []search.Point
	for _, q := range front {
		if _, ok := correct(t, joint, q.Genes); !ok {
			all = append(all, q)
		}
	}
	counted := []space.Genes{make(space.Genes, len(p.Choices))}
	for _, j := range listOf(joint) {
		counted = append(counted, j.Genes)
	}
	for _, g := range counted {
		if n, ok := correct(t, joint, g); ok && within(p, g) {
			all = append(all, search.Point{Genes: g, Cost: p.Cost.At(g), Penalty: int64(t.Base - n)})
		}
	}
	slices.SortStableFunc(all, func(a, b search.Point) int {
		return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(a.Penalty, b.Penalty))
	})
	var out []search.Point
	best := -1.0
	for _, q := range all {
		if v := t.Accuracy(q.Penalty); v > best {
			out, best = append(out, q), v
		}
	}
	return out
}

// correct returns the count of a SubNet: a joint one, or of the original the table's.
func correct(t *accuracy.Table, joint *accuracy.JointJournal, g space.Genes) (n int, ok bool) {
	if joint != nil {
		if n, ok := joint.Correct(g); ok {
			return n, true
		}
	}
	return t.Base, !slices.ContainsFunc(g, func(v uint8) bool { return v != 0 })
}

func listOf(joint *accuracy.JointJournal) []accuracy.Joint {
	if joint == nil {
		return nil
	}
	return joint.List()
}

// within tells whether a SubNet keeps the limits of a search.
func within(p search.Problem, g space.Genes) bool {
	return !slices.ContainsFunc(p.Limits, func(l search.Limit) bool { return l.Metric.At(g) > l.Most })
}
