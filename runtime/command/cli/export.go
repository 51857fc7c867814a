package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// prepare records a SubNet, with weights whose statistics are its own where they are listed or where there are images for them.
func (c *call) prepare(f *exportFlags, g space.Genes, w nn.Weights) (graph *nn.Graph, own nn.Weights, anew bool, err error) {
	if graph, err = c.net.Record(g); err != nil {
		return nil, nil, false, err
	}
	if own, ok, err := c.fromList(f, g, w); ok || err != nil || *f.recalibrate == "" {
		return graph, own, ok, err
	}
	engines, err := c.open(f.engine)
	if err != nil {
		return nil, nil, false, err
	}
	able, ok := engines[0].(engine.Recalibrator)
	if !ok {
		return nil, nil, false, usageError{fmt.Errorf("--engine %s cannot recalibrate; use embedded", engines[0].Info().Name)}
	}
	set, err := c.forStatistics(*f.recalibrate, *f.n)
	if err != nil {
		return nil, nil, false, err
	}
	own, err = c.net.Recalibrate(c.ctx, g, w, able, data.Stream{Samples: set})
	return graph, own, true, err
}

// verified is the result of `verify`.
type verified struct {
	Package   string        `json:"package"`
	SubNet    string        `json:"subnet"`
	Engines   []measured    `json:"engines"`
	Predicted *float64      `json:"predicted_ms,omitempty"`
	Error     *float64      `json:"latency_error,omitempty"` // predicted over measured latency, minus 1
	Distance  *float64      `json:"relative_l2,omitempty"`   // distance of the second engine's result from the first's, or from the default engine's
	Against   string        `json:"against,omitempty"`       // the default engine, if the user named only another one
	Unmatched string        `json:"unmatched,omitempty"`     // why the default engine could not compare
	Lacking   []lacking     `json:"lacking,omitempty"`       // engines that could not run the network, because they lack operators
	Accuracy  *accuracyPair `json:"accuracy,omitempty"`
}

type measured struct {
	Engine   string  `json:"engine"`
	MedianMS float64 `json:"median_ms"`
	MinMS    float64 `json:"min_ms"`
	SpreadMS float64 `json:"spread_ms"` // between quartiles
	Runs     int     `json:"runs"`

	// Interleaved says that the runs were in turns with those of the table's reference SubNet, and that times are as if that one had taken as
	// long as when the table was made: how busy the machine is makes no difference.
	Interleaved bool `json:"interleaved,omitempty"`
}

// lacking is an engine and the operators that it does not have.
type lacking struct {
	Engine    string   `json:"engine"`
	Operators []string `json:"operators"`
}

type accuracyPair struct {
	Metric    metricEntry `json:"metric"`
	Predicted float64     `json:"predicted"`
	Measured  float64     `json:"measured"`
	Images    int         `json:"images"`
}

func runVerify(c *call) error {
	model, text, ef, dir := c.modelFlag(), c.subNetFlag(), c.engineFlags(1), c.dataFlag()
	latencies, accuracies := c.tableFlags()
	runs := c.flags.Int("runs", 30, "runs of the network")
	limit := c.flags.Float64("max-distance", 0.01, "how far the results of two engines may be apart (relative L2); beyond it the exit code is 1")
	if err := c.parse("model"); err != nil {
		return err
	}
	if (*accuracies == "") != (*dir == "") {
		return usageError{errors.New("--accuracy and --data go together")}
	}
	g, err := c.genes(*text)
	if err != nil {
		return err
	}
	w, err := c.weights(*model)
	if err != nil {
		return err
	}
	engines, err := c.open(ef)
	if err != nil {
		return err
	}
	defer c.closeEngines(engines)
	graph, err := c.net.Record(g)
	if err != nil {
		return err
	}
	v := verified{Package: c.net.Package, SubNet: space.Format(c.net.Choices, g)}
	var p *predicting
	if *latencies != "" {
		if p, err = c.predicting(*latencies, g, engines); err != nil {
			return err
		}
	}
	if err := c.run(&v, graph, w, engines, *runs, p); err != nil {
		return err
	}
	p.compare(&v)
	if *accuracies != "" {
		if v.Accuracy, err = c.count(c.ctx, *accuracies, *dir, g, w, engines[0]); err != nil {
			return err
		}
	}
	if err := c.printVerified(v); err != nil {
		return err
	}
	if v.Distance != nil && !(*v.Distance <= *limit) {
		return fmt.Errorf("the engines' results are %.2g apart (relative L2), more than --max-distance %g: one of them computes another network", *v.Distance, *limit)
	}
	return nil
}

