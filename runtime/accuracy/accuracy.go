// Package accuracy predicts a SubNet's accuracy, or its quality at another task, as the original's less the losses of its choices, each
// measured alone: a probe is the original with one choice changed. All are counted on the same samples,
// so that losses are whole numbers: of images that are classified correctly, or of 20,000ths of the mean quality.
package accuracy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/quality"
	"github.com/autotailor/autotailor/internal/rowfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Table holds counts: of correctly classified images, or what Header.Units says.
type Table struct {
	Header  Header
	Base    int     // the original's; Unknown when not measured
	Correct [][]int // by gene and candidate; Unknown when not measured, and for the original's candidates
}

// Unknown stands for what was not measured.
const Unknown = -1

// Header tells what was measured and how.
type Header struct {
	Package       string
	Digest        string // of the choices, see supernet.SpaceDigest
	Source        string // SHA-256 of the model
	Model         string // file whose weights were counted, its base name unless it lies below the working folder; "" where an older release did not say
	Weights       string // SHA-256 of that file, such as a tuned model; "" where that is not known
	Images        int    // that were classified, or samples of another kind
	Split         string // that they are of: "train" or "test"; "" where an older release did not say
	Data          string // digests of the data files
	Recalibration int    // images that BatchNorm statistics were recomputed from; 0 for none
	Seed          int
	Resize        string // how images become those of another resolution
	Engine        string
	Date          string
	Classes       string // names of classes by number, a JSON list; "" where they have no names

	Task   string  // what the network is for; "" for classification by the class with the highest score
	Metric Metric  // of that task; the zero Metric is Accuracy
	Worst  float64 // value of a metric whose lower values are better at quality 0: at quality q it is (1-q)*Worst
	Units  string  // of counts: CorrectImages or PartsOfQuality; "" is the first
}

// ClassNames lists the names of classes.
func (h Header) ClassNames() []string {
	var names []string
	if json.Unmarshal([]byte(h.Classes), &names) != nil {
		return nil
	}
	return names
}

// The units of counts.
const (
	CorrectImages  = "images classified correctly"
	PartsOfQuality = "1/20000 of quality" // of the mean quality of samples, each of which is from 0 to 1
)

// Whole is the count of a network that does all samples as well as can be.
func (h Header) Whole() int {
	if h.Units == PartsOfQuality {
		return quality.Parts
	}
	return h.Images
}

// Value returns the metric's value of a quality from 0 to 1.
func (h Header) Value(q float64) float64 {
	if h.Metric.LowerIsBetter {
		return (1 - q) * h.Worst
	}
	return q
}

// metric is that of h, where it is not said that of classification.
func (h Header) metric() Metric {
	if h.Metric.Name == "" {
		return Metric{Name: "accuracy", Unit: "share of images"}
	}
	return h.Metric
}

// New returns a table for net without measurements.
func New(net *supernet.Net, h Header) *Table {
	h.Package, h.Digest, h.Source, h.Units = net.Package, supernet.SpaceDigest(net), net.Source.SHA256, cmp.Or(h.Units, CorrectImages)
	t := &Table{Header: h, Base: Unknown, Correct: make([][]int, len(net.Choices))}
	for i, c := range net.Choices {
		t.Correct[i] = make([]int, len(c.Values))
		for v := range t.Correct[i] {
			t.Correct[i][v] = Unknown
		}
	}
	return t
}

// format is the first line of a file.
type format string

// The formats of tables and of joint accuracies, today's and those of version 1.
const (
	tables         format = "autotailor sensitivities 2"
	tablesVersion1 format = "autotailor sensitivities 1"
	joints         format = "autotailor joint accuracies 2"
	jointsVersion1 format = "autotailor joint accuracies 1"
)

// version1 is what version 1 wrote instead of f.
func (f format) version1() string {
	return string(map[format]format{tables: tablesVersion1, joints: jointsVersion1}[f])
}

// anew is what to do about a table that cannot be read.
const anew = "another version of autotailor wrote the table; run sensitivity again, to another file"

// directions are how a file says which values of a metric are better.
const (
	higher = "higher"
	lower  = "lower"
)

// texts are what a file says of a header's task.
type texts struct{ better, worst string }

