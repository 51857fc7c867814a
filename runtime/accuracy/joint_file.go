package accuracy

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/internal/rowfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// JointJournal is a file of joint measurements that grows as they are made.
type JointJournal struct {
	file *rowfile.Journal
	net  *supernet.Net
	seen map[string]int
	list []Joint
}

// OpenJoint opens the joint measurements at path, or starts them. Those that are there must have been made like the table's.
func OpenJoint(path string, net *supernet.Net, h Header) (*JointJournal, error) {
	fields := New(net, h)
	file, lines, err := rowfile.OpenJournal(path, fields.Header.appendHeader(nil, joints), "date", "model")
	if err != nil {
		return nil, err
	}
	j := &JointJournal{file: file, net: net, seen: map[string]int{}}
	if err := j.fill(lines, h.Whole()); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return j, nil
}

// ReadJoint reads the joint measurements at path without changing the file; there are none where the file is not there. Those that are there must
// have been made like the table's.
func ReadJoint(path string, net *supernet.Net, h Header) (*JointJournal, error) {
	f, err := infile.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return &JointJournal{net: net, seen: map[string]int{}}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := rowfile.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t := New(net, Header{})
	var errs rowfile.Errors
	t.Header.readHeader(file, joints, &errs)
	j := &JointJournal{net: net, seen: map[string]int{}}
	if err := errors.Join(errs.Join(), t.Match(net)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := h.alike(t.Header); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := j.fill(file.Rows, h.Whole()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return j, nil
}

// alike refuses joint measurements that were not made like the sensitivities of h.
func (h Header) alike(joint Header) error {
	for _, f := range []struct{ what, joint, table string }{
		{"with other weights", joint.weighed(), h.weighed()},
		{"on other images", joint.Data, h.Data},
		{"on more or fewer images", strconv.Itoa(joint.Images), strconv.Itoa(h.Images)},
		{"by another metric", joint.metric().Name + ", " + joint.Units, h.metric().Name + ", " + h.Units},
		{"with more or fewer images for statistics", strconv.Itoa(joint.Recalibration), strconv.Itoa(h.Recalibration)},
	} {
		if f.joint != f.table {
			return fmt.Errorf("it was counted %s (%s) than the sensitivities (%s): move it away, or count them again", f.what, f.joint, f.table)
		}
	}
	return nil
}

// weighed identifies the weights that were counted.
func (h Header) weighed() string { return fmt.Sprintf("SHA-256 %.12s...", h.Weights) }

// JointFromVersion1 reads joint measurements that version 1 wrote for net, and returns the text of the file as it is today.
func JointFromVersion1(r io.Reader, net *supernet.Net) ([]byte, error) {
	file, err := rowfile.Parse(r)
	if err != nil {
		return nil, fmt.Errorf("joint accuracies: %w", err)
	}
	var t Table
	var errs rowfile.Errors
	t.Header.readHeader(file, jointsVersion1, &errs)
	old := &JointJournal{net: net.Version1(), seen: map[string]int{}}
	if err := errors.Join(errs.Join(), t.Match(old.net), old.fill(file.Rows, t.Header.Whole())); err != nil {
		return nil, fmt.Errorf("joint accuracies: %w", err)
	}
	t.Header.Digest = supernet.SpaceDigest(net)
	b := t.Header.appendHeader(nil, joints)
	for _, m := range old.list {
		b = fmt.Appendf(b, "%s %d\n", space.Format(net.Choices, m.Genes), old.seen[space.Format(old.net.Choices, m.Genes)])
	}
	return b, nil
}

// fill takes the measurements of lines, "subnet correct".
func (j *JointJournal) fill(lines []rowfile.Line, whole int) error {
	var errs rowfile.Errors
	for _, line := range lines {
		text, number, _ := strings.Cut(line.Text, " ")
		g, err := j.net.Parse(text)
		n, err2 := strconv.Atoi(number)
		switch {
		case err != nil:
			errs.Add(line.Number, "%w", err)
		case err2 != nil || n < 0 || n > whole:
			errs.Add(line.Number, "%s: %q correct, want a number from 0 to %d", text, number, whole)
		default:
			j.keep(g, n)
		}
	}
	return errs.Join()
}

func (j *JointJournal) keep(g space.Genes, correct int) {
	text := space.Format(j.net.Choices, g)
	if _, ok := j.seen[text]; !ok {
		j.list = append(j.list, Joint{g, correct})
		j.seen[text] = correct
	}
}

// List returns all measurements.
func (j *JointJournal) List() []Joint { return j.list }

// Correct returns the count of a SubNet, if it was measured.
func (j *JointJournal) Correct(g space.Genes) (int, bool) {
	n, ok := j.seen[space.Format(j.net.Choices, g)]
	return n, ok
}

// Add stores a measurement. Of a SubNet that was measured before, it keeps the first one: the file has no SubNet twice.
func (j *JointJournal) Add(g space.Genes, correct int) error {
	if _, ok := j.Correct(g); ok {
		return nil
	}
	j.keep(g, correct)
	return j.file.Append(fmt.Sprintf("%s %d", space.Format(j.net.Choices, g), correct))
}

// Close closes the file.
func (j *JointJournal) Close() error { return j.file.Close() }
