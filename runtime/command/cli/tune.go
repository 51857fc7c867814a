package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
	"github.com/autotailor/autotailor/runtime/train/tune"
)

// tuned is the result of `tune`.
type tuned struct {
	File    string            `json:"file,omitempty"`
	Metric  metricEntry       `json:"metric"` // that the history has values of
	Steps   int               `json:"steps"`
	Epochs  float64           `json:"epochs"`
	History []tune.Evaluation `json:"history"`
	Seconds float64           `json:"seconds"` // of this process
	Options tune.Options      `json:"options"`
	Trial   *tune.Trial       `json:"trial,omitempty"` // of a dry run
}

// tuneFlags are those of `tune`.
type tuneFlags struct {
	model, dir, out, log, checkpoint *string
	engine                           engineFlags
	strategy                         *string
	images, check, every, gradients  *int
	force, dry, private              *bool
	o                                tune.Options
}

func runTune(c *call) error {
	f := c.tuneFlags()
	if err := c.parse("model"); err != nil {
		return err
	}
	if *f.gradients != 0 {
		return c.checkGradients(f)
	}
	if err := c.require("data"); err != nil {
		return err
	}
	f.o.Strategy = tune.Strategy(*f.strategy)
	if f.o.RandAugment == 0 {
		f.o.Magnitude = 0 // checkpoints of runs without it stay as they were
	}
	if *f.out == "" && !*f.dry {
		return usageError{errors.New("missing --out")}
	}
	if err := f.o.Check(); err != nil {
		return usageError{err}
	}
	checkpoint := *f.checkpoint
	if checkpoint == "" && !*f.dry {
		checkpoint = *f.out + ".checkpoint"
	}
	if err := errors.Join(c.keepsModel(*f.model, *f.out, *f.log, checkpoint), f.free(checkpoint)); err != nil {
		return err
	}
	if !*f.dry {
		if err := c.besideFree(f); err != nil {
			return err
		}
	}
	c.foldedNote()
	t, content, err := c.tuner(f)
	if err != nil {
		return err
	}
	r := tuned{Metric: metricEntry{c.task.Name, c.task.Metric.Name, c.task.Unit, c.task.LowerIsBetter}, Steps: f.o.Steps, Epochs: float64(f.o.Steps*f.o.Batch) / float64(t.Train.Len()), Options: f.o, History: []tune.Evaluation{}}
	if *f.dry {
		if r.Trial, err = t.Try(c.ctx); err != nil {
			return err
		}
		return c.printTuned(t, r)
	}
	start := time.Now()
	p := c.progress("tune")
	t.Progress = func(at tune.Progress) {
		p.what = describeProgress(at, accuracy.Metric(c.task.Metric))
		p.left(at.Step, at.Steps, at.Left)
	}
	result, err := t.Run(c.ctx, checkpoint)
	if err != nil {
		return err
	}
	r.File, r.History, r.Seconds = *f.out, result.History, time.Since(start).Seconds()
	graph, tensors := result.Tensors()
	model, err := onnxfile.Replace(content, graph, tensors)
	if err != nil {
		return err
	}
	files := []outfile.Content{{Path: *f.out, Data: model}}
	if *f.log != "" {
		files = append(files, outfile.Content{Path: *f.log, Data: tuneLog(c, t, r)})
	}
	if err := outfile.WriteAll(files...); err != nil {
		return err
	}
	if err := c.keepBeside(f, t); err != nil {
		return err
	}
	if err := outfile.Remove(checkpoint); err != nil {
		return err
	}
	return c.printTuned(t, r)
}

