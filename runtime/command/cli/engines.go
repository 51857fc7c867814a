package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/measure/agent"
	"github.com/autotailor/autotailor/runtime/measure/device"
)

// drivers are the engines that a prefix selects. They run on other devices than this process.
var drivers = []struct {
	prefix, doc string
	rest        bool // takes the rest of the list, commas included
	open        func(where string, threads int) (engine.Engine, error)
}{
	{"cmd:", "cmd:PROGRAM ARGS (a driver that speaks the line protocol of package runtime/measure/device; last in a list)", true, openCommand},
	{"agent:", "agent:URL (an autotailor-agent on another machine, such as agent:http://board:8437; its token in " + agent.TokenVariable + ")", false, openAgent},
}

func openCommand(line string, threads int) (engine.Engine, error) {
	return device.OpenCommand(line, device.Options{Threads: threads})
}

func openAgent(address string, threads int) (engine.Engine, error) {
	token, err := agent.Token()
	if err != nil {
		return nil, err
	}
	return agent.Open(context.Background(), address, agent.ClientOptions{Token: token, Threads: threads})
}

func deviceDocs() []string {
	var out []string
	for _, d := range drivers {
		out = append(out, d.doc)
	}
	return out
}

// open returns the engines of a comma-separated list. The caller closes them, see closeEngines.
func (c *call) open(f engineFlags) ([]engine.Engine, error) {
	var out []engine.Engine
	var errs []error
	for rest, more := *f.names, true; more; {
		var e engine.Engine
		var err error
		e, rest, more, err = c.openFirst(rest, *f.threads)
		if errs = append(errs, err); err == nil {
			out = append(out, e)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, c.closeEngines(out))
	}
	return out, nil
}

// openFirst opens the first engine of a list and returns the rest of the list.
func (c *call) openFirst(list string, threads int) (e engine.Engine, rest string, more bool, err error) {
	name, rest, more := cutEngine(list)
	known := deviceDocs()
	for _, d := range drivers {
		if !strings.HasPrefix(name, d.prefix) {
			continue
		}
		if d.rest {
			name, rest, more = list, "", false
		}
		e, err = d.open(strings.TrimPrefix(name, d.prefix), threads)
		return e, rest, more, err
	}
	for i, o := range c.opt.Engines {
		own, with, colon := strings.Cut(name, ":")
		switch {
		case o.Name == name:
			e, err = o.Open(threads)
			return e, rest, more, err
		case o.Name == own && colon && o.With != nil:
			e, err = o.With(with, threads)
			return e, rest, more, err
		}
		known = append(known[:i], append([]string{o.Name}, known[i:]...)...)
	}
	return nil, rest, more, usageError{fmt.Errorf("--engine %s: there is no such engine; engines are %s", name, strings.Join(known, ", "))}
}

// cutEngine cuts the first engine off a list, with the options that follow it: onnxruntime:cuda,device_id=0,embedded.
func cutEngine(list string) (first, rest string, more bool) {
	parts := strings.Split(list, ",")
	n := 1
	for n < len(parts) && isOption.MatchString(parts[n]) {
		n++
	}
	return strings.Join(parts[:n], ","), strings.Join(parts[n:], ","), n < len(parts)
}

// isOption matches an option of an engine.
var isOption = regexp.MustCompile(`^\w[\w.]*=`)

// engineOf is the value of --engine by which a table was measured.
func engineOf(h lut.Header) string {
	if h.Options == "" {
		return h.Engine
	}
	return h.Engine + "," + h.Options
}

// fallbacks tells which operators of an engine on an accelerator ran on the CPU instead, "" for none.
func fallbacks(e engine.Engine) string {
	if p, ok := e.(interface{ Fallbacks() string }); ok {
		return p.Fallbacks()
	}
	return ""
}

// closeEngines closes the engines that hold a device, and says what ran elsewhere than the user may think.
func (c *call) closeEngines(list []engine.Engine) error {
	var errs []error
	for _, e := range list {
		if text := fallbacks(e); text != "" {
			fmt.Fprintf(c.err, "%s: %s does not take all operators; these ran on the CPU: %s\n", c.name, e.Info().Name, text)
		}
		if m, ok := e.(engine.Measurer); ok {
			errs = append(errs, m.Close())
		}
	}
	return errors.Join(errs...)
}
