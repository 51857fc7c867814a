package cli

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/autotailor/autotailor/internal/rowfile"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

// sensitivities is the result of `sensitivity`.
type sensitivities struct {
	File     string        `json:"file"`
	Images   int           `json:"images"`
	Metric   metricEntry   `json:"metric"`
	Original float64       `json:"original_accuracy"`
	Probes   []probeResult `json:"probes"`
	Seconds  float64       `json:"seconds"`
}

type probeResult struct {
	SubNet  string  `json:"subnet"`
	Correct int     `json:"correct"`
	Loss    float64 `json:"loss"` // how much worse the metric's value is than the original's, in its unit; below 0 where it is better
}

func runSensitivity(c *call) error {
	model, dir, ef := c.modelFlag(), c.dataFlag(), c.engineFlags(0)
	c.originalFlag()
	out := c.flags.String("out", "", "`file` for the counts; an interrupted run goes on with it")
	split := c.flags.String("split", "train", "samples that are counted: train (the last ones, which no statistics come from) or test (the first ones; what is chosen by them cannot be judged by them)")
	n := c.flags.Int("images", 5000, "samples that are counted at most, 0 for all")
	calibrate := c.flags.Int("calibrate", 1000, "training samples that BatchNorm statistics are recomputed from, at most half of them; 0 for none")
	keep := c.flags.String("keep", "1GiB", "`memory` for activations that probes have in common, so that they are computed once; 0 for none")
	private := c.noSampleFlag()
	if err := c.parse("model", "data", "out"); err != nil {
		return err
	}
	if !*private {
		if err := sampleFree(*out); err != nil {
			return err
		}
	}
	kept, ok := scaled(*keep, sizes)
	if !ok {
		return usageError{fmt.Errorf("--keep %s: want a size, such as 500MB", *keep)}
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
	p := c.progress("sensitivity")
	e, err := c.openEvaluator(w, engines[0], sensitivity.Options{Progress: p.at, Split: *split, Keep: int(min(cmp.Or(kept, -1), math.MaxInt))})
	if err != nil {
		return err
	}
	if e.Samples, e.Options.Calibration, err = c.judged(*dir, *split, *n, c.calibrating(*calibrate)); err != nil {
		return err
	}
	c.preview(*e)
	start := time.Now()
	statistics, err := c.keepCounted(e, w, *out)
	if err != nil {
		return err
	}
	t, err := e.Run(c.ctx, *out)
	if errors.Is(err, rowfile.ErrOtherHeader) {
		err = countAnew(err, *out)
	}
	if err == nil || !accuracy.Uncounted(*out) {
		err = errors.Join(err, statistics.saveTable(e, err == nil))
	}
	if err != nil {
		return err
	}
	if !*private {
		if err := c.keepSample(*out, e.Options.Calibration); err != nil {
			return err
		}
	}
	m := t.Metric()
	r := sensitivities{File: *out, Images: t.Header.Images, Metric: metricOf(t.Header), Original: t.Value(0), Seconds: time.Since(start).Seconds()}
	for _, g := range space.Probes(c.net.Choices) {
		for i, v := range g {
			if v > 0 {
				n := t.Correct[i][v]
				r.Probes = append(r.Probes, probeResult{space.Format(c.net.Choices, g), n, lossOf(t, n)})
			}
		}
	}
	if *c.json {
		return c.print(r)
	}
	for _, q := range r.Probes {
		fmt.Fprintf(c.out, "%-24s %s\n", q.SubNet, worse(m, q.Loss))
	}
	_, err = fmt.Fprintf(c.out, "the original: %s; %d modifications in %.1f s\n", judges(t.Header, r.Original, r.Images), len(r.Probes), r.Seconds)
	return err
}

// lossOf tells how much worse the metric's value is at a count than the original's.
func lossOf(t *accuracy.Table, correct int) float64 {
	whole := float64(t.Header.Whole())
	loss := t.Header.Value(float64(t.Base)/whole) - t.Header.Value(float64(correct)/whole)
	if t.Metric().LowerIsBetter {
		return -loss
	}
	return loss
}

// preview tells early how accurate the original is on a few images: an input that is prepared in another way than in training makes all
// that follows worthless, without an error. What goes wrong here is left to the count itself.
func (c *call) preview(e sensitivity.Evaluator) {
	if t := c.opt.Transform; isImages(e.Samples) && t.Pad == 0 && len(t.Mean) == 0 && len(t.Std) == 0 {
		fmt.Fprintln(c.err, "warning: autotailor.toml does not say how images become input (`data`): pixels become x/255")
	}
	c.foldedNote()
	if c.task.Original {
		return // it agrees with itself
	}
	const few = 200
	e.Samples = e.Samples.Slice(0, few)
	if correct, err := e.Count(c.ctx, make(space.Genes, len(c.net.Choices))); err == nil {
		h := e.Header()
		fmt.Fprintf(c.err, "the original: %s, the first %s ones; if it should do better, look at `data` in autotailor.toml\n",
			judges(h, h.Value(float64(correct)/float64(h.Whole())), e.Samples.Len()), map[string]string{"train": "training", "test": "test"}[e.Options.Split])
	}
}

func isImages(s data.Samples) bool {
	_, ok := s.(data.Source)
	return ok
}

// calibrating is how many of n samples are for statistics: none where there are none, so that all may be counted.
func (c *call) calibrating(n int) int {
	if g, err := c.original(); err == nil && len(supernet.Normalisations(g)) == 0 {
		return min(n, 0)
	}
	return n
}

// judged returns n samples of a split (0 or too many for all that there are) and those for statistics, nil for none. Of the training
// samples the first, at most half of them, are for statistics and the last are counted.
func (c *call) judged(dir, split string, n, calibrate int) (set, calibration data.Samples, err error) {
	if calibrate < 0 || n < 0 {
		return nil, nil, usageError{fmt.Errorf("--images %d, --calibrate %d: numbers of samples are 0 or more", n, calibrate)}
	}
	if calibrate > 0 {
		train, err := c.openSamples(dir, "train")
		if err != nil {
			return nil, nil, err
		}
		if split == "train" {
			calibrate = min(calibrate, train.Len()/2)
		}
		calibration = train.Slice(0, calibrate)
	}
	all, err := c.openSamples(dir, split)
	if err != nil {
		return nil, nil, err
	}
	if n == 0 {
		n = all.Len()
	}
	if split != "train" {
		return all.Slice(0, n), calibration, nil
	}
	return all.Slice(max(calibrate, all.Len()-n), all.Len()), calibration, nil
}

// evaluator counts as the table at path was counted.
func (c *call) evaluator(h accuracy.Header, path, dir string, w *onnxfile.Model, e engine.Engine) (*sensitivity.Evaluator, error) {
	if err := countedWith(h, path, w); err != nil {
		return nil, err
	}
	split := cmp.Or(h.Split, "test") // what older files were counted on
	set, calibration, err := c.judged(dir, split, h.Images, h.Recalibration)
	if err != nil {
		return nil, err
	}
	ev, err := c.openEvaluator(w, e, sensitivity.Options{Calibration: calibration, Split: h.Split})
	if err != nil {
		return nil, err
	}
	ev.Samples = set
	header := ev.Header()
	if got, want := metricOf(header), metricOf(h); got != want {
		return nil, fmt.Errorf("%s: its sensitivities are of task %q by %s, the package's task is %q by %s: count again, or set `task` and `metric` in autotailor.toml back", path, want.Task, want.Name, got.Task, got.Name)
	}
	if header.Data != h.Data {
		return nil, fmt.Errorf("%s: its samples (%d, %s) are not those that the sensitivities of %s were counted on (%d, %s): give those samples, or count again", dir, header.Images, header.Data, path, h.Images, h.Data)
	}
	return ev, nil
}
