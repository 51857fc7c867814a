// Package tune trains the weights of a SuperNet so that its SubNets are accurate: in each step some SubNets, drawn by a strategy, see the same
// images, their gradients add up in the shared tensors, and an optimiser changes those.
//
// A run is a function of its options, model and images: it can be stopped at any moment, and goes on from the last step that was saved
// to the same bits. Random numbers have no state of their own; they follow from the seed and the step.
package tune

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

// Tuner tunes one SuperNet.
type Tuner struct {
	Net     *supernet.Net
	Engine  engine.Trainer
	Weights nn.Weights   // of the model
	Source  string       // identifies them: SHA-256 of the model's file
	Train   data.Samples // those of data.Source are augmented
	Task    data.Task    // the zero Task is classification
	Options Options

	// Original are the weights of the original network, which tasks like data.Original learn from; nil for Weights.
	Original nn.Weights

	Check    data.Samples      // that the largest and the smallest SubNet are evaluated on; nil for no evaluation
	Warn     func(text string) // is told what cannot be judged; nil for nobody
	Every    int               // steps between evaluations, 0 for one at the end only
	Progress func(Progress)
}

// Progress tells how far a run is.
type Progress struct {
	Step, Steps int
	Loss        float64       // mean over the SubNets of the last step
	Rate        float64       // images per second, each counted for each SubNet that it trained
	Left        time.Duration // until the last step, at this rate
	Last        *Evaluation   // nil before the first
}

// Evaluation is the loss, and the accuracy, or what the task is judged by, of the two ends of the SuperNet, after some steps, with statistics recomputed.
type Evaluation struct {
	Images   int     `json:"images"` // that accuracies are of; 0 where none were counted
	Step     int     `json:"step"`
	Loss     float64 `json:"loss"`     // mean since the evaluation before
	Largest  float64 `json:"largest"`  // the metric's value, such as the share of images, of the original's architecture
	Smallest float64 `json:"smallest"` // of the SubNet with the last candidate of every choice
}

// Result is a tuned SuperNet.
type Result struct {
	History []Evaluation
	state   *state
}

// Tensors returns the original's network and its tuned tensors, by the names of its parameters: what onnxfile.Replace needs.
func (r *Result) Tensors() (*nn.Graph, map[string]nn.Tensor) {
	s := r.state.store
	return s.graph, s.tensors(r.state.final())
}

// Weights returns the tuned weights.
func (r *Result) Weights() nn.Weights { return r.state.store.weights(r.state.final()) }

// state is what a run carries from step to step.
type state struct {
	store   *store
	opt     *optimizer
	average map[string][]float32 // of weights, nil without EMA
	step    int                  // steps that are done
	sum     float64              // losses since the last evaluation
	history []Evaluation
}

// final returns what is evaluated and written in the place of the store's values; nil for those themselves.
func (s *state) final() map[string][]float32 { return s.average }

// run is a Tuner at work.
type run struct {
	*Tuner
	*state
	sampler *Sampler
	feed    *feed
	teacher engine.Session // nil without
}

// Run trains all steps, or those that the checkpoint at path lacks. The checkpoint is written after every step; an empty path leaves it out.
func (t *Tuner) Run(ctx context.Context, path string) (result *Result, err error) {
	r, err := t.start()
	if err != nil {
		return nil, err
	}
	defer r.close()
	saver, err := openSaver(path, t.fingerprint())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, saver.close()) }()
	saver.was = map[string]string{"choices": supernet.SpaceDigest(t.Net.Version1())}
	if err := saver.load(r.state); err != nil {
		return nil, err
	}
	from, start := r.step, time.Now()
	for r.step < t.Options.Steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		loss, err := r.train(ctx)
		if err != nil {
			return nil, err
		}
		if err := saver.save(r.state); err != nil {
			return nil, err
		}
		t.report(r, loss, r.step-from, time.Since(start))
	}
	if err := saver.wait(); err != nil {
		return nil, err
	}
	if t.Options.Calib > 0 {
		if err := r.recalibrate(ctx); err != nil {
			return nil, err
		}
	}
	return &Result{r.history, r.state}, nil
}

