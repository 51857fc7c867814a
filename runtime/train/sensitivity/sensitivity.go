// Package sensitivity counts how many images SubNets classify correctly: the original and every single modification of it
// (paper, section 4.2.2), all on the same images.
package sensitivity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// Options say how images become input and whether normalisations are adapted to each SubNet.
type Options struct {
	Transform   data.Transform
	Batch       int       // images in a batch, below 1 means 100
	Calibration *data.Set // recomputes BatchNorm statistics; nil leaves the model's
	Split       string    // that the images are of, for the file
	Keep        int       // bytes that the activations at a cut may take, 0 means 1 GiB, less than 0 none; those of two are there while Run makes one of the other
	Progress    func(done, total int, elapsed time.Duration)
}

// Evaluator counts for one package, engine and set of images.
type Evaluator struct {
	Net     *supernet.Net
	Engine  engine.Engine
	Weights nn.Weights
	Images  *data.Set
	Options Options
}

// Header describes what e counts.
func (e *Evaluator) Header() accuracy.Header {
	h := accuracy.Header{
		Images: e.Images.N, Split: e.Options.Split, Data: e.Images.Digest(), Resize: e.Options.Transform.String(), Engine: e.Engine.Info().Name,
		Date: time.Now().UTC().Format(time.DateOnly),
	}
	if m, ok := e.Weights.(interface{ Origin() (path, sha256 string) }); ok { // a model file
		path, digest := m.Origin()
		h.Model, h.Weights = filepath.ToSlash(path), digest
		if !filepath.IsLocal(path) {
			h.Model = filepath.Base(path)
		}
	}
	if e.recalibrates() {
		h.Recalibration = e.Options.Calibration.N
		h.Data += "+" + e.Options.Calibration.Digest()
	}
	return h
}

func (e *Evaluator) recalibrates() bool {
	_, able := e.Engine.(engine.Recalibrator)
	return able && e.Options.Calibration != nil
}

// Correct counts the images that the SubNet of g classifies correctly.
func (e *Evaluator) Correct(ctx context.Context, g space.Genes) (int, error) {
	graph, w, side, err := e.Prepare(ctx, g)
	if err != nil {
		return 0, err
	}
	return e.count(ctx, graph, w, e.Options.Transform.Batches(e.Images, e.batch(graph), side))
}

// count counts the images that a network classifies correctly, of which the batches are all.
func (e *Evaluator) count(ctx context.Context, graph *nn.Graph, w nn.Weights, batches nn.Inputs) (correct int, err error) {
	from := 0
	err = e.run(ctx, graph, w, batches, func(scores nn.Tensor) {
		for k, class := range classes(scores) {
			if class == int(e.Images.Labels[from+k]) {
				correct++
			}
		}
		from += scores.Shape[0]
	})
	return correct, err
}

// run hands what a network computes for each batch to seen, where it is valid until that returns.
func (e *Evaluator) run(ctx context.Context, graph *nn.Graph, w nn.Weights, batches nn.Inputs, seen func(out nn.Tensor)) (err error) {
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
		if err != nil {
			return err
		}
		seen(out[0])
	}
	return nil
}

// batch is the number of images that run together: the network's when that is fixed.
func (e *Evaluator) batch(g *nn.Graph) int {
	if n := g.Values[g.Inputs[0]].Shape[0]; n > 0 {
		return n
	}
	return cmp.Or(max(e.Options.Batch, 0), 100)
}

// Prepare records the SubNet of g, with the side of its input and its weights, whose normalisations are recalibrated if
// the options say so.
func (e *Evaluator) Prepare(ctx context.Context, g space.Genes) (graph *nn.Graph, w nn.Weights, side int, err error) {
	if graph, side, err = e.record(g); err != nil {
		return nil, nil, 0, err
	}
	var images nn.Inputs
	if e.recalibrates() {
		images = e.Options.Transform.Batches(e.Options.Calibration, e.batch(graph), side)
	}
	if w, err = e.recalibrate(ctx, graph, images, nil); err == nil && e.recalibrates() {
		w = e.Net.WithStatistics(w, g)
	}
	return graph, w, side, err
}