func (c *call) tuneFlags() *tuneFlags {
	f := &tuneFlags{model: c.modelFlag(), dir: c.dataFlag(), engine: c.engineFlags(0), o: tune.Defaults()}
	c.originalFlag()
	o := &f.o
	f.out = c.flags.String("out", "", "ONNX `file` for the tuned model")
	f.log = c.flags.String("log", "", "`file` for the settings and the accuracies on the way")
	f.checkpoint = c.flags.String("checkpoint", "", "`file` that an interrupted run goes on with (default: that of --out with .checkpoint)")
	f.strategy = c.flags.String("strategy", string(o.Strategy), "how SubNets are drawn: compound (one level a stage, CompOFA), progressive (once-for-all), sandwich (BigNAS) or random")
	c.flags.IntVar(&o.Steps, "steps", o.Steps, "optimiser steps")
	c.flags.IntVar(&o.SubNets, "subnets", o.SubNets, "SubNets that a step trains")
	c.flags.BoolVar(&o.OneSide, "one-side", o.OneSide, "one resolution for all SubNets of a step")
	c.flags.IntVar(&o.Batch, "batch", o.Batch, "samples of a step")
	c.flags.Uint64Var(&o.Seed, "seed", o.Seed, "of SubNets, samples and augmentations")
	c.flags.StringVar(&o.Teacher, "teacher", o.Teacher, "whose scores SubNets learn: original, largest (in place; with --strategy sandwich), both (the original teaches the largest, that the others) or none")
	c.flags.Float64Var(&o.Distil, "distil", o.Distil, "weight of the teacher's scores; labels have the rest")
	c.flags.StringVar(&o.Divergence, "divergence", o.Divergence, "from the teacher's scores: kl, or alpha (adaptive, AlphaNet)")
	c.flags.Float64Var(&o.Smoothing, "smoothing", o.Smoothing, "of labels")
	c.flags.StringVar(&o.Optimizer, "optimizer", o.Optimizer, "adamw or sgd (Nesterov)")
	c.flags.Float64Var(&o.Rate, "rate", o.Rate, "learning rate at its peak; it falls as a cosine")
	c.flags.Float64Var(&o.MinRate, "min-rate", o.MinRate, "learning rate at the end, as a share of --rate")
	c.flags.Float64Var(&o.Warmup, "warmup", o.Warmup, "share of the steps in which the rate grows")
	c.flags.Float64Var(&o.Decay, "decay", o.Decay, "decoupled weight decay")
	c.flags.Float64Var(&o.Momentum, "momentum", o.Momentum, "of sgd")
	c.flags.Float64Var(&o.Clip, "clip", o.Clip, "largest norm of the gradients, 0 for any")
	c.flags.Float64Var(&o.EMA, "ema", o.EMA, "decay of averaged weights, which are written then; 0 for none")
	c.flags.BoolVar(&o.Sort, "sort", o.Sort, "sort channels by importance first")
	c.flags.BoolVar(&o.Transforms, "transforms", o.Transforms, "learn how smaller windows of kernels follow from the whole ones (once-for-all), where kernels are elastic")
	c.flags.IntVar(&o.Shift, "shift", o.Shift, "crop images after this many black pixels were put around them")
	c.flags.BoolVar(&o.Flip, "flip", o.Flip, "mirror half of the images")
	c.flags.Float64Var(&o.Erase, "erase", o.Erase, "share of images that lose a random rectangle")
	c.flags.Float64Var(&o.Crop, "crop", o.Crop, "scale a random part of each image, of at least this share of its area, to the image's size; 0 for none")
	c.flags.Float64Var(&o.Jitter, "jitter", o.Jitter, "change brightness, contrast and saturation by up to this share")
	c.flags.IntVar(&o.RandAugment, "rand-augment", o.RandAugment, "operations of RandAugment on each image")
	c.flags.IntVar(&o.Magnitude, "magnitude", 9, "strength of RandAugment, from 0 to 30")
	c.flags.Float64Var(&o.Mixup, "mixup", o.Mixup, "mix images and their targets by shares of a Beta distribution with this parameter; 0 for none")
	c.flags.Float64Var(&o.CutMix, "cutmix", o.CutMix, "put a rectangle of one image into another, likewise")
	c.flags.IntVar(&o.Calib, "calibrate", o.Calib, "training samples that BatchNorm statistics are recomputed from")
	f.images = c.flags.Int("images", 0, "train on the first samples only, 0 for all")
	f.check = c.flags.Int("check", 1000, "test samples that the largest and the smallest SubNet are evaluated on; 0 for no evaluation, -1 for all")
	f.every = c.flags.Int("every", 500, "steps between evaluations")
	f.private = c.noSampleFlag()
	f.force = c.flags.Bool("force", false, "overwrite existing files")
	f.dry = c.flags.Bool("dry-run", false, "train two steps, write nothing, and say how long all would take")
	f.gradients = c.flags.Int("check-gradients", 0, "train nothing: compare the gradients with respect to this many random parameters, of random SubNets, with those of Gorgonia's differentiation; exit code 1 where they differ")
	return f
}

