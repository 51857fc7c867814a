package device

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/autotailor/autotailor/internal/words"
	"github.com/autotailor/autotailor/runtime/engine"
)

// Options configure a Command.
type Options struct {
	Threads  int
	Patience time.Duration // that an answer may take beyond the limit of its job, 0 means a minute
	Overtime time.Duration // likewise, for a driver that is trusted to keep limits and is killed where it does not; 0 means Patience
}

// Command is a device behind a driver program. It may be used by one goroutine at a time.
type Command struct {
	engine.TimesOnly

	args    []string
	options Options
	who     identity
	dir     string // of probes

	mu      sync.Mutex
	process *process
	deaths  int // in a row
}

var _ engine.Measurer = (*Command)(nil)

// maxDeaths is how often in a row a driver may die before it is given up.
const maxDeaths = 4

// OpenCommand starts the driver that the command line names, whose arguments may be quoted as in a shell, and asks what it is.
func OpenCommand(line string, o Options) (*Command, error) {
	args, err := words.Split(line)
	if err != nil {
		return nil, fmt.Errorf("driver %q: %w", line, err)
	}
	return Open(args, o)
}

// Open starts the driver args[0] with the arguments that follow, and asks what it is.
func Open(args []string, o Options) (*Command, error) {
	if o.Patience <= 0 {
		o.Patience = time.Minute
	}
	if o.Overtime <= 0 {
		o.Overtime = o.Patience
	}
	c := &Command{args: args, options: o}
	var err error
	if c.dir, err = os.MkdirTemp("", "autotailor-probe-"); err != nil {
		return nil, err
	}
	if err := c.start(context.Background()); err != nil {
		return nil, errors.Join(fmt.Errorf("driver %q: %w", strings.Join(args, " "), err), os.RemoveAll(c.dir))
	}
	return c, nil
}

// start starts the program and says hello.
func (c *Command) start(ctx context.Context) error {
	p, err := startProcess(c.args)
	if err != nil {
		return err
	}
	h := hello{"hello", protocol, formatNames(), c.options.Threads}
	line, err := p.ask(ctx, h, c.options.Patience)
	var who identity
	if err == nil {
		who, err = identify(line, h)
	}
	if err == nil && c.who.Device != "" && who != c.who {
		err = fmt.Errorf("the driver was %+v and is now %+v: a table is of one device", c.who, who)
	}
	if err != nil {
		return fmt.Errorf("%w%s", err, p.stop(killing(err)))
	}
	c.process, c.who = p, who
	return nil
}

// killing tells whether a process that caused err will not end by itself.
func killing(err error) bool {
	var late *timeoutError
	return errors.As(err, &late) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Info describes the device as the driver does.
func (c *Command) Info() engine.Info {
	w := c.who
	return engine.Info{
		Name: w.Runtime, Version: w.RuntimeVersion, Device: w.Device, Threads: w.Threads, Precision: w.Precision, Rules: w.Rules,
		Cores: w.Cores, Governor: w.Governor, Options: w.Options,
	}
}

// Measure asks the driver for each job in turn.
func (c *Command) Measure(ctx context.Context, jobs []engine.Job, done func(int, engine.Measurement)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, j := range jobs {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := c.measure(ctx, j)
		if err != nil {
			return err
		}
		done(i, m)
	}
	return nil
}

// measure asks for one job, and for several copies of it at once where one is too fast for the device's clock.
func (c *Command) measure(ctx context.Context, j engine.Job) (engine.Measurement, error) {
	m, err := c.measureCopies(ctx, j, 1)
	step := formatOf(c.who.Format).step
	if err != nil || m.Failed != "" || step == 0 {
		return m, err
	}
	const steps, most = 100, 64 // a clock's step is then 1 % of what is measured
	n := min(most, int((steps*step-1)/slices.Min(m.Times))+1)
	if n <= 1 {
		return m, nil
	}
	m, err = c.measureCopies(ctx, j, n)
	for i := range m.Times {
		m.Times[i] = max(1, m.Times[i]/time.Duration(n))
	}
	m.Energy /= float64(n)
	return m, err
}

// measureCopies asks for one probe, a second time when the driver dies of it.
func (c *Command) measureCopies(ctx context.Context, j engine.Job, copies int) (engine.Measurement, error) {
	r, err := c.request(j, copies)
	if err != nil {
		return engine.Measurement{Failed: err.Error()}, nil
	}
	defer os.Remove(r.Model)
	for try := 1; ; try++ {
		m, err := c.ask(ctx, r, j.Limit)
		if err == nil {
			c.deaths = 0
			return m, nil
		}
		if ctx.Err() != nil {
			return m, ctx.Err()
		}
		if c.deaths++; c.deaths >= maxDeaths {
			return m, fmt.Errorf("the driver died %d times in a row: %w", c.deaths, err)
		}
		var late *timeoutError
		if try > 1 || errors.As(err, &late) {
			return engine.Measurement{Failed: err.Error()}, nil
		}
	}
}

// ask sends r to the driver, which is started where there is none, and is none after an error.
func (c *Command) ask(ctx context.Context, r request, limit time.Duration) (engine.Measurement, error) {
	if c.process == nil {
		if err := c.start(ctx); err != nil {
			return engine.Measurement{}, err
		}
	}
	line, err := c.process.ask(ctx, r, limit+c.options.Overtime)
	var m engine.Measurement
	if err == nil {
		m, err = measurement(line, r)
	}
	if err != nil {
		err = fmt.Errorf("%w%s", err, c.process.stop(killing(err)))
		c.process = nil
	}
	return m, err
}

// request writes a job's model into a file.
func (c *Command) request(j engine.Job, copies int) (request, error) {
	f := formatOf(c.who.Format)
	var model bytes.Buffer
	if err := f.write(&model, j, copies); err != nil {
		return request{}, err
	}
	sum := sha256.Sum256(model.Bytes())
	id := hex.EncodeToString(sum[:16])
	path := filepath.Join(c.dir, id+f.ext)
	if err := os.WriteFile(path, model.Bytes(), 0o600); err != nil {
		return request{}, err
	}
	return request{"measure", id, path, j.Warmup, j.Runs, j.Limit.Milliseconds(), f.inputs(j.Graph)}, nil
}

// Close ends the driver.
func (c *Command) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process != nil {
		c.process.stop(false)
		c.process = nil
	}
	return os.RemoveAll(c.dir)
}