// record checks and records the SubNet of g, and returns the side of its input.
func (e *Evaluator) record(g space.Genes) (graph *nn.Graph, side int, err error) {
	if err := e.check(g); err != nil {
		return nil, 0, err
	}
	if graph, err = e.Net.Record(g); err != nil {
		return nil, 0, err
	}
	side, err = e.side(graph)
	return graph, side, err
}

// recalibrate returns the weights that a network is counted with, given the batches for its statistics.
func (e *Evaluator) recalibrate(ctx context.Context, g *nn.Graph, data nn.Inputs, seen func([]nn.Tensor)) (nn.Weights, error) {
	if !e.recalibrates() {
		return e.Weights, nil
	}
	return e.Engine.(engine.Recalibrator).Recalibrate(ctx, g, e.Weights, data, seen)
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
	if e.Images == nil || e.Images.N == 0 {
		errs = append(errs, fmt.Errorf("%s: there are no images to count on, at least one is needed", e.Net.Package))
	}
	return errors.Join(errs...)
}

// divides checks that a network with a fixed batch leaves no images over.
func (e *Evaluator) divides(batch int) error {
	counts := []int{e.Images.N}
	if e.recalibrates() {
		counts = append(counts, e.Options.Calibration.N)
	}
	for _, n := range counts {
		if n%batch != 0 {
			return fmt.Errorf("%s: its batch is fixed at %d, which does not divide %d images: take %d", e.Net.Package, batch, n, max(batch, n-n%batch))
		}
	}
	return nil
}

// side checks that the network classifies images like ours, and returns the side of its input.
func (e *Evaluator) side(g *nn.Graph) (int, error) {
	if len(g.Inputs) != 1 {
		return 0, fmt.Errorf("%s: accuracy is counted for networks with one input, this one has %d", e.Net.Package, len(g.Inputs))
	}
	s := g.Values[g.Inputs[0]].Shape
	if len(s) != 4 || s[2] != s[3] || s[1] != e.Images.Channels {
		return 0, fmt.Errorf("%s: its input is %v, the images have %d channels; it must be batch x channels x side x side", e.Net.Package, s, e.Images.Channels)
	}
	if s[0] > 0 {
		if err := e.divides(s[0]); err != nil {
			return 0, err
		}
	}
	if t := g.Values[g.Outputs[0]].Type; t != nn.Float32 {
		return 0, fmt.Errorf("%s: its output has element type %d, scores must be float32", e.Net.Package, t)
	}
	out := g.Values[g.Outputs[0]].Shape
	if n := len(e.Images.Classes); n > 0 && len(out) == 2 && n != out[1] {
		return 0, fmt.Errorf("%s: its output scores %d classes, the images have %d (%s): labels would mean other classes", e.Net.Package, out[1], n, some(e.Images.Classes))
	}
	if len(out) != 2 || e.Images.Top() >= out[1] {
		return 0, fmt.Errorf("%s: its output is %v, which does not score the %d classes of the labels", e.Net.Package, out, e.Images.Top()+1)
	}
	return s[2], nil
}

// some names a few classes.
func some(names []string) string {
	const few = 5
	if len(names) > few {
		return strings.Join(names[:few], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}

// classes returns the index of the highest score in each row, -1 where a score is no number: such a row is never correct.
func classes(t nn.Tensor) []int {
	n := t.Shape[1]
	v := t.Float32s()
	out := make([]int, t.Shape[0])
	for i := range out {
		row := v[i*n : (i+1)*n]
		for k, x := range row {
			if x != x {
				out[i] = -1
				break
			}
			if x > row[out[i]] {
				out[i] = k
			}
		}
	}
	return out
}
