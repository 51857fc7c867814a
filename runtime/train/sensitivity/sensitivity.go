// Package sensitivity tells how good SubNets are at their task, such as how many images they classify correctly: the original and every single
// modification of it (paper, section 4.2.2), all on the same samples.
package sensitivity

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"time"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// Options say what a batch is and whether normalisations are adapted to each SubNet.
type Options struct {
	Batch       int          // samples in a batch, below 1 means 100
	Calibration data.Samples // recomputes BatchNorm statistics; nil leaves the model's
	Split       string       // that the samples are of, for the file
	Keep        int          // bytes that the activations at a cut may take, 0 means 1 GiB, less than 0 none; those of two are there while Run makes one of the other
	Progress    func(done, total int, elapsed time.Duration)
	Warn        func(text string) // is told what cannot be judged; nil for nobody

	// Recalibrated is told the statistics of every SubNet that is counted: by the names of their parameters, in its shapes. It may be nil.
	Recalibrated func(g space.Genes, statistics map[string]nn.Tensor)
}

// Evaluator judges SubNets of one package, by one engine, on some samples.
type Evaluator struct {
	Net     *supernet.Net
	Engine  engine.Engine
	Weights nn.Weights
	Samples data.Samples
	Task    data.Task // the zero Task is classification
	Options Options

	// Original are the weights of the original network, which tasks like data.Original compare with; nil for Weights.
	Original nn.Weights

	original *originals // computed already
}

// Header describes what e counts.
func (e *Evaluator) Header() accuracy.Header {
	h := accuracy.Header{
		Images: e.Samples.Len(), Split: e.Options.Split, Data: e.Samples.Digest(), Resize: e.Samples.String(), Engine: e.Engine.Info().Name,
		Date: time.Now().UTC().Format(time.DateOnly),
	}
	if m, ok := e.Weights.(interface{ Origin() (path, sha256 string) }); ok { // a model file
		path, digest := m.Origin()
		h.Model, h.Weights = filepath.ToSlash(path), digest
		if !filepath.IsLocal(path) {
			h.Model = filepath.Base(path)
		}
	}
	if n, ok := e.Samples.(data.ClassNames); ok && len(n.ClassNames()) > 0 {
		const most = 1 << 19 // bytes of a line
		if text, err := json.Marshal(n.ClassNames()); err == nil && len(text) < most {
			h.Classes = string(text)
		}
	}
	e.describe(&h)
	if e.recalibrates() {
		h.Recalibration = e.Options.Calibration.Len()
		h.Data += "+" + e.Options.Calibration.Digest()
	}
	return h
}

// describe says in a header what the task is. That of an accuracy is left out, as in files of older releases.
func (e *Evaluator) describe(h *accuracy.Header) {
	t := e.Task.Or()
	if t.Name == data.Classification().Name && t.Metric == data.Classification().Metric {
		return
	}
	h.Task, h.Metric = t.Name, accuracy.Metric(t.Metric)
	if !t.Exact {
		h.Units = accuracy.PartsOfQuality
	}
	if !t.LowerIsBetter {
		return
	}
	g, err := e.Net.Record(make(space.Genes, len(e.Net.Choices)))
	if err != nil {
		return // counting says so
	}
	if j, err := t.Judge(g, e.Samples); err == nil {
		h.Worst = j.Worst
	}
}

// Value returns the metric's value of a count.
func (e *Evaluator) Value(count int) float64 {
	h := accuracy.Header{Images: e.Samples.Len()}
	e.describe(&h)
	return h.Value(float64(count) / float64(h.Whole()))
}

func (e *Evaluator) recalibrates() bool {
	_, able := e.Engine.(engine.Recalibrator)
	return able && e.Options.Calibration != nil
}

// Count tells how good the SubNet of g is, as tables have it: the number of samples that it has right where the task is exact, such as images that
// it classifies correctly; else its mean quality in 20,000ths, see data.Parts.
func (e *Evaluator) Count(ctx context.Context, g space.Genes) (int, error) {
	graph, w, err := e.Prepare(ctx, g)
	if err != nil {
		return 0, err
	}
	j, err := e.judge(graph)
	if err != nil {
		return 0, err
	}
	return e.count(ctx, graph, w, j, e.batches(e.Samples, graph), e.batch(graph))
}

// count judges what a network computes for its batches of the given size, which are all.
func (e *Evaluator) count(ctx context.Context, graph *nn.Graph, w nn.Weights, j *data.Judge, batches nn.Inputs, size int) (int, error) {
	teachers, err := e.outputs(ctx, graph)
	if err != nil {
		return 0, err
	}
	next, stop := iter.Pull2(teachers)
	defer stop()
	from, sum := 0, 0.0
	err = e.run(ctx, graph, w, batches, func(out []nn.Tensor) error {
		teacher, err, _ := next()
		if err != nil {
			return err
		}
		b, err := j.Batch(e.Samples, data.Numbers(from, min(from+size, e.Samples.Len())), out, teacher)
		if err != nil {
			return err
		}
		from += size
		list, err := j.Quality(b)
		if err == nil && len(list) != len(b.Samples) && (j.Whole == nil || len(list) > 0) {
			err = fmt.Errorf("%d qualities of %d samples", len(list), len(b.Samples))
		}
		return errors.Join(err, add(&sum, list...))
	})
	if err == nil && j.Whole != nil {
		quality, known, whole := j.Whole()
		if err = whole; known {
			sum = 0
			err = errors.Join(err, add(&sum, quality))
			sum *= float64(e.Samples.Len())
		}
	}
	return e.Task.Or().Count(sum, e.Samples.Len()), err
}

// rounding is what a quality may be above 1, as means of shares are.
const rounding = 1e-9

