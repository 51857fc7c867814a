package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/command/report"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// found is the result of `search`.
type found struct {
	Method      string       `json:"method"`
	Certificate *certificate `json:"certificate,omitempty"`
	Metric      *metricEntry `json:"metric,omitempty"` // what accuracies are
	Points      []point      `json:"points"`
	Uncounted   uncounted    `json:"uncounted"` // operators that the metrics of MACs leave out
	Notes       []string     `json:"notes"`     // warnings about the accuracies

	counted  *accuracy.Table // what accuracies are of, nil for none
	replaced bool            // counts have taken the place of predictions
	sizes    bool            // there are no accuracies: SubNets with many multiply-accumulates count as good ones
}

type certificate struct {
	Exact   bool    `json:"exact"`
	Gap     int64   `json:"gap"` // samples, or 20,000ths of quality, that an inexact front may lose, -1 when unknown
	States  int     `json:"states"`
	Labels  int     `json:"labels"`
	Method  string  `json:"method"`
	Seconds float64 `json:"seconds"`
}

type point struct {
	SubNet    string             `json:"subnet"`
	LatencyMS float64            `json:"latency_ms,omitempty"`
	Accuracy  float64            `json:"accuracy,omitempty"`
	Verified  bool               `json:"verified,omitempty"`           // accuracy was counted, not predicted
	Predicted *float64           `json:"predicted_accuracy,omitempty"` // of verified SubNets: the sum of the sensitivities
	Metrics   map[string]float64 `json:"metrics"`                      // all that can be predicted, such as energy_mJ and memory_bytes
}

func runSearch(c *call) error {
	latencies, accuracies := c.tableFlags()
	budget := c.flags.Duration("budget", 0, "`latency`, such as 2ms; 0 for the whole Pareto front")
	objective := c.flags.String("objective", "latency", "`what` accuracy is traded against: latency, energy, macs, flops, params or size")
	power := c.flags.String("power", "", "constant `power` of the device, such as 3.5W, for energy")
	limits := c.limitFlags()
	method := c.flags.String("method", "exact", "exact, genetic or random")
	seed := c.flags.Uint64("seed", 1, "of genetic and random")
	samples := c.flags.Int("samples", 10_000, "SubNets that random draws")
	shown := c.frontFlags()
	check := c.checkFlags()
	if err := c.parse(); err != nil {
		return err
	}
	if err := shown.check(*accuracies); err != nil {
		return err
	}
	if *budget < 0 {
		return usageError{fmt.Errorf("--budget %v: want a time above 0, or 0 for the whole front", *budget)}
	}
	if *objective == "latency" || *budget > 0 {
		if err := c.require("lut"); err != nil {
			return err
		}
	}
	t, err := c.models(*latencies, *accuracies, *power)
	if err == nil && t.accuracies != nil && *check.k == 0 {
		if t.joint, err = c.joint(cmp.Or(*check.file, *accuracies+jointEnding), t.accuracies); err == nil {
			t.single, err = t.accuracies.Penalty(c.net)
		}
	}
	if err != nil {
		return err
	}
	p, err := t.problem(c, *objective, limits)
	if err != nil {
		return err
	}
	if len(p.Limits) > 0 && *method != "exact" {
		return usageError{fmt.Errorf("--method %s: limits need the exact search", *method)}
	}
	if *budget > 0 && *objective != "latency" {
		return usageError{errors.New("--budget is a latency; use --max-latency and the like with another objective")}
	}
	if *check.k > 0 {
		if *method != "exact" {
			return usageError{fmt.Errorf("--verify goes with the exact search")}
		}
		return c.searchChecked(check, shown, t, *accuracies, p, *budget, *objective)
	}
	points, k, err := c.solved(p, t, *method, *budget, *seed, *samples)
	if err != nil {
		return model.Explain(err, model.Quantity(*objective))
	}
	r := found{replaced: t.joint != nil && len(t.joint.List()) > 0 && *method == "exact", Method: *method, Certificate: k, Points: []point{}}
	if points, err = c.cut(points, t.accuracies, shown); err != nil {
		return err
	}
	for _, q := range points {
		r.Points = append(r.Points, t.point(c, q))
	}
	if *check.dir != "" && t.accuracies != nil {
		if err := c.listPoints(check, t.accuracies, *accuracies, points); err != nil {
			return err
		}
	}
	r.Notes, r.sizes = c.promises(t.accuracies, r.Points), t.accuracies == nil
	r.judgedBy(t.accuracies)
	return c.printFound(r, *objective)
}