// run measures the network on every engine and compares the results of the first two.
func (c *call) run(v *verified, g *nn.Graph, w nn.Weights, engines []engine.Engine, runs int, p *predicting) error {
	k := &comparison{graph: g.Bind(1), weights: w}
	for _, e := range engines {
		if l, ok := e.(engine.Limited); ok {
			if list := l.Missing(g); len(list) > 0 {
				v.Lacking = append(v.Lacking, lacking{e.Info().Name, list})
				continue
			}
		}
		m, err := c.latency(g, w, e, runs, p)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Info().Name, err)
		}
		v.Engines = append(v.Engines, m)
		if _, only := e.(engine.Measurer); only {
			continue // it returns times, but no results
		}
		if err := k.add(e); err != nil {
			return fmt.Errorf("%s: %w", e.Info().Name, err)
		}
	}
	if len(k.results) > 0 && !finite(k.results[0]) {
		c.notFinite(g, w)
	}
	switch len(k.results) {
	case 0:
		if len(v.Engines) == 0 {
			return errors.New(v.lacks("; give --engine onnxruntime, which has them"))
		}
		return nil
	case 1:
		if len(v.Lacking) == 0 {
			c.against(v, k)
		}
		return nil
	}
	d, err := distance(k.results[0], k.results[1])
	if err != nil {
		return fmt.Errorf("%s and %s: %w", engines[0].Info().Name, engines[1].Info().Name, err)
	}
	v.Distance = &d
	return nil
}

// notFinite prints why results may not be finite: a mask hides everything, or the weights that it names are not finite.
func (c *call) notFinite(g *nn.Graph, w nn.Weights) {
	const named = 3
	fmt.Fprint(c.err, "note: results are infinite or no numbers for every mask that was tried")
	list := nn.NotFinite(g, w)
	for k, name := range list[:min(named, len(list))] {
		fmt.Fprint(c.err, []string{"; so are weights ", ", "}[min(k, 1)], name)
	}
	if more := len(list) - named; more > 0 {
		fmt.Fprintf(c.err, " and %d more", more)
	}
	fmt.Fprintln(c.err)
}

// against compares the result of the only engine with the default engine's.
func (c *call) against(v *verified, k *comparison) {
	if len(c.opt.Engines) == 0 || c.opt.Engines[0].Name == v.Engines[0].Engine {
		return
	}
	v.Against = c.opt.Engines[0].Name
	e, err := c.opt.Engines[0].Open(1)
	if err == nil {
		err = k.add(e)
	}
	var d float64
	if err == nil {
		if d, err = distance(k.results[1], k.results[0]); err == nil {
			v.Distance = &d
			return
		}
	}
	v.Unmatched = err.Error()
}

// count compares the predicted accuracy with a count, on as many images as the table was counted on and with the same recalibration.
func (c *call) count(ctx context.Context, path, dir string, g space.Genes, w *onnxfile.Model, e engine.Engine) (*accuracyPair, error) {
	t, err := c.accuracies(path)
	if err != nil {
		return nil, err
	}
	penalty, err := t.Penalty(c.net)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	ev, err := c.evaluator(t.Header, path, dir, w, e)
	if err != nil {
		return nil, err
	}
	k, err := c.keepFor(ev, w, path)
	if err != nil {
		return nil, err
	}
	correct, err := ev.Count(ctx, g)
	err = errors.Join(err, k.save())
	return &accuracyPair{metricOf(t.Header), t.Value(penalty.At(g)), t.Value(int64(t.Base - correct)), ev.Samples.Len()}, err
}

// lacks says which operators engines do not have, "" where none lacks any.
func (v *verified) lacks(remedy string) string {
	var lines []string
	for _, l := range v.Lacking {
		lines = append(lines, fmt.Sprintf("%s does not have %s", l.Engine, strings.Join(l.Operators, ", "))+remedy)
	}
	return strings.Join(lines, "\n")
}

func (c *call) printVerified(v verified) error {
	if *c.json {
		return c.print(v)
	}
	fmt.Fprintf(c.out, "%s\n", v.SubNet)
	for _, m := range v.Engines {
		fmt.Fprintf(c.out, "  measured on %s: median %.3f ms, least %.3f ms, %.3f ms between quartiles, of %d runs%s\n", m.Engine, m.MedianMS, m.MinMS, m.SpreadMS, m.Runs,
			map[bool]string{true: " in turns with the table's reference"}[m.Interleaved])
	}
	if v.Predicted != nil && v.Error != nil {
		fmt.Fprintf(c.out, "  predicted: %.3f ms (%+.1f %%)\n", *v.Predicted, 100**v.Error)
	}
	if text := v.lacks(", and took no part"); text != "" {
		fmt.Fprintf(c.out, "  %s\n", strings.ReplaceAll(text, "\n", "\n  "))
	}
	switch {
	case v.Unmatched != "":
		fmt.Fprintf(c.out, "  results are not compared with %s's: %s\n", v.Against, v.Unmatched)
	case v.Against != "":
		fmt.Fprintf(c.out, "  results differ by %.2g from %s's (relative L2)\n", *v.Distance, v.Against)
	case v.Distance != nil:
		fmt.Fprintf(c.out, "  results differ by %.2g (relative L2)\n", *v.Distance)
	}
	if a := v.Accuracy; a != nil {
		m := a.Metric.metric()
		fmt.Fprintf(c.out, "  on %d samples: %s, predicted %s\n", a.Images, m.Format(a.Measured), m.Format(a.Predicted))
	}
	return nil
}
