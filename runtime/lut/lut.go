// Package lut reads and writes latency tables: what each distinct operator of a generated package costs on
// a device. The file is text, one operator a line with its key, so that differences between two measurements
// can be reviewed, and a table can move to a package whose operators changed.
package lut

import (
	"fmt"
	"strings"

	"github.com/autotailor/autotailor/internal/rowfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Table holds measurements of a package's operators.
type Table struct {
	Header Header
	Rows   []Row // by supernet.ID, when the table belongs to a net
}

// Header tells what was measured, where and how.
type Header struct {
	Package   string
	Digest    string // of the operator table
	Device    string
	Engine    string
	Version   string // of the engine
	Threads   int
	Precision string
	Cores     string // of the device that networks ran on, "" for unknown
	Governor  string // of the device's clocks, "" for unknown
	Options   string // of the engine, "" for none
	Rules     string // fusion rules that describe the engine's kernels
	Method    string // Isolated or Covering
	Protocol  string // how it was measured
	Reference string // the SubNet that was measured in between, and its nanoseconds: all times are as if it had taken that long
	Kernels   string // operator sequences that the engine was seen to run as one kernel, as fusion rules, separated by semicolons
	Tool      string // version
	Date      string

	Calibration Calibration
}

// The methods of measuring: each operator alone, or inside whole SubNets that together have all operators.
const (
	Isolated = "isolated"
	Covering = "covering"
)

// HeaderOf returns the header of tables for net; the caller fills in device and engine.
func HeaderOf(net *supernet.Net) Header {
	return Header{Package: net.Package, Digest: net.Digest, Rules: supernet.Unfused}
}

// New returns a table for net without measurements.
func New(net *supernet.Net, h Header) *Table {
	h.Package, h.Digest = net.Package, net.Digest
	t := &Table{h, make([]Row, len(net.Ops))}
	for id, op := range net.Ops {
		t.Rows[id].Key = op.Key()
	}
	return t
}

// fields ties the header's keys to h, in the order of the file.
func (h *Header) fields() []rowfile.Field {
	text := h.Calibration.String()
	return h.with(format, &text)
}

// format is the first line of files, and version1 that of files of version 1.
const (
	format   = "autotailor latencies 6"
	version1 = "autotailor latencies 5"
)

// read takes a file's header.
func (h *Header) read(f rowfile.File, want string, errs *rowfile.Errors) {
	var text string
	f.Read(h.with(want, &text), errs)
	var err error
	if h.Calibration, err = parseCalibration(text); err != nil {
		errs.Add(0, "%w", err)
	}
}

// anew is what to do about a table that cannot be read.
const anew = "another version of autotailor wrote the table; run profile again, to another file"

// with is fields with the calibration's text.
func (h *Header) with(format string, calibration *string) []rowfile.Field {
	return []rowfile.Field{
		{Key: "format", Want: format, Version1: version1, Remedy: anew},
		{Key: "package", Text: &h.Package},
		{Key: "digest", Text: &h.Digest},
		{Key: "device", Text: &h.Device},
		{Key: "engine", Text: &h.Engine},
		{Key: "version", Text: &h.Version},
		{Key: "threads", Int: &h.Threads},
		{Key: "precision", Text: &h.Precision},
		{Key: "cores", Text: &h.Cores, Optional: true},
		{Key: "governor", Text: &h.Governor, Optional: true},
		{Key: "options", Text: &h.Options, Optional: true},
		{Key: "rules", Text: &h.Rules},
		{Key: "method", Text: &h.Method, Optional: true},
		{Key: "protocol", Text: &h.Protocol, Optional: true},
		{Key: "reference", Text: &h.Reference, Optional: true},
		{Key: "kernels", Text: &h.Kernels, Optional: true},
		{Key: "calibration", Text: calibration, Optional: true},
		{Key: "tool", Text: &h.Tool, Optional: true},
		{Key: "date", Text: &h.Date, Optional: true},
		{Key: "units", Want: "ns nJ", Remedy: anew},
	}
}

// Text is the header as it stands in files.
func (h Header) Text() []byte { return rowfile.AppendHeader(nil, h.fields()) }

// MismatchError says that a table belongs to another package or another version of it.
type MismatchError struct {
	Reason    string // "package" or "digest"
	Have, Net string // of the table and of the net
}

// Error names both and the remedy.
func (e *MismatchError) Error() string {
	remedy := "migrate the table and measure what is missing, or measure anew"
	if e.Reason == "package" {
		remedy = "use the table that was measured for this package"
	}
	return fmt.Sprintf("latency table is of another %s: it has %s, this is %s; %s", e.Reason, e.Have, e.Net, remedy)
}

// Match returns a *MismatchError unless t belongs to net.
func (t *Table) Match(net *supernet.Net) error {
	if h := t.Header; h.Package != net.Package {
		return &MismatchError{"package", h.Package, net.Package}
	} else if h.Digest != net.Digest {
		return &MismatchError{"digest", h.Digest, net.Digest}
	}
	return nil
}

// MissingError lists operators that a table must have for a sum, but has not.
type MissingError struct {
	IDs    []supernet.ID
	Keys   []string
	Failed []string // why, "" when never measured
}

// Error names the first ones.
func (e *MissingError) Error() string {
	const most = 5
	var s strings.Builder
	fmt.Fprintf(&s, "latency table lacks %d operators, profile again to measure them", len(e.Keys))
	for i, k := range e.Keys {
		if i == most {
			fmt.Fprintf(&s, "\n\tand %d more", len(e.Keys)-most)
			break
		}
		fmt.Fprintf(&s, "\n\t%s", k)
		if e.Failed[i] != "" {
			fmt.Fprintf(&s, " (failed: %s)", e.Failed[i])
		}
	}
	return s.String()
}

// Missing returns the operators that net needs under the header's rules and t has no measurement of.
func (t *Table) Missing(net *supernet.Net) ([]supernet.ID, error) {
	if err := t.Match(net); err != nil {
		return nil, err
	}
	sites, err := net.Sites(t.Header.Rules)
	if err != nil {
		return nil, err
	}
	needed := make([]bool, len(net.Ops))
	for _, s := range sites {
		for _, id := range s.Ops {
			needed[id] = true
		}
	}
	var ids []supernet.ID
	for id, r := range t.Rows {
		if needed[id] && !r.Measured() {
			ids = append(ids, supernet.ID(id))
		}
	}
	return ids, nil
}

// Sum returns the latency in nanoseconds as a function of genes: the sum of the medians of what runs under
// the header's rules, layout changes included, under its calibration. It returns a *MissingError rather than counting an operator as free.
func (t *Table) Sum(net *supernet.Net) (*space.Sum, error) {
	ids, err := t.Missing(net)
	if err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		e := &MissingError{IDs: ids}
		for _, id := range ids {
			e.Keys = append(e.Keys, t.Rows[id].Key)
			e.Failed = append(e.Failed, t.Rows[id].Failed)
		}
		return nil, e
	}
	return t.sum(net, 1)
}

// Migrate returns the measurements of old, which may be of another package or digest, for net. It matches
// operators by key; missing are those of net that old has no measurement of.
func Migrate(old *Table, net *supernet.Net) (t *Table, missing []supernet.ID) {
	byKey := make(map[string]Row, len(old.Rows))
	for _, r := range old.Rows {
		if r.Measured() {
			byKey[r.Key] = r
		}
	}
	t = New(net, old.Header)
	for id, r := range t.Rows {
		if found, ok := byKey[r.Key]; ok {
			t.Rows[id] = found
		} else {
			missing = append(missing, supernet.ID(id))
		}
	}
	return t, missing
}
