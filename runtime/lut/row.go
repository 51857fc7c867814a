package lut

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/autotailor/autotailor/runtime/supernet"
)

// Row is one operator's measurement. The zero Row, but for Key, was not measured.
type Row struct {
	Key    string        // the operator's, see supernet.Op.Key
	N      int           // runs
	Min    time.Duration // of a run
	Median time.Duration
	Spread time.Duration // between quartiles
	Energy int64         // nanojoules of a run, 0 when the device does not tell
	Elided bool          // the runtime runs no kernel for it: another operator's does its work, or none is needed
	Layout Layout        // what the runtime does at its boundary
	Failed string        // why there is no measurement
}

// Layout are changes of how tensors lie in memory at an operator's boundary. The zero Layout is none.
type Layout struct {
	N                   int
	Min, Median, Spread time.Duration
}

// Measured reports whether r has a measurement.
func (r Row) Measured() bool { return r.N > 0 && r.Failed == "" }

// Took is the median of what the runtime runs for the operator: its own kernel, and changes of layout.
func (r Row) Took() time.Duration { return r.Median + r.Layout.Median }

// Words in the column for the number of runs, where a row has no such number.
const (
	failed = "failed" // of an operator that could not be measured
	elided = "elided" // of one that the runtime runs no kernel for
	layout = "layout" // of the changes of layout at the boundary of the operator in the line above
)

// unknown is in the column for energy where no device reported one.
const unknown = "-"

// maxDuration is the longest time that a row may have; sums of a thousand rows stay far from overflow.
const maxDuration = int64(time.Hour)

// parseRow reads a line:
//
//	id n min median spread energy key
//	id layout n min median spread key
//	id elided n key
//	id failed "why" key
func parseRow(text string) (id supernet.ID, row Row, isLayout bool, err error) {
	first, rest, _ := strings.Cut(text, " ")
	n, err := strconv.ParseUint(first, 10, 32)
	if err != nil {
		return 0, Row{}, false, fmt.Errorf("%q is not an operator number", first)
	}
	switch word, after, _ := strings.Cut(rest, " "); word {
	case failed:
		row, err = parseFailed(after)
	case elided:
		var v []int64
		v, row.Key, err = numbers(after, "number of runs")
		row.N, row.Elided = int(v[0]), true
	case layout:
		var v []int64
		v, row.Key, err = numbers(after, "number of runs", "minimum", "median", "spread")
		row.Layout = Layout{int(v[0]), time.Duration(v[1]), time.Duration(v[2]), time.Duration(v[3])}
		isLayout = true
	default:
		var v []int64
		v, row.Key, err = numbers(rest, "number of runs", "minimum", "median", "spread", "energy")
		row.N, row.Min, row.Median, row.Spread, row.Energy = int(v[0]), time.Duration(v[1]), time.Duration(v[2]), time.Duration(v[3]), v[4]
	}
	switch {
	case err != nil:
	case row.Key == "":
		err = fmt.Errorf("no key at the end of the row")
	case row.Failed == "" && row.N == 0 && row.Layout.N == 0, row.Min > row.Median, row.Layout.Min > row.Layout.Median:
		err = fmt.Errorf("want at least one run and a minimum not above the median")
	}
	if err != nil {
		return 0, Row{}, false, fmt.Errorf("operator %d: %w", n, err)
	}
	return supernet.ID(n), row, isLayout, nil
}

// parseFailed reads a quoted reason and the key.
func parseFailed(text string) (Row, error) {
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return Row{}, fmt.Errorf("want a quoted reason after %q", failed)
	}
	reason, err := strconv.Unquote(quoted)
	key, spaced := strings.CutPrefix(text[len(quoted):], " ")
	if err != nil || reason == "" || !spaced || key == "" {
		return Row{}, fmt.Errorf("want a quoted reason and the operator's key after %q", failed)
	}
	return Row{Key: key, Failed: reason}, nil
}

// numbers reads as many numbers as there are names, and the rest of the line.
func numbers(text string, names ...string) (list []int64, rest string, err error) {
	list, rest = make([]int64, len(names)), text
	for i, name := range names {
		var first string
		first, rest, _ = strings.Cut(rest, " ")
		if name == "energy" && first == unknown {
			continue
		}
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil || n < 0 || n > maxDuration {
			return list, "", fmt.Errorf("%s is %q, want an integer from 0 to %d (an hour of nanoseconds, 3.6 kJ in nanojoules)", name, first, maxDuration)
		}
		list[i] = n
	}
	return list, rest, nil
}

// appendRow appends the lines of a row; one without measurement has none.
func appendRow(b []byte, id supernet.ID, r Row) []byte {
	switch {
	case r.Failed != "":
		return fmt.Appendf(b, "%d %s %q %s\n", id, failed, r.Failed, r.Key)
	case r.N == 0:
		return b
	case r.Elided:
		b = fmt.Appendf(b, "%d %s %d %s\n", id, elided, r.N, r.Key)
	default:
		energy := unknown
		if r.Energy > 0 {
			energy = strconv.FormatInt(r.Energy, 10)
		}
		b = fmt.Appendf(b, "%d %d %d %d %d %s %s\n", id, r.N, r.Min.Nanoseconds(), r.Median.Nanoseconds(), r.Spread.Nanoseconds(), energy, r.Key)
	}
	if l := r.Layout; l.N > 0 {
		b = fmt.Appendf(b, "%d %s %d %d %d %d %s\n", id, layout, l.N, l.Min.Nanoseconds(), l.Median.Nanoseconds(), l.Spread.Nanoseconds(), r.Key)
	}
	return b
}
