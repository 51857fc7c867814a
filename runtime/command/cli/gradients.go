package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/train/tune"
)

// differentiating is the engine with which the gradients of other engines are compared. It differentiates networks in operators that share no code with ours.
const differentiating = "gorgonia"

// Defaults of a gradient check. They are small because Gorgonia is slow.
const (
	gradientSubNets = 2
	gradientBatch   = 4
)

// checkGradients is `tune --check-gradients`.
func (c *call) checkGradients(f *tuneFlags) error {
	if *f.engine.names == differentiating {
		return usageError{fmt.Errorf("--check-gradients compares an engine with %s; --engine names the other one", differentiating)}
	}
	w, err := c.weights(*f.model)
	if err != nil {
		return err
	}
	engines, err := c.open(f.engine)
	if err != nil {
		return err
	}
	defer c.closeEngines(engines)
	ours, err := c.trainer(engines)
	if err != nil {
		return err
	}
	theirs, err := c.partial(*f.engine.threads)
	if err != nil {
		return err
	}
	p, start := c.progress("check gradients"), time.Now()
	k := tune.GradientCheck{
		Net: c.net, Weights: w, Engine: ours, Against: theirs, Parameters: *f.gradients, SubNets: gradientSubNets, Batch: gradientBatch,
		Seed: f.o.Seed, Transforms: f.o.Transforms,
	}
	if c.flags.Changed("subnets") {
		k.SubNets = f.o.SubNets
	}
	if c.flags.Changed("batch") {
		k.Batch = f.o.Batch
	}
	k.Progress = func(done int) { p.at(done, k.SubNets, time.Since(start)) }
	r, err := k.Run(c.ctx)
	if err != nil {
		return err
	}
	if err := c.printGradients(r); err != nil {
		return err
	}
	if !r.Agrees {
		return fmt.Errorf("the gradients of %s and %s differ", r.Engine, r.Against)
	}
	return nil
}

// partial opens the engine with which others are compared.
func (c *call) partial(threads int) (engine.Partial, error) {
	for _, o := range c.opt.Engines {
		if o.Name != differentiating {
			continue
		}
		e, err := o.Open(threads)
		if err != nil {
			return nil, err
		}
		if p, ok := e.(engine.Partial); ok {
			return p, nil
		}
	}
	return nil, errors.New("--check-gradients needs the engine " + differentiating + ", which this program was built without")
}

func (c *call) printGradients(r *tune.GradientReport) error {
	if *c.json {
		return c.print(r)
	}
	fmt.Fprintf(c.out, "%s and %s: %d parameters in %d tensors compared, of %d random SubNets\n", r.Engine, r.Against, r.Compared, r.Tensors, len(r.SubNets))
	for _, s := range r.Skipped {
		fmt.Fprintf(c.out, "%d skipped: %s\n", s.Parameters, s.Why)
	}
	for _, l := range r.Lacking {
		fmt.Fprintf(c.out, "%s lacks %s (%d nodes): %s; random numbers and gradients stand in its place\n", r.Against, l.Operator, l.Nodes, l.Why)
	}
	if r.Kinks > 0 {
		fmt.Fprintf(c.out, "%d agree on a second batch only: on the first an activation was at a kink\n", r.Kinks)
	}
	if d := r.Largest; d != nil {
		fmt.Fprintf(c.out, "largest relative difference %.1e (%.0e is tolerated): %s[%d] has %.6g, %s %.6g, in %s\n",
			d.Relative, r.Tolerance, d.Tensor, d.Element, d.Ours, r.Against, d.Theirs, d.SubNet)
	}
	return nil
}
