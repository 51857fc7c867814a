package cli

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/measure/device"
	"github.com/autotailor/autotailor/runtime/measure/profile"
	"github.com/autotailor/autotailor/runtime/nn"
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
	CPU       string  `json:"ran_on_cpu,omitempty"` // operators that an accelerator did not take
	Original  float64 `json:"original_ms"`          // predicted latency
	Method    string  `json:"method"`
	Networks  int     `json:"networks"` // covering SubNets
	Estimate  float64 `json:"estimate_s"`
	RulesFile string  `json:"rules_file,omitempty"` // written if the engine runs other kernels than the rules describe
}

func runProfile(c *call) error {
	ef := c.engineFlags(1)
	out := c.flags.String("out", "", "`file` for the latencies; an interrupted run goes on with it")
	method := c.flags.String("method", "", "covering: operators inside whole SubNets, where the engine tells what its kernels take (the default there); isolated: each alone")
	runs := c.flags.Int("runs", 30, "runs of each operator that is measured alone")
	contexts := c.flags.Int("contexts", 0, "SubNets that each operator is measured in at least; 0 for 1 to 12, as many as 400 s allow")
	rules := c.flags.String("rules", "", "fusion rules of the package, instead of the engine's")
	from := c.flags.String("from", "", "older `file` of this device: measure only what it lacks")
	model := c.modelFlag()
	meter := c.flags.String("meter", "", "`file` or folder with the device's power or energy, such as /sys/class/powercap or the curr1_input of a board's INA3221; other names with their unit, mW=PATH")
	dry := c.flags.Bool("dry-run", false, "store nothing; say how many operators there are to measure and how long it would take")
	if err := c.parse(); err != nil {
		return err
	}
	switch {
	case *out == "" && !*dry:
		return usageError{errors.New("missing --out")}
	case *method != "" && *method != lut.Covering && *method != lut.Isolated:
		return usageError{fmt.Errorf("--method %s: methods are %s and %s", *method, lut.Covering, lut.Isolated)}
	}
	engines, err := c.open(ef)
	if err != nil {
		return err
	}
	defer c.closeEngines(engines)
	o := profile.Options{Runs: *runs, Method: *method, Contexts: *contexts, Rules: *rules}
	if *meter != "" {
		if o.Meter, err = device.OpenMeter(*meter); err != nil {
			return usageError{fmt.Errorf("--meter: %w", err)}
		}
	}
	if o.Weights, err = c.weightsIfAny(*model); err != nil {
		return err
	}
	if *from != "" {
		if o.From, err = readFile(*from, func(f *os.File) (*lut.Table, error) { return lut.Parse(f) }); err != nil {
			return err
		}
	}
	if *from != "" {
		if err := profile.SameDevice(o.From.Header, profile.Header(c.net, engines[0], o)); err != nil {
			return fmt.Errorf("%s: %w", *from, err)
		}
	}
	return c.profile(engines[0], o, *out, *dry)
}

// weightsIfAny opens the model if it exists.
func (c *call) weightsIfAny(path string) (nn.Weights, error) {
	if _, err := os.Stat(path); path == "" || err != nil && !c.flags.Changed("model") {
		return nil, nil
	}
	return c.weights(path)
}

func (c *call) profile(e engine.Engine, o profile.Options, out string, dry bool) error {
	h := profile.Header(c.net, e, o)
	sites, err := c.net.Sites(h.Rules)
	if err != nil {
		return err
	}
	r := profiled{File: out, Engine: h.Engine, Device: h.Device, Threads: h.Threads, Rules: h.Rules, Method: h.Method, Operators: distinct(sites)}
	estimate, err := profile.Predict(c.ctx, c.net, e, out, o)
	if err != nil {
		return err
	}
	r.Missing, r.Networks, r.Estimate = estimate.Operators, estimate.Networks, estimate.Time.Seconds()
	if dry {
		return c.printProfiled(r)
	}
	fmt.Fprintf(c.err, "profile: %s\n", r.plan())
	p := c.progress("profile")
	o.Progress = func(at profile.Progress) { p.at(at.Done, at.Total, at.Elapsed) }
	start := time.Now()
	t, err := profile.Run(c.ctx, c.net, e, out, o)
	if err != nil {
		return err
	}
	r.Missing, r.Seconds, r.CPU = 0, time.Since(start).Seconds(), fallbacks(e)
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
	if file, err := profile.RulesFile(t, c.net); err != nil {
		return err
	} else if file != "" {
		r.RulesFile = out + ".rules"
		if err := rulesFree(r.RulesFile); err != nil {
			return err
		}
		if err := outfile.Write(r.RulesFile, []byte(file)); err != nil {
			return err
		}
		fmt.Fprintf(c.err, "profile: %s runs other operators as one kernel than fusion rules %q say (see the command fusion); %s has rules that agree: "+
			"name it in the config's `fusion`, generate the package and profile again\n", h.Engine, h.Rules, r.RulesFile)
	}
	return c.printProfiled(r)
}

// plan says what will be measured.
func (r profiled) plan() string {
	how := "each alone"
	if r.Networks > 0 {
		how = fmt.Sprintf("inside %d SubNets", r.Networks)
	}
	return fmt.Sprintf("%d of %d operators under rules %q are to be measured on %s (%s, %d threads), %s; about %v", r.Missing, r.Operators, r.Rules, r.Device, r.Engine, r.Threads,
		how, time.Duration(r.Estimate*float64(time.Second)).Round(time.Second))
}

func (c *call) printProfiled(r profiled) error {
	if *c.json {
		return c.print(r)
	}
	if r.Missing > 0 {
		_, err := fmt.Fprintln(c.out, r.plan())
		return err
	}
	_, err := fmt.Fprintf(c.out, "measured %d operators on %s (%s, %d threads) in %.1f s; the original is predicted to take %.3f ms\n", r.Operators, r.Device, r.Engine, r.Threads, r.Seconds, r.Original)
	return err
}
