package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// frontFlags select the points of a front that are shown. The zero frontFlags select all points that are better than guessing.
type frontFlags struct {
	least  *float64
	points *int
}

func (c *call) frontFlags() frontFlags {
	return frontFlags{
		c.flags.Float64("min-accuracy", 0, "leave out SubNets that are predicted to be less accurate than this, such as 0.85; where lower values of the metric are better, such as nats per token, those above it"),
		c.flags.Int("points", 0, "show this many SubNets of the front, spread over it; 0 for all"),
	}
}

func (f frontFlags) check(accuracies string) error {
	switch {
	case !(*f.least >= 0):
		return usageError{fmt.Errorf("--min-accuracy %g: want a value of the metric, such as 0.85", *f.least)}
	case *f.least > 0 && accuracies == "":
		return usageError{errors.New("--min-accuracy needs --accuracy")}
	case *f.points < 0:
		return usageError{fmt.Errorf("--points %d: want a number of SubNets, 0 for all", *f.points)}
	}
	return nil
}

// promises lists warnings about predicted accuracies: the weights were trained for the largest network only, or the accuracies were not counted.
func (c *call) promises(t *accuracy.Table, points []point) []string {
	notes := []string{}
	if t == nil {
		return append(notes, "without --accuracy the front is of costs and sizes: of SubNets that cost the same, the one with most MACs, to about 1 % of the original's, is listed")
	}
	if t.Header.Weights == c.net.Source.SHA256 {
		notes = append(notes, "sensitivities were counted with the model's own weights, which were trained for the largest network: `tune` makes smaller SubNets far more accurate")
	}
	if !slices.ContainsFunc(points, func(p point) bool { return p.Verified }) {
		notes = append(notes, values(t.Header)+" are predictions, sums of single losses: --verify 10 --model MODEL --data DIR counts candidates and corrects the others by them")
	}
	return notes
}

// share writes the predicted quality of a penalty.
func share(t *accuracy.Table, penalty int64) string {
	if m := t.Metric(); m.LowerIsBetter {
		return m.Format(t.Value(penalty))
	}
	return fmt.Sprintf("%.1f %%", 100*t.Value(penalty))
}

// cut leaves out the points of a front that are predicted to be no better than guessing, as sums of large losses may be, and the points that the user does not want.
// Points are in the order of their costs, so that accuracies rise.
func (c *call) cut(points []search.Point, t *accuracy.Table, f frontFlags) ([]search.Point, error) {
	if t != nil && len(points) > 0 {
		from, guess, err := t.AboveChance(c.net, len(points), func(i int) int64 { return points[i].Penalty })
		if err != nil {
			return nil, err
		}
		best := points[len(points)-1]
		if from == len(points) {
			c.warn(fmt.Sprintf("no SubNet here is predicted to be better than guessing (%s): tune the weights, and count sensitivities again with them", share(t, guess)))
			from = len(points) - 1
		} else if from > 0 {
			what := map[bool]string{true: "1 cheaper SubNet is left out: it is", false: fmt.Sprintf("%d cheaper SubNets are left out: they are", from)}[from == 1]
			c.warn(fmt.Sprintf("%s predicted to be no better than guessing (%s)", what, share(t, guess)))
		}
		points = points[from:]
		if f.least != nil && *f.least > 0 {
			m := t.Metric()
			if !m.LowerIsBetter && *f.least > 1 {
				return nil, usageError{fmt.Errorf("--min-accuracy %g: want a share from 0 to 1, such as 0.85", *f.least)}
			}
			points = slices.DeleteFunc(slices.Clone(points), func(q search.Point) bool { return m.Better(*f.least, t.Value(q.Penalty)) })
			if len(points) == 0 {
				return nil, &model.QualityError{Want: model.Quality{Value: *f.least, Metric: m}, Best: model.Quality{Value: t.Value(best.Penalty), Metric: m}, SubNet: space.Format(c.net.Choices, best.Genes)}
			}
		}
	}
	if f.points == nil || *f.points == 0 || *f.points >= len(points) {
		return points, nil
	}
	at := make([][2]float64, len(points))
	for i, q := range points {
		if at[i][0] = float64(q.Cost); t != nil {
			at[i][1] = t.Accuracy(q.Penalty)
		}
	}
	var out []search.Point
	for _, i := range bundle.Spread(at, *f.points) {
		out = append(out, points[i])
	}
	return out, nil
}
