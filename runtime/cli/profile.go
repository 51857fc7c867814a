package cli

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/autotailor/autotailor/runtime/device"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/profile"
	"github.com/autotailor/autotailor/runtime/sensitivity"
	"github.com/autotailor/autotailor/runtime/space"
)

// profiled is the result of `profile`.
type profiled struct {
	File      string  `json:"file,omitempty"`
	Engine    string  `json:"engine"`
	Device    string  `json:"device"`
	Threads   int     `json:"threads"`
	Rules     string  `json:"rules"`
	Operators int     `json:"operators"`
	Missing   int     `json:"missing"` // still to be measured
	Failed    int     `json:"failed"`
	Seconds   float64 `json:"seconds"`
	Original  float64 `json:"original_ms"` // predicted latency
}

func runProfile(c *call) error {
	ef := c.engineFlags(1)
	out := c.flags.String("out", "", "`file` for the latencies; an interrupted run goes on with it")
	runs := c.flags.Int("runs", 30, "runs of each operator")
	meter := c.flags.String("meter", "", "`file` with the device's power or energy, such as /sys/class/powercap/intel-rapl:0/energy_uj; other names with their unit, mW=PATH")
	dry := c.flags.Bool("dry-run", false, "measure nothing; say how many operators there are to measure")
	if err := c.parse(); err != nil {
		return err
	}
	if *out == "" && !*dry {
		return usageError{errors.New("missing --out")}
	}
	engines, err := c.open(ef)
	if err != nil {
		return err
	}
	defer closeEngines(engines)
	e := engines[0]
	o := profile.Options{Runs: *runs}
	if *meter != "" {
		if o.Meter, err = device.OpenMeter(*meter); err != nil {
			return usageError{fmt.Errorf("--meter: %w", err)}
		}
	}
	h := profile.Header(c.net, e, o)
	sites, err := c.net.Sites(h.Rules)
	if err != nil {
		return err
	}
	r := profiled{File: *out, Engine: h.Engine, Device: h.Device, Threads: h.Threads, Rules: h.Rules, Operators: distinct(sites)}
	if *dry {
		missing, err := c.missing(*out, h)
		if err != nil {
			return err
		}
		r.Missing = missing
		return c.printProfiled(r)
	}
	p := c.progress("profile")
	o.Progress = func(at profile.Progress) { p.at(at.Done, at.Total, at.Elapsed) }
	start := time.Now()
	t, err := profile.Run(c.ctx, c.net, e, *out, o)
	if err != nil {
		return err
	}
	r.Seconds = time.Since(start).Seconds()
	for _, row := range t.Rows {
		if row.Failed != "" {
			r.Failed++
		}
	}
	sum, err := t.Sum(c.net)
	if err != nil {
		return err
	}
	r.Original = float64(sum.At(make(space.Genes, len(c.net.Choices)))) / 1e6
	return c.printProfiled(r)
}

// missing counts what a run would measure: everything, or what the file at path lacks.
func (c *call) missing(path string, h lut.Header) (int, error) {
	t := lut.New(c.net, h)
	if _, err := os.Stat(path); err == nil {
		if t, err = c.latencies(path); err != nil {
			return 0, err
		}
	}
	ids, err := t.Missing(c.net)
	return len(ids), err
}

func (c *call) printProfiled(r profiled) error {
	if *c.json {
		return c.print(r)
	}
	if r.Missing > 0 {
		_, err := fmt.Fprintf(c.out, "%d of %d operators under rules %q are to be measured on %s (%s, %d threads)\n", r.Missing, r.Operators, r.Rules, r.Device, r.Engine, r.Threads)
		return err
	}
	_, err := fmt.Fprintf(c.out, "measured %d operators on %s (%s, %d threads) in %.1f s; the original is predicted to take %.3f ms\n", r.Operators, r.Device, r.Engine, r.Threads, r.Seconds, r.Original)
	return err
}

// counted is the result of `sensitivity`.
type counted struct {
	File     string        `json:"file"`
	Images   int           `json:"images"`
	Original float64       `json:"original_accuracy"`
	Probes   []probeResult `json:"probes"`
	Seconds  float64       `json:"seconds"`
}

type probeResult struct {
	SubNet  string  `json:"subnet"`
	Correct int     `json:"correct"`
	Loss    float64 `json:"loss"` // of accuracy
}

func runSensitivity(c *call) error {
	model, dir, ef := c.modelFlag(), c.dataFlag(), c.engineFlags(0)
	out := c.flags.String("out", "", "`file` for the counts; an interrupted run goes on with it")
	split := c.flags.String("split", "test", "images that are counted: train or test")
	n := c.flags.Int("images", 0, "count on the first images only, 0 for all")
	calibrate := c.flags.Int("calibrate", 0, "training images that BatchNorm statistics are recomputed from, 0 for none")
	if err := c.parse("model", "data", "out"); err != nil {
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
	defer closeEngines(engines)
	set, err := images(*dir, *split, *n)
	if err != nil {
		return err
	}
	p := c.progress("sensitivity")
	e := sensitivity.Evaluator{Net: c.net, Engine: engines[0], Weights: w, Images: set, Options: sensitivity.Options{Transform: c.opt.Transform, Progress: p.at}}
	if *calibrate > 0 {
		if e.Options.Calibration, err = images(*dir, "train", *calibrate); err != nil {
			return err
		}
	}
	c.preview(e)
	start := time.Now()
	t, err := e.Run(c.ctx, *out)
	if err != nil {
		return err
	}
	r := counted{File: *out, Images: set.N, Original: t.Accuracy(0), Seconds: time.Since(start).Seconds()}
	for _, g := range space.Probes(c.net.Choices) {
		for i, v := range g {
			if v > 0 {
				n := t.Correct[i][v]
				r.Probes = append(r.Probes, probeResult{space.Format(c.net.Choices, g), n, float64(t.Base-n) / float64(set.N)})
			}
		}
	}
	if *c.json {
		return c.print(r)
	}
	for _, q := range r.Probes {
		fmt.Fprintf(c.out, "%-24s %6.2f %% less\n", q.SubNet, 100*q.Loss)
	}
	_, err = fmt.Fprintf(c.out, "the original classifies %.2f %% of %d images correctly; %d modifications in %.1f s\n", 100*r.Original, r.Images, len(r.Probes), r.Seconds)
	return err
}

// preview tells early how accurate the original is on a few images: an input that is prepared in another way than in training makes all
// that follows worthless, without an error. What goes wrong here is left to the count itself.
func (c *call) preview(e sensitivity.Evaluator) {
	if t := e.Options.Transform; t.Pad == 0 && len(t.Mean) == 0 && len(t.Std) == 0 {
		fmt.Fprintln(c.err, "warning: autotailor.toml does not say how images become input (`data`): pixels become x/255")
	}
	const few = 200
	e.Images = e.Images.Slice(0, min(few, e.Images.N))
	if correct, err := e.Correct(c.ctx, make(space.Genes, len(c.net.Choices))); err == nil {
		fmt.Fprintf(c.err, "the original classifies %.1f %% of the first %d images correctly; if it should do better, look at `data` in autotailor.toml\n",
			100*float64(correct)/float64(e.Images.N), e.Images.N)
	}
}
