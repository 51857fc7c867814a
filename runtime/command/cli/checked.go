package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

// checkFlags are the flags of a search that counts its candidates.
type checkFlags struct {
	k                *int
	model, dir, file *string
	engine           engineFlags
}

func (c *call) checkFlags() *checkFlags {
	f := &checkFlags{k: c.flags.Int("verify", 0, "count this many candidates on the images of the sensitivities, correct the prediction by each, and search again; needs --model and --data")}
	f.model, f.dir = c.modelFlag(), c.dataFlag()
	f.file = c.flags.String("joint", "", "`file` for what --verify counts, which later runs use (default: that of --accuracy with .joint)")
	f.engine = c.engineFlags(0)
	c.originalFlag()
	return f
}

// jointEnding is appended to the name of a table of sensitivities: this is the file with joint measurements.
const jointEnding = ".joint"

// joint reads the SubNets that `search --verify` has counted, if there is such a file beside the sensitivities, and says so. Predictions use them.
func (c *call) joint(path string, t *accuracy.Table) (*accuracy.JointJournal, error) {
	j, err := accuracy.ReadJoint(path, c.net, t.Header)
	if err == nil && len(j.List()) > 0 {
		fmt.Fprintf(c.err, "predictions are corrected by the %d SubNets that %s has counted\n", len(j.List()), path)
	}
	return j, err
}

// checker alternates between searching and counting.
type checker struct {
	*call
	flags   *checkFlags
	table   *accuracy.Table
	problem search.Problem
	budget  int64   // 0 for the whole front
	listed  *keeper // statistics of what is counted
	eval    *sensitivity.Evaluator
	journal *accuracy.JointJournal
}

// checker opens the files and the engine that counting needs.
func (c *call) checker(f *checkFlags, m *models, accuracies string, p search.Problem, budget time.Duration) (*checker, error) {
	if m.accuracies == nil {
		return nil, usageError{errors.New("--verify needs --accuracy")}
	}
	if err := c.require("model", "data"); err != nil {
		return nil, err
	}
	w, err := c.weights(*f.model)
	if err != nil {
		return nil, err
	}
	engines, err := c.open(f.engine)
	if err != nil {
		return nil, err
	}
	k := &checker{call: c, flags: f, table: m.accuracies, problem: p, budget: budget.Nanoseconds()}
	if k.eval, err = c.evaluator(m.accuracies.Header, accuracies, *f.dir, w, engines[0]); err != nil {
		return nil, errors.Join(err, c.closeEngines(engines))
	}
	if k.listed, err = c.keepFor(k.eval, w, accuracies); err != nil {
		return nil, errors.Join(err, c.closeEngines(engines))
	}
	path := cmp.Or(*f.file, accuracies+jointEnding)
	k.journal, err = accuracy.OpenJoint(path, c.net, m.accuracies.Header)
	return k, err
}

// run counts candidates until there are as many counted SubNets as the user wants, or no more candidates. It returns the front under the corrected prediction or,
// with a budget, the counted SubNet within the budget that has most correct images.
func (k *checker) run(ctx context.Context) (search.Result, []search.Point, error) {
	bar := k.progress("verify")
	start := time.Now()
	for done := 0; ; done++ {
		front, err := k.solve(ctx)
		if err != nil {
			return front, nil, err
		}
		g := k.next(front)
		if g == nil || done >= *k.flags.k {
			return front, k.answer(front), k.complete()
		}
		correct, err := k.eval.Count(ctx, g)
		if err == nil {
			err = k.journal.Add(g, correct)
		}
		if err != nil {
			return front, nil, err
		}
		bar.at(done+1, *k.flags.k, time.Since(start))
	}
}

// complete lists the statistics of what a killed run had counted.
func (k *checker) complete() error {
	var counted []space.Genes
	for _, j := range k.journal.List() {
		counted = append(counted, j.Genes)
	}
	return k.listed.complete(k.eval, counted)
}

