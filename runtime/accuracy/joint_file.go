package accuracy

import (
	"fmt"
	"strconv"
	"strings"

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
	header := fields.Header.fields()
	header[0].Want = "autotailor joint accuracies 1"
	file, lines, err := rowfile.OpenJournal(path, rowfile.AppendHeader(nil, header), "date", "model")
	if err != nil {
		return nil, err
	}
	j := &JointJournal{file: file, net: net, seen: map[string]int{}}
	var errs rowfile.Errors
	for _, line := range lines {
		text, number, _ := strings.Cut(line.Text, " ")
		g, err := space.Parse(net.Choices, text)
		n, err2 := strconv.Atoi(number)
		switch {
		case err != nil:
			errs.Add(line.Number, "%w", err)
		case err2 != nil || n < 0 || n > h.Images:
			errs.Add(line.Number, "%s: %q correct, want a number from 0 to %d", text, number, h.Images)
		default:
			j.keep(g, n)
		}
	}
	if err := errs.Join(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return j, nil
}

func (j *JointJournal) keep(g space.Genes, correct int) {
	text := space.Format(j.net.Choices, g)
	if _, ok := j.seen[text]; !ok {
		j.list = append(j.list, Joint{g, correct})
	}
	j.seen[text] = correct
}

// List returns all measurements.
func (j *JointJournal) List() []Joint { return j.list }

// Correct returns how many images a SubNet classified correctly, if it was measured.
func (j *JointJournal) Correct(g space.Genes) (int, bool) {
	n, ok := j.seen[space.Format(j.net.Choices, g)]
	return n, ok
}

// Add stores a measurement.
func (j *JointJournal) Add(g space.Genes, correct int) error {
	j.keep(g, correct)
	return j.file.Append(fmt.Sprintf("%s %d", space.Format(j.net.Choices, g), correct))
}

// Close closes the file.
func (j *JointJournal) Close() error { return j.file.Close() }