// start prepares everything but the state of an interrupted run.
func (t *Tuner) start() (*run, error) {
	sampler, err := NewSampler(t.Net.Choices, t.Options.plan())
	if err := errors.Join(err, t.Options.Check(), t.check()); err != nil {
		return nil, err
	}
	s, err := newStore(t.Net, t.Weights, t.Options.Transforms)
	if err != nil {
		return nil, err
	}
	if len(s.trains) == 0 {
		return nil, fmt.Errorf("%s has no tensors to train", t.Net.Package)
	}
	r := &run{Tuner: t, state: &state{store: s}, sampler: sampler, feed: newFeed(t.Train, t.Options)}
	if original := t.Task.Or().Original; original || t.Options.fromOriginal() && t.Options.Distil > 0 {
		w := t.Weights
		if original && t.Original != nil {
			w = t.Original
		}
		if r.teacher, err = t.Engine.Compile(s.graph, w); err != nil {
			return nil, err
		}
	}
	if t.Options.Sort {
		if err := s.sortChannels(); err != nil {
			return nil, err
		}
	}
	r.opt = newOptimizer(t.Options, s)
	if t.Options.EMA > 0 {
		r.average = s.clone()
	}
	return r, nil
}

// check reports what makes training impossible.
func (t *Tuner) check() error {
	if t.Train == nil || t.Train.Len() == 0 {
		return errors.New("there are no samples to train on")
	}
	e := sensitivity.Evaluator{Net: t.Net, Engine: t.Engine, Weights: t.Weights, Samples: t.Train, Task: t.Task}
	graph, _, err := e.Prepare(context.Background(), make(space.Genes, len(t.Net.Choices)))
	if err != nil {
		return err
	}
	j, err := t.Task.Judge(graph, t.Train)
	switch {
	case err != nil:
	case t.Task.Or().Original && !t.Options.fromOriginal():
		err = fmt.Errorf("task %q learns from the original: give teacher \"original\" or \"both\"", t.Task.Name)
	case j.Loss == nil:
		err = fmt.Errorf("task %q has no loss: it can be evaluated, and not trained for; task \"original\" trains without targets", t.Task.Name)
	}
	return err
}

func (r *run) close() {
	if r.teacher != nil {
		_ = r.teacher.Close() // nothing is written by it
	}
}

// report tells how far the run is.
func (t *Tuner) report(r *run, loss float64, done int, elapsed time.Duration) {
	if t.Progress == nil {
		return
	}
	p := Progress{Step: r.step, Steps: t.Options.Steps, Loss: loss, Rate: float64(done*t.Options.Batch*t.Options.SubNets) / elapsed.Seconds()}
	p.Left = time.Duration(float64(elapsed) / float64(done) * float64(t.Options.Steps-r.step))
	if len(r.history) > 0 {
		p.Last = &r.history[len(r.history)-1]
	}
	t.Progress(p)
}

// train does one step, with the evaluation that may come after it, and returns its loss.
func (r *run) train(ctx context.Context) (float64, error) {
	batch, err := r.feed.step(r.step)
	if err != nil {
		return 0, fmt.Errorf("step %d: %w", r.step, err)
	}
	teacher, err := r.teach(batch)
	if err != nil {
		return 0, err
	}
	r.store.clear()
	used := map[string]bool{}
	total := 0.0
	for k, g := range r.sampler.Step(r.step) {
		outputs, loss, err := r.subNet(g, batch, r.recipe(k), teacher, used)
		if err != nil {
			return 0, fmt.Errorf("step %d, %s: %w", r.step, space.Format(r.Net.Choices, g), err)
		}
		if r.Options.inPlace() && k == 0 {
			teacher = outputs
		}
		total += loss / float64(r.Options.SubNets)
	}
	if total != total {
		return 0, fmt.Errorf("step %d: the loss is no number any more: lower the learning rate (%g) or clip gradients", r.step, r.Options.Rate)
	}
	r.opt.step(r.store, used, r.Options.rate(r.step))
	r.follow(used)
	r.step++
	r.sum += total
	if r.step == r.Options.Steps || r.Every > 0 && r.step%r.Every == 0 {
		err = r.evaluate(ctx)
	}
	return total, err
}

// recipe is that of the loss of the SubNet with number k in its step: the largest one, when it teaches the others and the original does not, learns
// from targets.
func (r *run) recipe(k int) data.Recipe {
	o := r.Options
	recipe := data.Recipe{Smoothing: o.Smoothing, Distil: o.Distil, Alpha: o.Divergence == "alpha"}
	if o.Teacher == "none" || o.Teacher == "largest" && k == 0 {
		recipe.Distil = 0
	}
	return recipe
}