// solve searches with the prediction as corrected so far.
func (k *checker) solve(ctx context.Context) (search.Result, error) {
	var err error
	if k.problem.Penalty, err = k.table.Corrected(k.net, k.journal.List()); err != nil {
		return search.Result{}, err
	}
	front, err := search.Front(ctx, k.problem, search.Options{})
	if err == nil && k.budget > 0 {
		_, err = front.Best(k.budget)
	}
	return front, err
}

// next returns the SubNet to count next. With a budget it is the most accurate candidate within the budget that was not counted yet. Otherwise it is the SubNet of the
// front that is farthest from the counted ones. It is nil if there is none.
func (k *checker) next(front search.Result) space.Genes {
	if k.budget > 0 {
		for _, q := range slices.Backward(front.Points) {
			if _, ok := k.journal.Correct(q.Genes); !ok && q.Cost <= k.budget {
				return q.Genes
			}
		}
		return nil
	}
	var counted []space.Genes
	for _, j := range k.journal.List() {
		counted = append(counted, j.Genes)
	}
	if list := search.Spread([]*space.Sum{k.problem.Cost, k.problem.Penalty}, counted, front.Genes(), 1); len(list) > 0 {
		return list[0]
	}
	return nil
}

// answer returns the front's points, or the best SubNet within the budget. Counted SubNets have their counted accuracy, not the predicted one.
func (k *checker) answer(front search.Result) []search.Point {
	if k.budget <= 0 {
		return settled(k.problem, k.table, k.journal, front.Points)
	}
	best := search.Point{}
	for _, j := range k.journal.List() {
		q := search.Point{Genes: j.Genes, Cost: k.problem.Cost.At(j.Genes), Penalty: int64(k.table.Base - j.Correct)}
		if q.Cost <= k.budget && within(k.problem, q.Genes) && (best.Genes == nil || q.Penalty < best.Penalty || q.Penalty == best.Penalty && q.Cost < best.Cost) {
			best = q
		}
	}
	if best.Genes == nil { // nothing was counted
		best, _ = front.Best(k.budget) // solve has found that there is one
	}
	return []search.Point{best}
}

// mark adds the counted accuracies to the points that are printed.
func (k *checker) mark(points []point, genes []search.Point) error {
	plain, err := k.table.Penalty(k.net)
	if err != nil {
		return err
	}
	for i, q := range genes {
		if correct, ok := k.journal.Correct(q.Genes); ok {
			before := k.table.Value(plain.At(q.Genes))
			points[i].Predicted = &before
			points[i].Accuracy = k.table.Value(int64(k.table.Base - correct))
			points[i].Verified = true
		}
	}
	return nil
}

// describeChecked is the line below the table.
func (k *checker) describeChecked(points []point) string {
	n := 0
	for _, p := range points {
		if p.Verified {
			n++
		}
	}
	return fmt.Sprintf("%d of %d SubNets above were counted on %d samples, marked by *; %d were in all", n, len(points), k.table.Header.Images, len(k.journal.List()))
}

// searchChecked is the search whose candidates are counted.
func (c *call) searchChecked(f *checkFlags, shown frontFlags, m *models, accuracies string, p search.Problem, budget time.Duration, objective string) (err error) {
	k, err := c.checker(f, m, accuracies, p, budget)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, k.listed.save(), k.journal.Close(), c.closeEngines([]engine.Engine{k.eval.Engine}))
	}()
	front, points, err := k.run(c.ctx)
	if err != nil {
		return model.Explain(err, model.Quantity(objective))
	}
	if points, err = c.cut(points, m.accuracies, shown); err != nil {
		return err
	}
	r := found{replaced: len(k.journal.List()) > 0, Method: "exact", Certificate: certify(front), Points: []point{}}
	for _, q := range points {
		r.Points = append(r.Points, m.point(c, q))
	}
	if err := k.mark(r.Points, points); err != nil {
		return err
	}
	r.Notes = c.promises(m.accuracies, r.Points)
	r.judgedBy(m.accuracies)
	if err := c.printFound(r, objective); err != nil || *c.json {
		return err
	}
	_, err = fmt.Fprintln(c.out, k.describeChecked(r.Points))
	return err
}
