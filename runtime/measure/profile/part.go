package profile

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/autotailor/autotailor/internal/rowfile"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// part is the file of a measurement by covering SubNets that is not complete. Its first line is the plan: "contexts reference", then one line
// for each SubNet that was measured: its text and what each of its places took, as "operator:runs:minimum:median:spread" with
// ":minimum:median:spread" of layout changes behind it where there are some, and 0 for all where nothing ran.
type part struct {
	path     string
	file     *rowfile.Journal
	contexts int
	done     []string // SubNets
}

// openPart starts a measurement, or takes up one that was begun: c then has its clock and what was seen already.
func openPart(ctx context.Context, path string, h lut.Header, ids []supernet.ID, c *covering) (*part, error) {
	reference := h.Reference
	h.Calibration, h.Kernels, h.Reference, h.Date = lut.Calibration{}, "", "", ""
	file, lines, err := rowfile.OpenJournal(path, h.Text(), "date")
	if err != nil {
		return nil, err
	}
	p := &part{path: path, file: file}
	if len(lines) > 0 {
		err = p.resume(lines, c)
	} else {
		err = p.plan(ctx, reference, ids, c)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return p, nil
}

// plan decides on what a measurement depends and writes it down.
func (p *part) plan(ctx context.Context, reference string, ids []supernet.ID, c *covering) (err error) {
	if c.clock, err = NewClock(c.net, c.engine, c.o.Weights, reference); err != nil {
		return err
	}
	if p.contexts, _, err = c.plan(ctx, ids); err != nil {
		return err
	}
	return p.file.Append(fmt.Sprintf("%d %s", p.contexts, c.clock.Header()))
}

func (p *part) resume(lines []rowfile.Line, c *covering) error {
	contexts, reference, _ := strings.Cut(lines[0].Text, " ")
	n, err := strconv.Atoi(contexts)
	if err != nil || n < 1 {
		return fmt.Errorf("line %d: want a number of networks for each operator and the reference", lines[0].Number)
	}
	if p.contexts = n; c.o.Contexts > 0 && c.o.Contexts != n {
		return fmt.Errorf("it was begun with %d networks for each operator, not %d: remove it, or go on with %d", n, c.o.Contexts, n)
	}
	if c.clock, err = NewClock(c.net, c.engine, c.o.Weights, reference); err != nil {
		return err
	}
	for _, line := range lines[1:] {
		fields := strings.Fields(line.Text)
		p.done = append(p.done, fields[0])
		var seen []sighting
		for _, f := range fields[1:] {
			s, err := parseSighting(f, len(c.net.Ops))
			if err != nil {
				return fmt.Errorf("line %d: %w", line.Number, err)
			}
			seen = append(seen, s)
		}
		c.seen = append(c.seen, seen)
	}
	return nil
}

func (p *part) add(text string, seen []sighting) error {
	var b strings.Builder
	b.WriteString(text)
	for _, s := range seen {
		b.WriteByte(' ')
		b.WriteString(s.String())
	}
	return p.file.Append(b.String())
}

func (s sighting) String() string {
	r := s.row
	text := fmt.Sprintf("%d:%d:%d:%d:%d", s.id, r.N, r.Min, r.Median, r.Spread)
	if l := r.Layout; l.N > 0 {
		text += fmt.Sprintf(":%d:%d:%d", l.Min, l.Median, l.Spread)
	}
	return text
}

func parseSighting(text string, ops int) (sighting, error) {
	fields := strings.Split(text, ":")
	var v [8]int64
	for i, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil || n < 0 || i >= len(v) {
			return sighting{}, fmt.Errorf("bad measurement %q", text)
		}
		v[i] = n
	}
	if len(fields) != 5 && len(fields) != 8 || v[0] >= int64(ops) || v[1] < 1 {
		return sighting{}, fmt.Errorf("bad measurement %q", text)
	}
	r := lut.Row{N: int(v[1]), Min: time.Duration(v[2]), Median: time.Duration(v[3]), Spread: time.Duration(v[4])}
	r.Elided = r.Median == 0
	if len(fields) == 8 {
		r.Layout = lut.Layout{N: r.N, Min: time.Duration(v[5]), Median: time.Duration(v[6]), Spread: time.Duration(v[7])}
	}
	return sighting{supernet.ID(v[0]), r}, nil
}