// solved searches by a method: the whole front, or the best SubNet within a budget.
func (c *call) solved(p search.Problem, m *models, method string, budget time.Duration, seed uint64, samples int) ([]search.Point, *certificate, error) {
	one := func(q search.Point, err error) ([]search.Point, *certificate, error) {
		return []search.Point{q}, nil, err
	}
	switch {
	case method == "exact":
		front, err := search.Front(c.ctx, p, search.Options{})
		if err != nil {
			return nil, certify(front), err
		}
		points := settled(p, m.accuracies, m.joint, front.Points)
		if budget == 0 {
			return points, certify(front), nil
		}
		best, err := front.Best(budget.Nanoseconds())
		for _, q := range points {
			if q.Cost <= budget.Nanoseconds() {
				best = q
			}
		}
		return []search.Point{best}, certify(front), err
	case method != "genetic" && method != "random":
		return nil, nil, usageError{fmt.Errorf("--method %s: methods are exact, genetic and random", method)}
	case budget == 0:
		return nil, nil, usageError{fmt.Errorf("--method %s needs a --budget", method)}
	case method == "genetic":
		return one(search.Genetic(c.ctx, p, budget.Nanoseconds(), search.GeneticOptions{Seed: seed}))
	}
	return one(search.Random(c.ctx, p, budget.Nanoseconds(), samples, seed))
}

func certify(r search.Result) *certificate {
	k := r.Certificate
	return &certificate{k.Exact, k.Gap, k.States, k.Labels, k.Method, k.Elapsed.Seconds()}
}

// point describes a SubNet that was found.
func (m *models) point(c *call, q search.Point) point {
	p := point{SubNet: space.Format(c.net.Choices, q.Genes), Metrics: m.describe(q.Genes)}
	p.LatencyMS = p.Metrics["latency_ms"]
	if m.accuracies != nil {
		p.Accuracy = m.accuracies.Value(q.Penalty)
	}
	if m.joint != nil {
		if correct, ok := m.joint.Correct(q.Genes); ok {
			predicted := m.accuracies.Value(m.single.At(q.Genes))
			p.Predicted, p.Accuracy, p.Verified = &predicted, m.accuracies.Value(int64(m.accuracies.Base-correct)), true
		}
	}
	return p
}

// problem reads both tables.
func (c *call) problem(latencies, accuracies string) (*judged, error) {
	l, err := c.latencies(latencies)
	if err != nil {
		return nil, err
	}
	cost, err := l.Sum(c.net)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", latencies, err)
	}
	t, err := c.accuracies(accuracies)
	if err != nil {
		return nil, err
	}
	joint, err := c.joint(accuracies+jointEnding, t)
	if err != nil {
		return nil, err
	}
	penalty, err := t.Corrected(c.net, joint.List())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", accuracies, err)
	}
	return &judged{search.Problem{Choices: c.net.Choices, Cost: cost, Penalty: penalty}, l, t, joint}, nil
}

// judgedBy says what accuracies are.
func (r *found) judgedBy(t *accuracy.Table) {
	if r.counted = t; t != nil {
		m := metricOf(t.Header)
		r.Metric = &m
	}
}