// fields ties the header's keys to h, in the order of the file; t has those of h that are no texts.
func (h *Header) fields(f format, t *texts) []rowfile.Field {
	return []rowfile.Field{
		{Key: "format", Want: string(f), Version1: f.version1(), Remedy: anew},
		{Key: "package", Text: &h.Package},
		{Key: "digest", Text: &h.Digest},
		{Key: "source", Text: &h.Source},
		{Key: "model", Text: &h.Model, Optional: true},
		{Key: "weights", Text: &h.Weights, Optional: true},
		{Key: "images", Int: &h.Images},
		{Key: "split", Text: &h.Split, Optional: true},
		{Key: "data", Text: &h.Data},
		{Key: "recalibration", Int: &h.Recalibration},
		{Key: "seed", Int: &h.Seed},
		{Key: "resize", Text: &h.Resize},
		{Key: "engine", Text: &h.Engine},
		{Key: "date", Text: &h.Date, Optional: true},
		{Key: "task", Text: &h.Task, Optional: true},
		{Key: "metric", Text: &h.Metric.Name, Optional: true},
		{Key: "unit", Text: &h.Metric.Unit, Optional: true},
		{Key: "better", Text: &t.better, Among: []string{higher, lower}, Remedy: "it says which values are better", Optional: true},
		{Key: "worst", Text: &t.worst, Optional: true},
		{Key: "classes", Text: &h.Classes, Optional: true},
		{Key: "units", Text: &h.Units, Among: []string{CorrectImages, PartsOfQuality}, Remedy: anew},
	}
}

// appendHeader appends the header of a file.
func (h *Header) appendHeader(b []byte, f format) []byte {
	var t texts
	if h.Metric.Name != "" {
		t.better = higher
	}
	if h.Metric.LowerIsBetter {
		t = texts{lower, strconv.FormatFloat(h.Worst, 'g', -1, 64)}
	}
	return rowfile.AppendHeader(b, h.fields(f, &t))
}

// readHeader reads the header of a file.
func (h *Header) readHeader(file rowfile.File, f format, errs *rowfile.Errors) {
	var t texts
	file.Read(h.fields(f, &t), errs)
	h.Metric.LowerIsBetter = t.better == lower
	var err error
	if h.Worst, err = strconv.ParseFloat(cmp.Or(t.worst, "0"), 64); err != nil || t.better == lower && !(h.Worst > 0) {
		errs.Add(0, "worst is %q, want the value above 0 that a metric whose lower values are better has at quality 0", t.worst)
	}
}

// MismatchError says that a table belongs to another package, to other choices or to another model.
type MismatchError struct {
	Reason    string // "package", "digest" or "source"
	Have, Net string // of the table and of the net
}

// Error names both and the remedy.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("sensitivities are of another %s: they have %s, this is %s; measure them for this package", e.Reason, e.Have, e.Net)
}

// Match returns a *MismatchError unless t belongs to net.
func (t *Table) Match(net *supernet.Net) error {
	for _, m := range []MismatchError{
		{"package", t.Header.Package, net.Package},
		{"digest", t.Header.Digest, supernet.SpaceDigest(net)},
		{"source", t.Header.Source, net.Source.SHA256},
	} {
		if m.Have != m.Net {
			return &m
		}
	}
	return nil
}

// MissingError lists probes, in text form, that were not measured.
type MissingError struct{ Probes []string }

// Error names the first ones.
func (e *MissingError) Error() string {
	const most = 8
	names := strings.Join(e.Probes[:min(len(e.Probes), most)], " ")
	if more := len(e.Probes) - most; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("sensitivities lack %d SubNets, measure them: %s", len(e.Probes), names)
}

// Missing returns the genes that are still to be measured: the original and the probes.
func (t *Table) Missing(net *supernet.Net) []space.Genes {
	var missing []space.Genes
	for _, g := range append([]space.Genes{make(space.Genes, len(net.Choices))}, space.Probes(net.Choices)...) {
		if *t.at(g) == Unknown {
			missing = append(missing, g)
		}
	}
	return missing
}

// at returns where the measurement of a probe, or of the original, is kept.
func (t *Table) at(probe space.Genes) *int {
	for i, v := range probe {
		if v != 0 {
			return &t.Correct[i][v]
		}
	}
	return &t.Base
}

// Penalty returns, as a function of genes, how many images more than by the original are classified wrongly.
// Choices of removed blocks do not count, see also losses.
func (t *Table) Penalty(net *supernet.Net) (*space.Sum, error) {
	if err := t.complete(net); err != nil {
		return nil, err
	}
	var ts []space.Term
	for i, c := range net.Choices {
		ts = append(ts, space.Term{Deps: []uint8{uint8(i)}, Live: c.Live, Table: t.losses(i)})
	}
	return space.NewSum(net.Cards(), 0, ts)
}