// outputs are what a network computed for the parts of a step, one after the other.
type outputs struct {
	of    *nn.Graph
	parts [][]nn.Tensor
}

// teach returns what the original computes for a step, nil when it does not teach.
func (r *run) teach(step data.Samples) (*outputs, error) {
	if r.teacher == nil {
		return nil, nil
	}
	out := &outputs{of: r.store.graph}
	for x, err := range parts(step, r.store.graph) {
		if err != nil {
			return nil, err
		}
		y, err := r.teacher.Run(x...)
		if err != nil {
			return nil, err
		}
		out.parts = append(out.parts, cloned(y))
	}
	return out, nil
}

// cloned copies tensors that are valid for a while only.
func cloned(list []nn.Tensor) []nn.Tensor {
	out := slices.Clone(list)
	for k, t := range list {
		out[k].Shape, out[k].Raw = slices.Clone(t.Shape), bytes.Clone(t.Raw)
	}
	return out
}

// parts are the inputs of a step: all samples together, or in batches of the network's where that is fixed.
func parts(step data.Samples, g *nn.Graph) nn.Inputs {
	return data.Batches(step, data.InputsOf(g), micro(g, step.Len()))
}

// micro is how many samples run together: the network's batch when that is fixed.
func micro(g *nn.Graph, batch int) int {
	if n := data.FixedBatch(data.InputsOf(g)); n > 0 {
		return min(n, batch)
	}
	return batch
}

// subNet adds the gradients of one SubNet and returns its outputs and loss.
func (r *run) subNet(g space.Genes, step data.Samples, recipe data.Recipe, teacher *outputs, used map[string]bool) (out *outputs, mean float64, err error) {
	graph, err := r.Net.Record(g)
	if err != nil {
		return nil, 0, err
	}
	judge, err := r.Task.Judge(graph, step)
	if err != nil {
		return nil, 0, err
	}
	judge.Warn = r.Warn
	r.store.uses(graph, used)
	t, err := r.Engine.Train(graph, r.store.params)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	out = &outputs{of: graph}
	from, size := 0, micro(graph, step.Len())
	for x, err := range parts(step, graph) {
		if err != nil {
			return nil, 0, err
		}
		y, err := t.Forward(x...)
		if err != nil {
			return nil, 0, err
		}
		var taught []nn.Tensor
		if teacher != nil {
			taught = data.Aligned(teacher.parts[len(out.parts)], teacher.of, graph)
		}
		b, err := judge.Batch(step, data.Numbers(from, min(from+size, step.Len())), y, taught)
		if err != nil {
			return nil, 0, err
		}
		loss, gradients, err := mixedLoss(judge, b, recipe, step)
		if err != nil {
			return nil, 0, err
		}
		share := float64(len(b.Samples)) / float64(step.Len())
		mean += share * loss
		if err := t.Backward(scaled(gradients, y, share/float64(r.Options.SubNets))...); err != nil {
			return nil, 0, err
		}
		out.parts, from = append(out.parts, cloned(y)), from+size
	}
	return out, mean, nil
}

// scaled makes tensors of gradients with respect to outputs, times a factor; zeros where there are none.
func scaled(gradients [][]float32, outputs []nn.Tensor, factor float64) []nn.Tensor {
	out := make([]nn.Tensor, len(outputs))
	for k, y := range outputs {
		v := make([]float32, y.Shape.Count())
		if k < len(gradients) && gradients[k] != nil {
			for i, g := range gradients[k] {
				v[i] = float32(float64(g) * factor)
			}
		}
		out[k] = nn.FromFloat32s(y.Shape, v)
	}
	return out
}

// follow moves the averaged weights.
func (r *run) follow(used map[string]bool) {
	if r.average == nil {
		return
	}
	// Early on the average would be that of the untuned weights: the decay grows with the steps.
	keep := float32(min(r.Options.EMA, float64(1+r.step)/float64(10+r.step)))
	for _, name := range r.store.trains {
		if !used[name] {
			continue
		}
		a := r.average[name]
		for i, v := range r.store.params[name].Value {
			a[i] += (1 - keep) * (v - a[i])
		}
	}
}
