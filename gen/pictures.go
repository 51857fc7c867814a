package gen

import (
	"errors"
	"fmt"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// pictures refuses what a config says of pictures when they could not become the model's first input.
func pictures(g *ir.Graph, c config.Config) error {
	if len(g.Inputs) == 0 {
		return nil
	}
	shape := g.Values[g.Inputs[0]].Shape
	if len(shape) != 4 || shape[2].Size != shape[3].Size { // channels may come last
		return nil
	}
	var errs []error
	mistake := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: data.%s "+format, append([]any{c.Pos("data." + key), key}, args...)...))
	}
	channels, side := shape[1].Size, shape[2].Size // -1 when open
	for _, l := range []struct {
		key  string
		list []float64
	}{{"mean", c.Data.Mean}, {"std", c.Data.Std}} {
		if n := len(l.list); n > 0 && channels > 0 && n != channels {
			mistake(l.key, "has %d numbers, the model's input has %d channels", n, channels)
		}
	}
	inner := side - 2*c.Data.Pad
	switch {
	case side < 1:
	case inner < 1:
		mistake("pad", "is %d: an input of %d pixels has no room for a picture between two such borders", c.Data.Pad, side)
	case c.Data.Resize > 0 && c.Data.Resize < inner:
		mistake("resize", "is %d: a shorter side of %d pixels has no centre of %d pixels, which the model's input takes", c.Data.Resize, c.Data.Resize, inner)
	}
	return errors.Join(errs...)
}

// knownTask refuses a task that there is not.
func knownTask(c config.Config) error {
	if _, err := (data.TaskConfig{Name: c.Task, Metric: c.Metric}).Task(); err != nil {
		key := "task"
		if _, err := (data.TaskConfig{Name: c.Task}).Task(); err == nil {
			key = "metric"
		}
		return fmt.Errorf("%s: %w", c.Pos(key), err)
	}
	return nil
}
