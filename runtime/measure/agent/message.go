package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/measure/graphfile"
)

// job is the body of a job.
type job struct {
	Warmup  int             `json:"warmup"`
	Runs    int             `json:"runs"`
	LimitMS int64           `json:"limit_ms"`
	Graph   json.RawMessage `json:"graph"`
}

// maxRuns bounds warm-up and runs of a job.
const maxRuns = 10_000

// encodeJob writes j as a body.
func encodeJob(j engine.Job) ([]byte, error) {
	var g bytes.Buffer
	if err := graphfile.Write(&g, j.Graph, j.Weights); err != nil {
		return nil, err
	}
	return json.Marshal(job{j.Warmup, j.Runs, j.Limit.Milliseconds(), g.Bytes()})
}

// decodeJob reads a body. Whatever the bytes are, it returns a job or an error.
func decodeJob(body []byte) (engine.Job, error) {
	var b job
	if err := strict(body, &b); err != nil {
		return engine.Job{}, fmt.Errorf("this is not a job: %w", err)
	}
	if b.Warmup < 0 || b.Warmup > maxRuns || b.Runs < 1 || b.Runs > maxRuns || b.LimitMS < 0 || b.LimitMS > int64(24*time.Hour/time.Millisecond) {
		return engine.Job{}, fmt.Errorf("a warm-up of %d, %d runs and a limit of %d ms are not possible", b.Warmup, b.Runs, b.LimitMS)
	}
	g, w, err := graphfile.Read(b.Graph)
	if err != nil {
		return engine.Job{}, err
	}
	return engine.Job{Graph: g, Weights: w, Warmup: b.Warmup, Runs: b.Runs, Limit: time.Duration(b.LimitMS) * time.Millisecond}, nil
}

// strict decodes one JSON value without unknown fields and with nothing behind it.
func strict(text []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more text after it")
	}
	return nil
}

// Description is what a server says of itself.
type Description struct {
	Device engine.Info `json:"device"`
	Limits Limits      `json:"limits"`
}

// Limits are what a server accepts. The zero Limits stand for the defaults.
type Limits struct {
	Body   int64         `json:"body_bytes"`   // of a request, 16 MiB
	Jobs   int           `json:"jobs"`         // that wait, or whose results were not acknowledged, 1024
	Memory int64         `json:"memory_bytes"` // that a network may need, 1 GiB
	Time   time.Duration `json:"time_ns"`      // of all runs of a job, a minute
	Keep   time.Duration `json:"keep_ns"`      // that a session is remembered after its client was last heard, an hour
}

func (l Limits) withDefaults() Limits {
	set := func(to *int64, def int64) {
		if *to <= 0 {
			*to = def
		}
	}
	set(&l.Body, 16<<20)
	set(&l.Memory, 1<<30)
	set((*int64)(&l.Time), int64(time.Minute))
	set((*int64)(&l.Keep), int64(time.Hour))
	if l.Jobs <= 0 {
		l.Jobs = 1024
	}
	return l
}

// event is a line of the stream of results.
type event struct {
	Type   string  `json:"type"`             // "hello" once, then "result", and "alive" in between
	Server string  `json:"server,omitempty"` // a run of the server
	Job    int     `json:"job"`
	Times  []int64 `json:"times_ns,omitempty"`
	Energy float64 `json:"energy_mj,omitempty"`
	Failed string  `json:"failed,omitempty"`
}

func resultOf(n int, m engine.Measurement) event {
	e := event{Type: "result", Job: n, Energy: m.Energy, Failed: m.Failed}
	for _, t := range m.Times {
		e.Times = append(e.Times, t.Nanoseconds())
	}
	return e
}

// parseEvent reads a line of the stream; it may be any bytes.
func parseEvent(line []byte) (event, error) {
	var e event
	if err := strict(line, &e); err != nil {
		return e, fmt.Errorf("the agent sent a line that is not an event: %w", err)
	}
	switch e.Type {
	case "alive":
		return e, nil
	case "hello":
		if e.Server == "" {
			return e, errors.New("the agent did not identify its run")
		}
		return e, nil
	case "result":
	default:
		return e, fmt.Errorf("the agent sent an event of unknown type %.40q", e.Type)
	}
	switch {
	case e.Job < 0 || e.Energy < 0:
		return e, errors.New("the agent sent a negative number")
	case (e.Failed == "") == (len(e.Times) == 0):
		return e, errors.New("the agent sent a result that has not either times or a failure")
	case e.Failed == "" && slices.Min(e.Times) <= 0:
		return e, errors.New("the agent sent a time that is not positive")
	}
	return e, nil
}

// measurement is a result as its job's caller gets it.
func (e event) measurement() engine.Measurement {
	m := engine.Measurement{Energy: e.Energy, Failed: e.Failed}
	for _, t := range e.Times {
		m.Times = append(m.Times, time.Duration(t))
	}
	return m
}

// acknowledgement is the body by which results are acknowledged.
type acknowledgement struct {
	Jobs []int `json:"jobs"`
}

// problem is the body of an answer that is an error.
type problem struct {
	Error string `json:"error"`
}
