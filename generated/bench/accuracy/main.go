// Command accuracybench measures how well accuracies of SubNets are predicted, and what searching with the predictions is worth. For each
// tuned model it counts random SubNets and compares predictors; then it compares, for many latency budgets, the SubNets found with
// those that simpler ways of making the network smaller give; and then it finds how many measurements an MLP needs to predict as well.
//
// What was counted stands in a folder and is not counted again, so that a run that was stopped goes on where it was.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

// models are the tuned SuperNets. Their originals are those that tuning began with.
var models = []struct {
	name            string
	net             func() *supernet.Net
	tuned, original string
	calibrate       int  // training images that BatchNorm statistics are recomputed from
	adapt           bool // compare at latency budgets too
}{
	{"mobilenetv2", mobilenetv2.Definition, "generated/models/mobilenetv2_tuned.onnx", "generated/models/mobilenetv2.onnx", 1000, true},
	{"resnet50", resnet50.Definition, "generated/models/resnet50_tuned.onnx", "generated/models/resnet50.onnx", 4096, false},
}

// transform is how the models' training made input of images.
var transform = data.Transform{Pad: 2, Mean: []float32{0.2860}, Std: []float32{0.3530}}

type options struct {
	data, dir, only, part         string
	subnets, learnt               int
	joint, best, verify           int
	test, train                   int
	calibrate, budgets, candidate int
	torch                         bool
}

func main() {
	var o options
	flag.StringVar(&o.data, "data", "/usr/share/datasets/fashion-mnist", "folder with the IDX files of Fashion-MNIST")
	flag.StringVar(&o.dir, "dir", "build/_accuracy", "folder for what is counted")
	flag.StringVar(&o.only, "only", "", "models to measure, separated by commas, instead of all")
	flag.StringVar(&o.part, "part", "", "measure predictors, adapt or mlp alone")
	flag.IntVar(&o.subnets, "subnets", 400, "random SubNets that predictors are judged on")
	flag.IntVar(&o.learnt, "learnt", 840, "others that the MLP may learn from")
	flag.IntVar(&o.test, "test", 10000, "test images that SubNets are judged on")
	flag.IntVar(&o.train, "train", 20000, "training images that SubNets are counted on otherwise")
	flag.IntVar(&o.joint, "joint", 40, "SubNets that correct the sum of sensitivities where predictors are compared")
	flag.IntVar(&o.best, "best", 10, "of these, those that are predicted to be best of 100; the others are random")
	flag.IntVar(&o.verify, "verify", 10, "random SubNets that correct it where methods are, before each measures its candidates")
	flag.IntVar(&o.calibrate, "calibrate", 0, "training images that BatchNorm statistics are recomputed from, instead of 1000 for MobileNetV2 and 4096 for ResNet50")
	flag.IntVar(&o.budgets, "budgets", 40, "latency budgets")
	flag.IntVar(&o.candidate, "candidates", 40, "SubNets that each method may measure")
	flag.BoolVar(&o.torch, "torch", false, "count nothing here: take what PyTorch counted, and tell what it is to count besides")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "accuracybench:", err)
		os.Exit(1)
	}
}

// parts are what there is to measure, in this order: the MLP's measurements take longest. One that fails does not stop the others.
var parts = []struct {
	name string
	run  func(*bench, context.Context) error
}{
	{"predictors", (*bench).predictors},
	{"adapt", (*bench).adapt},
	{"mlp", (*bench).learner},
}

func run(ctx context.Context, o options) error {
	benches, err := prepare(o)
	if err != nil {
		return err
	}
	var errs []error
	known := o.part == ""
	for _, p := range parts {
		if o.part != "" && o.part != p.name {
			continue
		}
		known = true
		for _, b := range benches {
			if err := p.run(b, ctx); err != nil {
				errs = append(errs, fmt.Errorf("%s, %s: %w", b.name, p.name, err))
			}
			if ctx.Err() != nil {
				return errors.Join(errs...)
			}
		}
	}
	if !known {
		return fmt.Errorf("-part %s: it is predictors, adapt or mlp", o.part)
	}
	return errors.Join(errs...)
}

// prepare opens images and models.
func prepare(o options) (list []*bench, err error) {
	if o.best > min(o.joint, candidates) {
		return nil, fmt.Errorf("-best %d: there are %d SubNets that correct, and %d candidates", o.best, o.joint, candidates)
	}
	train, err := data.Open(o.data, "train", data.Size{})
	if err != nil {
		return nil, fmt.Errorf("%w; Debian's package dataset-fashion-mnist has the images", err)
	}
	test, err := data.Open(o.data, "test", data.Size{})
	if err != nil {
		return nil, err
	}
	for _, m := range models {
		if o.only != "" && !strings.Contains(","+o.only+",", ","+m.name+",") {
			continue
		}
		b := &bench{name: m.name, net: m.net(), dir: filepath.Join(o.dir, m.name), adapts: m.adapt, o: o}
		b.o.calibrate = cmp.Or(o.calibrate, m.calibrate)
		if b.o.calibrate+o.train > train.N || o.test > test.N {
			return nil, errors.New("there are not as many images")
		}
		if err := os.MkdirAll(b.dir, 0o777); err != nil {
			return nil, err
		}
		b.calibration = data.Source{Transform: transform, Set: train.Slice(0, b.o.calibrate)}
		b.train = part{train, "train", train.N - o.train, train.N}
		b.test = part{test, "test", 0, o.test}
		if b.tuned, err = open(m.tuned); err != nil {
			return nil, err
		}
		if b.original, err = open(m.original); err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

// bench is the work on one model.
type bench struct {
	name, dir       string
	net             *supernet.Net
	tuned, original source
	train, test     part
	calibration     data.Samples
	adapts          bool
	o               options
}

// part is some images of a split.
type part struct {
	all      *data.Set
	split    string
	from, to int
}

// on is an evaluator of a model on images.
func (b *bench) on(m source, p part) *counter {
	return &counter{b: b, model: m, part: p, Evaluator: sensitivity.Evaluator{
		Net: b.net, Engine: embedded.New(embedded.Options{}), Weights: m.Model,
		Samples: data.Source{Transform: transform, Set: p.all.Slice(p.from, p.to)},
		Options: sensitivity.Options{Calibration: b.calibration, Split: p.split},
	}}
}

func (b *bench) format(g space.Genes) string { return space.Format(b.net.Choices, g) }