// add adds qualities.
func add(sum *float64, list ...float64) (err error) {
	for _, q := range list {
		if !(q >= 0 && q <= 1+rounding) {
			err = errors.Join(err, fmt.Errorf("a quality of %v, want one from 0 to 1", q))
		}
		*sum += min(q, 1)
	}
	return err
}

// run hands what a network computes for each batch to seen, where it is valid until that returns.
func (e *Evaluator) run(ctx context.Context, graph *nn.Graph, w nn.Weights, batches nn.Inputs, seen func(out []nn.Tensor) error) (err error) {
	s, err := e.Engine.Compile(graph, w)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for batch, err := range batches {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		out, err := s.Run(batch...)
		if err == nil {
			err = seen(out)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// batches are samples as inputs of a network.
func (e *Evaluator) batches(s data.Samples, g *nn.Graph) nn.Inputs {
	return data.Batches(s, data.InputsOf(g), e.batch(g))
}

// batch is the number of samples that run together: the network's when that is fixed.
func (e *Evaluator) batch(g *nn.Graph) int {
	return cmp.Or(data.FixedBatch(data.InputsOf(g)), max(e.Options.Batch, 0), 100)
}

// Prepare records the SubNet of g, with its weights, whose normalisations are recalibrated if the options say so.
func (e *Evaluator) Prepare(ctx context.Context, g space.Genes) (graph *nn.Graph, w nn.Weights, err error) {
	if graph, err = e.record(g); err != nil {
		return nil, nil, err
	}
	if w, err = e.recalibrate(ctx, graph, e.Weights, e.calibration(graph), nil); err == nil && e.recalibrates() {
		w = e.Net.WithStatistics(w, g)
		err = e.tell(g, graph, w, map[string]nn.Tensor{})
	}
	return graph, w, err
}

// tell hands on the statistics of the SubNet of g, of which a network is a part or the whole; those of the parts before it are given.
func (e *Evaluator) tell(g space.Genes, part *nn.Graph, w nn.Weights, before map[string]nn.Tensor) error {
	if e.Options.Recalibrated == nil || !e.recalibrates() {
		return nil
	}
	all := maps.Clone(before)
	if err := statistics(all, part, w); err != nil || len(all) == 0 {
		return err
	}
	e.Options.Recalibrated(g, all)
	return nil
}

// statistics adds those of a network.
func statistics(to map[string]nn.Tensor, g *nn.Graph, w nn.Weights) error {
	for _, p := range supernet.Statistics(g) {
		t, err := nn.Fetch(w, p)
		if err != nil {
			return err
		}
		to[p.Name] = t
	}
	return nil
}

// record checks and records the SubNet of g.
func (e *Evaluator) record(g space.Genes) (*nn.Graph, error) {
	if err := e.check(g); err != nil {
		return nil, err
	}
	graph, err := e.Net.Record(g)
	if err == nil {
		err = e.fits(graph)
	}
	return graph, err
}

// judge says how the outputs of a network are judged.
func (e *Evaluator) judge(g *nn.Graph) (*data.Judge, error) {
	j, err := e.Task.Judge(g, e.Samples)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Net.Package, err)
	}
	j.Warn = e.Options.Warn
	return j, nil
}

// recalibrate returns the weights that a network is counted with, given those of the model and the batches for its statistics.
func (e *Evaluator) recalibrate(ctx context.Context, g *nn.Graph, w nn.Weights, data nn.Inputs, seen func([]nn.Tensor)) (nn.Weights, error) {
	if !e.recalibrates() {
		return w, nil
	}
	return e.Engine.(engine.Recalibrator).Recalibrate(ctx, g, w, data, seen)
}

// calibration are the samples for statistics as inputs of a network, nil where there are none.
func (e *Evaluator) calibration(g *nn.Graph) nn.Inputs {
	if !e.recalibrates() {
		return nil
	}
	return e.batches(e.Options.Calibration, g)
}

// check reports what makes counting impossible for any SubNet.
func (e *Evaluator) check(g space.Genes) error {
	var errs []error
	if len(g) != len(e.Net.Choices) {
		errs = append(errs, fmt.Errorf("%s: %d genes, the package has %d choices: they are of another package", e.Net.Package, len(g), len(e.Net.Choices)))
	}
	for i, v := range g[:min(len(g), len(e.Net.Choices))] {
		if c := e.Net.Choices[i]; int(v) >= len(c.Values) {
			errs = append(errs, fmt.Errorf("%s: choice %q has no candidate %d, it has %d", e.Net.Package, c.Name, v, len(c.Values)))
		}
	}
	if e.Samples == nil || e.Samples.Len() == 0 {
		errs = append(errs, fmt.Errorf("%s: there are no samples to count on, at least one is needed", e.Net.Package))
	}
	return errors.Join(errs...)
}

// fits checks that samples are inputs of a network, and that one with a fixed batch leaves none over.
func (e *Evaluator) fits(g *nn.Graph) error {
	sets := []data.Samples{e.Samples}
	if e.recalibrates() {
		sets = append(sets, e.Options.Calibration)
	}
	inputs := data.InputsOf(g)
	batch := data.FixedBatch(inputs)
	for _, s := range sets {
		if batch > 0 && s.Len()%batch != 0 {
			return fmt.Errorf("%s: its batch is fixed at %d, which does not divide %d samples: take %d", e.Net.Package, batch, s.Len(), max(batch, s.Len()-s.Len()%batch))
		}
		if s.Len() == 0 {
			continue
		}
		if _, err := s.Inputs(inputs, make([]int, max(1, batch))); err != nil {
			return fmt.Errorf("%s: %w", e.Net.Package, err)
		}
	}
	return nil
}