// besideFree checks that what stands beside the tuned model later takes the place of nothing else.
func (c *call) besideFree(f *tuneFlags) error {
	err := listedFree(*f.out)
	if !*f.private {
		err = errors.Join(err, sampleFree(*f.out))
	}
	return err
}

// keepBeside lists the statistics of both ends of the tuned SuperNet beside its file, and keeps the images that they come from.
func (c *call) keepBeside(f *tuneFlags, t *tune.Tuner) error {
	w, err := c.weights(*f.out)
	if err != nil || f.o.Calib == 0 {
		return err
	}
	images := t.Train.Slice(0, f.o.Calib)
	e := &sensitivity.Evaluator{Net: c.net, Engine: t.Engine, Weights: w, Samples: images, Task: t.Task, Options: sensitivity.Options{Calibration: images}}
	if err := outfile.Remove(*f.out + statsEnding); err != nil {
		return err // of weights that were here before
	}
	k, err := c.keepFor(e, w, *f.out)
	if err != nil {
		return err
	}
	largest, smallest := space.Ends(c.net.Choices)
	for _, g := range []space.Genes{largest, smallest} {
		if _, _, err := e.Prepare(c.ctx, g); err != nil {
			return err
		}
	}
	if err := k.save(); err != nil || *f.private {
		return err
	}
	return c.keepSample(*f.out, images)
}

// free checks that nothing is overwritten. A run that was stopped after its last step may find its own result.
func (f *tuneFlags) free(checkpoint string) error {
	if _, err := os.Stat(checkpoint); err == nil || *f.force {
		return nil
	}
	for _, name := range []string{*f.out, *f.log} {
		if _, err := os.Stat(name); name != "" && err == nil {
			return fmt.Errorf("%s exists; --force overwrites it", name)
		}
	}
	return nil
}

// tuner opens everything that a run needs; content is the model's file.
func (c *call) tuner(f *tuneFlags) (t *tune.Tuner, content []byte, err error) {
	m, err := c.weights(*f.model)
	if err != nil {
		return nil, nil, err
	}
	if content, err = onnx.ReadFile(c.ctx, *f.model); err != nil {
		return nil, nil, err
	}
	engines, err := c.open(f.engine)
	if err != nil {
		return nil, nil, err
	}
	e, err := c.trainer(engines)
	if err != nil {
		return nil, nil, err
	}
	train, err := c.samples(*f.dir, "train", *f.images)
	if err != nil {
		return nil, nil, err
	}
	if err := c.forImages(*f.dir, train); err != nil {
		return nil, nil, err
	}
	original, err := c.originalWeights(m)
	if err != nil {
		return nil, nil, err
	}
	t = &tune.Tuner{Net: c.net, Engine: e, Weights: m, Source: m.SHA256, Train: train, Task: c.task, Original: original, Warn: c.warnOnce(), Options: f.o, Every: *f.every}
	if *f.check != 0 {
		if t.Check, err = c.samples(*f.dir, "test", max(*f.check, 0)); err != nil {
			return nil, nil, err
		}
	}
	return t, content, nil
}

// imageFlags are the flags of tune that change images.
var imageFlags = []string{"shift", "flip", "erase", "crop", "jitter", "rand-augment", "magnitude", "mixup", "cutmix"}

