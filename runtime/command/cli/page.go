package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/command/report"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// page gathers what the HTML report shows.
func (c *call) page(l *lut.Table, t *accuracy.Table, p search.Problem, front []report.Point, path string) (report.Page, error) {
	h, net := l.Header, c.net
	weights := c.countedWeights(t.Header)
	page := report.Page{
		Title: net.Package + " on " + h.Device, Package: net.Package, Command: "go run ./cmd/" + net.Package,
		Model: weights.model, Note: weights.note, LUT: path, Metric: report.Metric{Name: t.Header.Metric.Name, Raw: t.Header.Metric.LowerIsBetter},
		Front: front, Cliffs: c.cliffs(p.Cost), Heat: c.heat(t),
		Facts: []report.Fact{
			{Name: "SubNets", Value: space.Count(net.Choices).String()}, {Name: "engine", Value: h.Engine + " " + h.Version},
			{Name: "threads", Value: strconv.Itoa(h.Threads)}, {Name: "precision", Value: h.Precision}, {Name: "fusion rules", Value: h.Rules},
			{Name: "protocol", Value: h.Protocol}, {Name: "date", Value: h.Date}, {Name: "digest", Value: fmt.Sprintf("%.12s", h.Digest)},
			{Name: "accuracies of", Value: weights.fact},
		},
	}
	for _, f := range []report.Fact{{Name: "cores", Value: h.Cores}, {Name: "governor", Value: h.Governor}, {Name: "options of the engine", Value: h.Options}} {
		if f.Value != "" {
			page.Facts = append(page.Facts, f)
		}
	}
	if m := metricOf(t.Header); t.Header.Task != "" {
		page.Facts = append(page.Facts, report.Fact{Name: "task", Value: m.Task}, report.Fact{Name: "metric", Value: m.Name + ", " + m.Unit})
	}
	if len(net.Uncounted) > 0 {
		page.Facts = append(page.Facts, report.Fact{Name: "not counted in MACs", Value: supernet.NotCounted(net.Uncounted)})
	}
	for _, s := range net.Stages {
		page.Stages = append(page.Stages, report.Stage{Index: s.Index, Width: s.Width, Blocks: append([]string{}, s.Blocks...), Elastic: s.Elastic})
	}
	for _, x := range net.Choices {
		page.Choices = append(page.Choices, report.Choice{Name: x.Name, Kind: x.Kind, Values: x.Values})
	}
	original := make(space.Genes, len(net.Choices))
	points, err := c.points(t, []search.Point{{Genes: original, Cost: p.Cost.At(original), Penalty: p.Penalty.At(original)}})
	if err != nil {
		return page, err
	}
	page.Original = &points[0]
	return page, c.kinds(l, &page)
}

// countedWeights describes the weights with which an accuracy table was counted.
type countedWeights struct {
	model string // value of --model
	fact  string // for the header of the page
	note  string // for the reader of a command, "" for none
}

func (c *call) countedWeights(h accuracy.Header) countedWeights {
	source := cmp.Or(c.opt.Model, c.net.Source.File)
	switch digest := fmt.Sprintf("SHA-256 %.12s...", h.Weights); {
	case h.Weights == "":
		return countedWeights{source, "unknown weights", "The accuracy table does not say which weights it was counted with; give --model the file that sensitivity had."}
	case h.Weights == c.net.Source.SHA256:
		return countedWeights{source, cmp.Or(h.Model, c.net.Source.File) + ", " + digest, ""}
	case h.Model == "":
		return countedWeights{"MODEL.onnx", "weights with " + digest, "MODEL.onnx is the file that the accuracies were counted with; its " + digest}
	default:
		return countedWeights{h.Model, h.Model + ", " + digest, ""}
	}
}

// points describes SubNets for the report.
func (c *call) points(t *accuracy.Table, list []search.Point) ([]report.Point, error) {
	counted, err := model.Counted(c.net)
	if err != nil {
		return nil, err
	}
	var out []report.Point
	for _, q := range list {
		g := q.Genes
		names, err := c.net.Borrowed(g)
		if err != nil {
			return nil, err
		}
		out = append(out, report.Point{
			SubNet: space.Format(c.net.Choices, g), Latency: time.Duration(q.Cost), Accuracy: t.Value(q.Penalty),
			MACs: counted[model.MACs].At(g), Params: counted[model.Params].At(g), Memory: counted[model.Memory].At(g), Recalibrate: len(names) > 0,
		})
	}
	return out, nil
}