// losses returns what each candidate of a choice costs: the counted losses, made to grow. That a part does better than the whole is chance, of which
// a search would add up the most favourable.
func (t *Table) losses(i int) []int64 {
	counted := make([]float64, len(t.Correct[i]))
	for v, correct := range t.Correct[i] {
		if v > 0 {
			counted[v] = float64(t.Base - correct)
		}
	}
	return grown(counted)
}

// grown makes losses grow and rounds them to images.
func grown(losses []float64) []int64 {
	grow(losses)
	out := make([]int64, len(losses))
	for v, loss := range losses {
		out[v] = int64(math.Round(loss))
	}
	return out
}

// grow changes losses, the first of which is the original's and 0, to the nearest ones that are never less for a smaller candidate than for a larger one,
// and never negative: isotonic regression (pool adjacent violators).
func grow(losses []float64) {
	type pool struct {
		sum float64
		n   int
	}
	var pools []pool
	for _, loss := range losses[1:] {
		p := pool{loss, 1}
		for len(pools) > 0 {
			last := pools[len(pools)-1]
			if last.sum*float64(p.n) <= p.sum*float64(last.n) {
				break
			}
			p, pools = pool{last.sum + p.sum, last.n + p.n}, pools[:len(pools)-1]
		}
		pools = append(pools, p)
	}
	v := 1
	for _, p := range pools {
		for range p.n {
			losses[v] = max(0, p.sum/float64(p.n))
			v++
		}
	}
}

// complete returns an error unless t belongs to net and has all its probes.
func (t *Table) complete(net *supernet.Net) error {
	if err := t.Match(net); err != nil {
		return err
	}
	missing := t.Missing(net)
	if len(missing) == 0 {
		return nil
	}
	e := &MissingError{}
	for _, g := range missing {
		e.Probes = append(e.Probes, space.Format(net.Choices, g))
	}
	return e
}

// Value returns the predicted value of the metric of a SubNet with the given penalty.
func (t *Table) Value(penalty int64) float64 { return t.Header.Value(t.Accuracy(penalty)) }

// Accuracy returns the predicted accuracy of a SubNet with the given penalty, or its quality at another task. It is from 0 to 1, whatever the
// sensitivities add up to.
func (t *Table) Accuracy(penalty int64) float64 {
	n := int64(t.Header.Whole())
	return float64(max(0, min(int64(t.Base)-penalty, n))) / float64(n)
}

// AboveChance returns how many points of a front come before the first that is predicted to be better than guessing, and the penalty of guessing.
// Points are in the order of their costs, so that penalties fall; from is n where none is better.
func (t *Table) AboveChance(net *supernet.Net, n int, penalty func(i int) int64) (from int, guess int64, err error) {
	if guess, err = t.guessing(net); err != nil {
		return 0, 0, err
	}
	return sort.Search(n, func(i int) bool { return penalty(i) < guess }), guess, nil
}

// guessing returns the penalty of guessing one of the classes that net's outputs score: SubNets with as much or more are predicted to
// classify by chance. At classification that is the first output; at agreement with the original, all of them. Where outputs are no rows of
// scores, and at other tasks, nobody knows what guessing is worth: no penalty is so high.
func (t *Table) guessing(net *supernet.Net) (penalty int64, err error) {
	if agreement := t.Header.Task == "original" && t.Header.Metric.Name == "agreement"; t.Header.Units == PartsOfQuality && !agreement {
		return math.MaxInt64, nil
	}
	g, err := net.Record(make([]uint8, len(net.Choices)))
	if err != nil {
		return 0, err
	}
	var classes []int // of each output
	for _, v := range g.Outputs {
		s := g.Values[v].Shape
		if len(s) != 2 || s[1] < 2 {
			s = []int{0, 0}
		}
		classes = append(classes, s[1])
	}
	return t.guessed(classes), nil
}

// guessed is guessing's penalty where outputs score so many classes; 0 says that an output is no row of scores.
func (t *Table) guessed(classes []int) int64 {
	if len(classes) == 0 || classes[0] == 0 {
		return math.MaxInt64
	}
	if t.Header.Units != PartsOfQuality {
		k := 1
		if n, err := strconv.Atoi(strings.TrimPrefix(t.Header.Metric.Name, "top-")); err == nil {
			k = min(n, classes[0])
		}
		return int64(t.Base) - int64(t.Header.Images*k/classes[0])
	}
	chance := 0.0
	for _, n := range classes {
		if n == 0 {
			return math.MaxInt64
		}
		chance += 1 / float64(n) / float64(len(classes))
	}
	return int64(t.Base) - int64(chance*quality.Parts)
}
