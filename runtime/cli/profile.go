package cli

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/autotailor/autotailor/runtime/device"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/profile"
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