// kinds sums the table up by kinds, and counts fused groups.
func (c *call) kinds(l *lut.Table, p *report.Page) error {
	sites, err := c.net.Sites(l.Header.Rules)
	if err != nil {
		return err
	}
	kinds, groups := map[string]*report.Kind{}, map[string]*report.Kind{}
	seen := map[supernet.ID]bool{}
	total := 0.0
	for _, s := range sites {
		for i, id := range s.Ops {
			o, row := c.net.Ops[id], l.Rows[id]
			k := entry(kinds, o.Kind())
			if i == 0 { // the original's
				k.Share += float64(row.Median)
				total += float64(row.Median)
			}
			if seen[id] {
				continue
			}
			seen[id] = true
			k.Rows++
			if row.Failed != "" {
				k.Failed++
			}
			if steps := strings.Split(o.Steps, " | "); len(steps) > 1 {
				for j, step := range steps {
					steps[j], _, _ = strings.Cut(step, " ")
				}
				entry(groups, strings.Join(steps, " | ")).Rows++
			}
		}
	}
	for _, k := range kinds {
		k.MS, k.Share = k.Share/1e6, k.Share/max(total, 1)
		p.Kinds = append(p.Kinds, *k)
	}
	for _, k := range groups {
		p.Groups = append(p.Groups, *k)
	}
	order := func(a, b report.Kind) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Name, b.Name))
	}
	slices.SortFunc(p.Kinds, order)
	slices.SortFunc(p.Groups, order)
	return nil
}

func entry(m map[string]*report.Kind, name string) *report.Kind {
	if m[name] == nil {
		m[name] = &report.Kind{Name: name}
	}
	return m[name]
}

// heat is the loss of each single modification.
func (c *call) heat(t *accuracy.Table) []report.HeatRow {
	var out []report.HeatRow
	for i, x := range c.net.Choices {
		row := report.HeatRow{Choice: x.Name}
		for v := 1; v < len(x.Values); v++ {
			row.Cells = append(row.Cells, report.Cell{Value: x.Values[v], Loss: t.Accuracy(0) - t.Accuracy(int64(t.Base-t.Correct[i][v]))})
		}
		if len(row.Cells) > 0 {
			out = append(out, row)
		}
	}
	return out
}

// cliffs finds candidates that save no time: a wider candidate of the same choice is not slower. All other choices are the original's.
func (c *call) cliffs(cost *space.Sum) []report.Cliff {
	var out []report.Cliff
	g := make(space.Genes, len(c.net.Choices))
	for i, x := range c.net.Choices {
		best, at := int64(0), 0 // the fastest of the wider ones
		for v := range x.Values {
			g[i] = uint8(v)
			t := cost.At(g)
			if v > 0 && t >= best {
				out = append(out, report.Cliff{Choice: x.Name, Value: x.Values[v], Wider: x.Values[at], MS: float64(t) / 1e6, WiderMS: float64(best) / 1e6})
				continue
			}
			best, at = t, v
		}
		g[i] = 0
	}
	return out
}

func runCliffs(c *call) error {
	latencies := c.flags.String("lut", "", "`file` with latencies, from profile")
	if err := c.parse("lut"); err != nil {
		return err
	}
	l, err := c.latencies(*latencies)
	if err != nil {
		return err
	}
	cost, err := l.Sum(c.net)
	if err != nil {
		return fmt.Errorf("%s: %w", *latencies, err)
	}
	found := c.cliffs(cost)
	if *c.json {
		return c.print(append([]report.Cliff{}, found...))
	}
	for _, x := range found {
		fmt.Fprintf(c.out, "%s=%s takes %.4f ms, %s only %.4f: consider dropping %s from this choice's candidates\n", x.Choice, x.Value, x.MS, x.Wider, x.WiderMS, x.Value)
	}
	_, err = fmt.Fprintf(c.out, "%d candidates are not faster than a wider one on %s\n", len(found), l.Header.Device)
	return err
}
