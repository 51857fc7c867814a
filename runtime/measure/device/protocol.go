package device

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
)

// protocol is the version that both sides must speak.
const protocol = 1

// hello is the first line to a driver.
type hello struct {
	Type    string   `json:"type"`
	Version int      `json:"version"`
	Formats []string `json:"formats"`
	Threads int      `json:"threads"`
}

// request is every other line.
type request struct {
	Type    string `json:"type"`
	ID      string `json:"id"`
	Model   string `json:"model"`
	Warmup  int    `json:"warmup"`
	Runs    int    `json:"runs"`
	LimitMS int64  `json:"limit_ms"`
	Inputs  string `json:"inputs"` // shapes, such as "1x3x224x224 1x64"
}

// identity is a driver's answer to hello.
type identity struct {
	Type           string `json:"type"`
	Version        int    `json:"version"`
	Device         string `json:"device"`
	Runtime        string `json:"runtime"`
	RuntimeVersion string `json:"runtime_version"`
	Format         string `json:"format"`
	Rules          string `json:"rules"`
	Threads        int    `json:"threads"`
	Precision      string `json:"precision"`
	Cores          string `json:"cores,omitempty"`
	Governor       string `json:"governor,omitempty"`
	Options        string `json:"options,omitempty"`
	Message        string `json:"message"`
}

// result is a driver's answer to a request.
type result struct {
	Type   string  `json:"type"`
	ID     string  `json:"id"`
	Times  []int64 `json:"times_ns"`
	Energy float64 `json:"energy_mj"`
	Error  string  `json:"error"`
}

// decode reads a driver's line.
func decode(line []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	if err := d.Decode(to); err != nil {
		return fmt.Errorf("the driver wrote %q, want one JSON object a line on standard output, and everything else on standard error: %w", clip(line), err)
	}
	if d.More() {
		return fmt.Errorf("the driver wrote more than one JSON object in the line %q", clip(line))
	}
	return nil
}

// clip shortens a line for messages.
func clip(line []byte) string {
	const most = 120
	if len(line) > most {
		return string(line[:most]) + "..."
	}
	return string(line)
}

// identify checks an answer to h, and fills in what it leaves out.
func identify(line []byte, h hello) (identity, error) {
	var i identity
	if err := decode(line, &i); err != nil {
		return i, err
	}
	i.Format, i.Rules, i.Precision, i.Threads = cmp.Or(i.Format, h.Formats[0]), cmp.Or(i.Rules, "none"), cmp.Or(i.Precision, engine.Unknown), cmp.Or(i.Threads, h.Threads)
	var errs []error
	switch {
	case i.Message != "":
		return i, fmt.Errorf("the driver cannot work: %s", i.Message)
	case i.Type != "hello":
		return i, fmt.Errorf("the driver answered hello with %q, want {\"type\":\"hello\",...}", clip(line))
	case i.Version != protocol:
		return i, fmt.Errorf("the driver speaks version %d of the protocol, want %d", i.Version, protocol)
	}
	if i.Device == "" || i.Runtime == "" {
		errs = append(errs, fmt.Errorf("the driver did not say its \"device\" and \"runtime\": %q", clip(line)))
	}
	if !slices.Contains(h.Formats, i.Format) {
		errs = append(errs, fmt.Errorf("the driver wants models as %q, there are %s", i.Format, strings.Join(h.Formats, ", ")))
	}
	if i.Threads < 0 {
		errs = append(errs, fmt.Errorf("the driver says it has %d threads", i.Threads))
	}
	return i, errors.Join(errs...)
}

// measurement checks an answer to r.
func measurement(line []byte, r request) (engine.Measurement, error) {
	var a result
	if err := decode(line, &a); err != nil {
		return engine.Measurement{}, err
	}
	bad := func(what string) (engine.Measurement, error) {
		return engine.Measurement{}, fmt.Errorf("%s: %q", what, clip(line))
	}
	switch {
	case a.Type != "result":
		return bad(`the driver's answer has not "type":"result"`)
	case a.ID != r.ID:
		return bad("the driver answered another request than the one it was sent, " + r.ID)
	case a.Error != "":
		return engine.Measurement{Failed: a.Error}, nil
	case len(a.Times) == 0:
		return bad(`the driver's answer has neither "times_ns" nor "error"`)
	case len(a.Times) > r.Runs:
		return bad(fmt.Sprintf("the driver answered with %d times, %d were asked for", len(a.Times), r.Runs))
	case slices.Min(a.Times) <= 0:
		return bad("the driver's times are not positive")
	case a.Energy < 0:
		return bad("the driver's energy is negative")
	}
	m := engine.Measurement{Energy: a.Energy}
	for _, t := range a.Times {
		m.Times = append(m.Times, time.Duration(t))
	}
	return m, nil
}