func (c *call) printFound(r found, objective string) error {
	r.Uncounted = uncountedOf(c.net)
	if *c.json {
		return c.print(r)
	}
	q := model.Quantity(objective)
	column, m := "MACs", accuracy.Metric{}
	if r.counted != nil {
		m = r.counted.Metric()
		column = m.Column()
	}
	fmt.Fprintf(c.out, "%10s  %10s  SubNet\n", strings.Replace(key(q), "_", " ", 1), column)
	for _, p := range r.Points {
		value := "-" // not known
		if r.sizes {
			value = fmt.Sprintf("%.0f", p.Metrics[key(model.MACs)])
		}
		if r.counted != nil {
			value = m.Number(p.Accuracy)
		}
		if p.Verified {
			value = "*" + value
		}
		fmt.Fprintf(c.out, "%10.*f  %*s  %s\n", map[bool]int{true: 3}[q.OfDevice()], p.Metrics[key(q)], max(10, len(column)), value, p.SubNet)
	}
	if k := r.Certificate; r.sizes {
		fmt.Fprintln(c.out, "of SubNets that cost the same, the one with most MACs is shown: nothing is known of accuracies")
	} else if k != nil && k.Exact && r.replaced {
		fmt.Fprintf(c.out, "exact by the predictions%s (%s, %.0f ms): counts then took their place, and SubNets that another one here beats are left out\n", r.rounded(), k.Method, 1000*k.Seconds)
	} else if k != nil && k.Exact {
		fmt.Fprintf(c.out, "exact: no SubNet is predicted to be better%s (%s, %.0f ms)\n", r.rounded(), k.Method, 1000*k.Seconds)
	} else if k != nil {
		fmt.Fprintf(c.out, "not exact: at any budget at most %d %s are lost (%s)\n", k.Gap, r.unit(), k.Method)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(c.err, "note: %s\n", n)
	}
	_, err := fmt.Fprint(c.out, r.Uncounted.note())
	return err
}

// rounded says what an exact search is exact for.
func (r found) rounded() string {
	if r.parts() {
		return ", with qualities rounded to 1/20,000"
	}
	return ""
}

// unit is what a certificate counts.
func (r found) unit() string {
	if r.parts() {
		return "20,000ths of quality"
	}
	return "samples"
}

func (r found) parts() bool {
	return r.counted != nil && r.counted.Header.Units == accuracy.PartsOfQuality
}

// reported is the result of `report`.
type reported struct {
	Points    int       `json:"points"`
	Files     []string  `json:"files"`
	Uncounted uncounted `json:"uncounted"`
}

func runReport(c *call) error {
	latencies, accuracies := c.tableFlags()
	out := c.flags.String("out", "", "`folder` to write to")
	checks := c.flags.StringSlice("verified", nil, "`files` with what verify --json printed, for predicted against measured")
	if err := c.parse("lut", "accuracy", "out"); err != nil {
		return err
	}
	j, err := c.problem(*latencies, *accuracies)
	if err != nil {
		return err
	}
	useful, err := c.front(j)
	if err != nil {
		return err
	}
	points, err := c.points(j.accuracies, useful)
	if err != nil {
		return err
	}
	page, err := c.page(j.latencies, j.accuracies, j.Problem, points, *latencies)
	if err != nil {
		return err
	}
	if c.keptFor(*accuracies, useful) {
		page.Accuracy = filepath.ToSlash(*accuracies)
	}
	if page.Checked, err = c.checkedAgainst(*latencies, j.Cost, *checks); err != nil {
		return err
	}
	if err := reportFree(*out); err != nil {
		return err
	}
	if err := outfile.Folder(*out); err != nil {
		return err
	}
	var csv, html bytes.Buffer
	if err := errors.Join(report.CSV(&csv, points), report.HTML(&html, page)); err != nil {
		return err
	}
	r := reported{Points: len(points), Files: []string{filepath.Join(*out, "front.csv"), filepath.Join(*out, "report.html")}}
	if err := outfile.WriteAll(outfile.Content{Path: r.Files[0], Data: csv.Bytes()}, outfile.Content{Path: r.Files[1], Data: html.Bytes()}); err != nil {
		return err
	}
	if c.opt.Plot != nil {
		plots, err := c.opt.Plot(*out, page)
		if err != nil {
			return err
		}
		r.Files = append(r.Files, plots...)
	}
	r.Uncounted = uncountedOf(c.net)
	if *c.json {
		return c.print(r)
	}
	for _, f := range r.Files {
		fmt.Fprintln(c.out, f)
	}
	_, err = fmt.Fprint(c.out, r.Uncounted.note())
	return err
}