// forImages refuses flags that would change nothing, since the samples are no images.
func (c *call) forImages(dir string, s data.Samples) error {
	if isImages(s) {
		return nil
	}
	var set []string
	for _, name := range imageFlags {
		if f := c.flags.Lookup(name); f != nil && f.Changed && f.Value.String() != f.DefValue {
			set = append(set, "--"+name)
		}
	}
	if len(set) > 0 {
		return usageError{fmt.Errorf("%s: %s has rows, and these flags change images: leave them out", strings.Join(set, ", "), dir)}
	}
	return nil
}

// trainer returns the engine that trains, or closes all.
func (c *call) trainer(engines []engine.Engine) (engine.Trainer, error) {
	if e, ok := engines[0].(engine.Trainer); ok {
		return e, nil
	}
	name := engines[0].Info().Name
	return nil, errors.Join(usageError{fmt.Errorf("--engine %s: this engine does not train; embedded does", name)}, c.closeEngines(engines))
}

func describeProgress(p tune.Progress, m accuracy.Metric) string {
	text := fmt.Sprintf("tune: loss %.3f, %.0f samples/s", p.Loss, p.Rate)
	if p.Last != nil && p.Last.Images > 0 {
		text += fmt.Sprintf(", largest %s, smallest %s", m.Format(p.Last.Largest), m.Format(p.Last.Smallest))
	}
	return text
}

// tuneLog describes a run: settings, then a line for each evaluation.
func tuneLog(c *call, t *tune.Tuner, r tuned) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s tune: %s\n", c.net.Package, strings.Join(c.args, " "))
	fmt.Fprintf(&b, "# %d training samples, %.2f epochs, evaluated by %s on %d test samples, engine %s\n", t.Train.Len(), r.Epochs, c.task.Metric.Name, checked(t), t.Engine.Info().Name)
	fmt.Fprintf(&b, "%8s %8s %9s %9s\n", "step", "loss", "largest", "smallest")
	for _, e := range r.History {
		if e.Images == 0 {
			fmt.Fprintf(&b, "%8d %8.4f %9s %9s\n", e.Step, e.Loss, "-", "-")
			continue
		}
		fmt.Fprintf(&b, "%8d %8.4f %9.4f %9.4f\n", e.Step, e.Loss, e.Largest, e.Smallest)
	}
	return b.Bytes()
}

func checked(t *tune.Tuner) int {
	if t.Check == nil {
		return 0
	}
	return t.Check.Len()
}

func (c *call) printTuned(t *tune.Tuner, r tuned) error {
	if *c.json {
		return c.print(r)
	}
	if r.Trial != nil {
		var names []string
		for _, g := range r.Trial.SubNets {
			names = append(names, space.Format(c.net.Choices, g))
		}
		_, err := fmt.Fprintf(c.out, "%d steps of %d SubNets x %d samples (%.2f epochs of %d samples), %d numbers in %d tensors\n"+
			"a step takes %v, all of them about %v; a checkpoint has %.1f MB\nthe first step trains\n  %s\n",
			r.Steps, r.Options.SubNets, r.Options.Batch, r.Epochs, t.Train.Len(), r.Trial.Numbers, r.Trial.Tensors,
			r.Trial.Step.Round(time.Millisecond), (r.Trial.Step * time.Duration(r.Steps)).Round(time.Second), float64(r.Trial.Checkpoint)/1e6, strings.Join(names, "\n  "))
		return err
	}
	fmt.Fprintf(c.out, "wrote %s after %d steps (%.2f epochs), %.0f s\n", r.File, r.Steps, r.Epochs, r.Seconds)
	if n := len(r.History); n > 0 && r.History[n-1].Images > 0 {
		last := r.History[n-1]
		m := accuracy.Metric(c.task.Metric)
		fmt.Fprintf(c.out, "on %d test samples: largest SubNet %s, smallest %s\n", last.Images, m.Format(last.Largest), m.Format(last.Smallest))
	}
	return nil
}
