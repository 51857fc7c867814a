package tune

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Options are the recipe of a run. Runs with the same options, model, images and engine give the same bits.
type Options struct {
	Strategy Strategy `json:"strategy"`
	Seed     uint64   `json:"seed"`
	Steps    int      `json:"steps"`
	SubNets  int      `json:"subnets"`   // that a step trains
	OneSide  bool     `json:"one_side"`  // the SubNets of a step share one resolution
	Batch    int      `json:"batch"`     // images of a step, the same for its SubNets
	Sort     bool     `json:"sort"`      // channels, by importance, before the first step
	Calib    int      `json:"calibrate"` // images that statistics of normalisations are recomputed from

	Transforms bool `json:"transforms"` // smaller windows of kernels are learned functions of the whole ones

	Optimizer string  `json:"optimizer"` // "adamw" or "sgd"
	Rate      float64 `json:"rate"`      // learning rate at its peak
	MinRate   float64 `json:"min_rate"`  // at the end, as a share of Rate
	Warmup    float64 `json:"warmup"`    // share of the steps in which the rate grows from 0
	Decay     float64 `json:"decay"`     // decoupled weight decay; of matrices and kernels only
	Momentum  float64 `json:"momentum"`  // of sgd (Nesterov)
	Clip      float64 `json:"clip"`      // most that the norm of all gradients may be, 0 for any
	EMA       float64 `json:"ema"`       // decay of the averaged weights that are evaluated and written, 0 for none

	Teacher    string  `json:"teacher"`    // "original", "largest" (in place), "both" (the original teaches the largest, that the others) or "none"
	Distil     float64 `json:"distil"`     // weight of the teacher's scores in the loss, from 0 to 1; labels have the rest
	Divergence string  `json:"divergence"` // from the teacher: "kl" or "alpha" (AlphaNet's adaptive one)
	Smoothing  float64 `json:"smoothing"`  // of labels

	Shift int     `json:"shift"` // images are cropped after this many black pixels were put around them
	Flip  bool    `json:"flip"`  // half of the images
	Erase float64 `json:"erase"` // share of the images that lose a random rectangle

	// What follows changes images, too; see augment.go for the exact arithmetic. Zeros change nothing.
	Crop        float64 `json:"crop,omitempty"`         // least share of the area that a random part has, which is scaled to the image's size
	Jitter      float64 `json:"jitter,omitempty"`       // most that brightness, contrast and saturation change by, as a share
	RandAugment int     `json:"rand_augment,omitempty"` // operations that RandAugment does
	Magnitude   int     `json:"magnitude,omitempty"`    // of these, from 0 to 30
	Mixup       float64 `json:"mixup,omitempty"`        // parameter of the Beta distribution of the shares of mixed images
	CutMix      float64 `json:"cutmix,omitempty"`       // likewise, of images that get a rectangle of another one
}

// Defaults is the recipe that the command starts from: CompOFA's sampling, which the paper uses, with the original as teacher.
func Defaults() Options {
	return Options{
		Strategy: Compound, Seed: 1, Steps: 2000, SubNets: 4, Batch: 64, Sort: true, Calib: 2000, Transforms: true,
		Optimizer: "adamw", Rate: 1e-3, Warmup: 0.05, Decay: 1e-4, Momentum: 0.9,
		Teacher: "original", Distil: 0.5, Divergence: "kl", Smoothing: 0.1, Shift: 2, Flip: true,
	}
}

// The names that options may have.
var (
	optimizers  = []string{"adamw", "sgd"}
	teachers    = []string{"original", "largest", "both", "none"}
	divergences = []string{"kl", "alpha"}
)

// Check reports everything that is wrong with o.
func (o Options) Check() error {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	for _, c := range []struct {
		name, value string
		known       []string
	}{{"optimizer", o.Optimizer, optimizers}, {"teacher", o.Teacher, teachers}, {"divergence", o.Divergence, divergences}} {
		wrong(!slices.Contains(c.known, c.value), "%s %q: want one of %v", c.name, c.value, c.known)
	}
	wrong(o.Batch < 2, "batch %d: want at least 2 samples, whose statistics normalise them", o.Batch)
	wrong(o.Calib < 0, "calibrate %d: want a number of samples", o.Calib)
	wrong(!(o.Rate > 0) || math.IsInf(o.Rate, 1), "rate %g: want a learning rate above 0", o.Rate)
	for _, c := range []struct {
		name  string
		value float64
		below float64
	}{
		{"min-rate", o.MinRate, 1}, {"warmup", o.Warmup, 1}, {"decay", o.Decay, math.Inf(1)}, {"momentum", o.Momentum, 1}, {"clip", o.Clip, math.Inf(1)},
		{"ema", o.EMA, 1}, {"smoothing", o.Smoothing, 1}, {"mixup", o.Mixup, 2}, {"cutmix", o.CutMix, 2},
	} {
		wrong(!(c.value >= 0 && c.value < c.below), "%s %g: want a number from 0 to below %g", c.name, c.value, c.below)
	}
	for name, v := range map[string]float64{"distil": o.Distil, "erase": o.Erase, "crop": o.Crop, "jitter": o.Jitter} {
		wrong(!(v >= 0 && v <= 1), "%s %g: want a share from 0 to 1", name, v)
	}
	wrong(o.Shift < 0 || o.Shift > 64, "shift %d: want a number of pixels from 0 to 64", o.Shift)
	wrong(o.RandAugment < 0 || o.RandAugment > 16, "rand-augment %d: want a number of operations from 0 to 16", o.RandAugment)
	wrong(o.Magnitude < 0 || o.Magnitude > maxMagnitude, "magnitude %d: want a number from 0 to %d", o.Magnitude, maxMagnitude)
	wrong(o.inPlace() && o.Strategy != Sandwich, "teacher %q needs strategy %q: others do not train the largest SubNet in every step", o.Teacher, Sandwich)
	return errors.Join(errs...)
}

// fromOriginal tells whether the original teaches, inPlace whether a step's largest SubNet does.
func (o Options) fromOriginal() bool { return o.Teacher == "original" || o.Teacher == "both" }
func (o Options) inPlace() bool      { return o.Teacher == "largest" || o.Teacher == "both" }

// plan is how SubNets are drawn.
func (o Options) plan() Plan {
	return Plan{Strategy: o.Strategy, Seed: o.Seed, Steps: o.Steps, PerStep: o.SubNets, OneSide: o.OneSide}
}

// rate is the learning rate of a step: it grows evenly over the warm-up and falls as half a cosine after it.
func (o Options) rate(step int) float64 {
	at := (float64(step) + 0.5) / float64(o.Steps)
	if at < o.Warmup {
		return o.Rate * at / o.Warmup
	}
	return o.Rate * (o.MinRate + (1-o.MinRate)*0.5*(1+math.Cos(math.Pi*(at-o.Warmup)/(1-o.Warmup))))
}
