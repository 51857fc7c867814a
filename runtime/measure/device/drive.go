package device

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/autotailor/autotailor/internal/cpu"
	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/measure/graphfile"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Drive is a driver for an engine of this process: it answers what Command asks, until in ends. It is what makes a process
// of its own for networks that come from elsewhere. It tells energies where there is a meter; m may be nil.
func Drive(in io.Reader, out io.Writer, e engine.Engine, m *Meter) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var kind struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(lines.Bytes(), &kind); err != nil {
			return fmt.Errorf("the request is not JSON: %w", err)
		}
		var answer any
		switch kind.Type {
		case "hello":
			answer = greet(lines.Bytes(), e)
		case "measure":
			answer = serve(lines.Bytes(), e, m)
		default:
			return fmt.Errorf("a request of unknown type %.40q", kind.Type)
		}
		if err := json.NewEncoder(out).Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func greet(line []byte, e engine.Engine) identity {
	i := e.Info()
	who := identity{
		Type: "hello", Version: protocol, Device: cmp.Or(i.Device, "unknown"), Runtime: i.Name, RuntimeVersion: i.Version,
		Format: "graph", Rules: i.Rules, Threads: i.Threads, Precision: i.Precision,
		Cores: cmp.Or(i.Cores, cpu.Cores()), Governor: cmp.Or(i.Governor, cpu.Governor()), Options: i.Options,
	}
	var h hello
	if err := json.Unmarshal(line, &h); err != nil {
		who.Message = err.Error()
	} else if !slices.Contains(h.Formats, who.Format) {
		who.Message = errNoFormat.Error()
	}
	return who
}

// serve measures one network. What goes wrong is an error of this network.
func serve(line []byte, e engine.Engine, m *Meter) (r result) {
	var q request
	defer func() {
		if p := recover(); p != nil { // a shape that the engine did not expect
			r = result{Type: "result", ID: q.ID, Error: fmt.Sprintf("the engine failed: %v", p)}
		}
	}()
	if err := json.Unmarshal(line, &q); err != nil {
		return result{Type: "result", Error: err.Error()}
	}
	times, energy, err := run(q, e, m)
	if err != nil {
		return result{Type: "result", ID: q.ID, Error: err.Error()}
	}
	return result{Type: "result", ID: q.ID, Times: times, Energy: energy}
}

// run measures the network of a request. The energy is in millijoules, 0 without a meter.
func run(q request, e engine.Engine, m *Meter) (times []int64, energy float64, err error) {
	text, err := infile.Read(q.Model, infile.Table)
	if err != nil {
		return nil, 0, err
	}
	g, w, err := graphfile.Read(text)
	if err != nil {
		return nil, 0, err
	}
	s, err := e.Compile(g, w)
	if err != nil {
		return nil, 0, err
	}
	in := nn.Feed{Weights: w}.Inputs(g)
	if times, err = clock(s, in, q); err == nil && m != nil {
		energy, err = m.each(func() error {
			_, err := s.Run(in...)
			return err
		})
	}
	return times, energy, errors.Join(err, s.Close())
}

// resolution is the least duration that is timed.
const resolution = 20 * time.Microsecond

// clock times single runs, or several together of a network that is faster than the resolution.
func clock(s engine.Session, in []nn.Tensor, q request) ([]int64, error) {
	end := time.Now().Add(time.Duration(q.LimitMS) * time.Millisecond)
	repeat := 1
	sample := func() (time.Duration, error) {
		start := time.Now()
		for range repeat {
			if _, err := s.Run(in...); err != nil {
				return 0, err
			}
		}
		return time.Since(start) / time.Duration(repeat), nil
	}
	fastest := resolution
	for k := 0; k == 0 || k < q.Warmup && time.Now().Before(end); k++ {
		d, err := sample()
		if err != nil {
			return nil, err
		}
		fastest = min(fastest, d)
	}
	repeat = 1 + int((resolution-fastest)/max(fastest, 200))
	var times []int64
	for k := 0; k == 0 || k < q.Runs && time.Now().Before(end); k++ {
		d, err := sample()
		if err != nil {
			return nil, err
		}
		times = append(times, max(1, d.Nanoseconds()))
	}
	return times, nil
}
