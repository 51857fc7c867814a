package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// proved is the result of `prove`.
type proved struct {
	Engine string `json:"engine"`
	*model.Proof
}

// runProve runs SubNets with the user's weights on an engine and compares them with the model file.
func runProve(c *call) error {
	path, ef := c.modelFlag(), c.engineFlags(0)
	full := c.flags.Bool("full", false, "prove more SubNets, however large the model is")
	if err := c.parse("model"); err != nil {
		return err
	}
	w, err := c.weights(*path)
	if err != nil {
		return err
	}
	engines, err := c.open(ef)
	if err != nil {
		return err
	}
	defer c.closeEngines(engines)
	if len(engines) != 1 {
		return usageError{fmt.Errorf("--engine %s: want one engine", *ef.names)}
	}
	e := engines[0]
	if _, measures := e.(engine.Measurer); measures {
		return usageError{fmt.Errorf("--engine %s: it returns times, but no results to compare; give another engine", *ef.names)}
	}
	reference, err := c.reference(e)
	if err != nil {
		return err
	}
	o := model.ProofOptions{Runner: engine.Once(e), Reference: reference, Full: *full, More: "--full", Stop: func() bool { return c.ctx.Err() != nil }}
	if l, ok := e.(engine.Limited); ok {
		o.Missing = l.Missing
	}
	p := c.progress("prove")
	done, start := 0, time.Now()
	o.After = func(_ space.Genes, total int, _ bool, _ error) {
		done++
		p.at(done, total, time.Since(start))
	}
	prover, err := model.NewProver(c.net, w, o)
	if err != nil {
		return err
	}
	r := proved{e.Info().Name, prover.Run()}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if *c.json {
		err = c.print(r)
	} else {
		_, err = fmt.Fprintf(c.out, "%s\n", strings.Join(append([]string{r.String()}, r.mistakes()...), "\n  "))
	}
	if err == nil && r.Status == model.Wrong {
		err = fmt.Errorf("%d of %d SubNets are wrong", len(r.Wrong), r.SubNets)
	}
	return err
}

// reference runs the original's operators on the command's first engine, so that two engines are compared. Operators that it lacks run on e.
func (c *call) reference(e engine.Engine) (model.Runner, error) {
	run := engine.Once(e)
	first := c.opt.Engines[0]
	if first.Name == e.Info().Name {
		return run, nil
	}
	other, err := first.Open(0)
	if err != nil {
		return nil, err
	}
	before := engine.Once(other)
	return func(g *nn.Graph, w nn.Weights, in []nn.Tensor) ([]nn.Tensor, error) {
		if out, err := before(g, w, in); err == nil {
			return out, nil
		}
		return run(g, w, in)
	}, nil
}

// mistakes are lines about the SubNets that are wrong.
func (r proved) mistakes() []string {
	var out []string
	for _, m := range r.Wrong {
		text := m.Error()
		if m.Distance > 0 {
			text += fmt.Sprintf(" (relative distance %.2g)", m.Distance)
		}
		out = append(out, text)
	}
	return out
}
