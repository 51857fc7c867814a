package data

import (
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/internal/rows"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Survey is what rows are like, for whoever decides what they are for.
type Survey struct {
	Rows    int
	Broken  int             // rows that do not fit
	Faults  []error         // of the first of these: what does not fit, and where
	Tokens  map[string]Span // of inputs with whole numbers, by name
	Cut     int             // rows with more tokens than the input takes
	Short   int             // rows with fewer
	Target  nn.DType        // 0 without targets
	Shape   []int           // of a target
	Targets Span            // of the known ones
	Numbers int             // how many targets' numbers there are
	Unknown int             // how many of these are NaN, which is not known
	Whole   bool            // all known targets are whole numbers
}

// Span is the least and the largest of some numbers; Least is above Most where there are none.
type Span struct{ Least, Most float64 }

func (s *Span) add(list []float64) {
	for _, v := range list {
		s.Least, s.Most = min(s.Least, v), max(s.Most, v)
	}
}

func empty() Span { return Span{math.Inf(1), math.Inf(-1)} }

// maxSurvey bounds the rows that are looked at.
const maxSurvey = 20_000

// Describe says what the rows are: how many there are, and their fields.
func (t *Table) Describe() string {
	return fmt.Sprintf("%d rows with the fields %s", t.file.Len(), fieldNames(t.file.Fields()))
}

// Label is the field with the targets, as Columns has it; "none" without.
func (t *Table) Label() string {
	switch {
	case t.target.next:
		return nextToken
	case t.columns.Label != "":
		return t.columns.Label
	case len(t.target.fields) == 1:
		return t.file.Fields()[t.target.fields[0]].Name
	case len(t.target.fields) > 1:
		return t.target.name
	}
	return noLabel
}

// Header says whether the first row of a CSV file names its columns, as Columns has it; "" of other files.
func (t *Table) Header() string {
	c, ok := t.file.(*rows.CSV)
	switch {
	case !ok:
		return ""
	case c.Header():
		return "yes"
	}
	return "no"
}

// Ends are the names of the first and the last field.
func (t *Table) Ends() []string {
	fields := t.file.Fields()
	return []string{fields[0].Name, fields[len(fields)-1].Name}
}

// Survey reads rows, the first ones of very many, as the inputs take them; without inputs it reads their targets only.
func (t *Table) Survey(inputs []nn.Info) Survey {
	const faults = 10
	s := Survey{Rows: min(t.Len(), maxSurvey), Tokens: map[string]Span{}, Targets: empty(), Whole: true}
	for i := range s.Rows {
		var x []nn.Tensor
		var y nn.Tensor
		var err error
		if len(inputs) > 0 {
			x, err = t.Inputs(inputs, []int{i})
		}
		if err == nil {
			y, err = t.Targets([]int{i})
		}
		if err != nil {
			if s.Broken++; len(s.Faults) < faults {
				s.Faults = append(s.Faults, err)
			}
			continue
		}
		short, cut := false, false // of any input
		for k, in := range inputs {
			if in.Type.Fractional() || t.inputs[k].beside != "" {
				continue
			}
			span, ok := s.Tokens[in.Name]
			if !ok {
				span = empty()
			}
			span.add(x[k].Numbers())
			s.Tokens[in.Name] = span
			less, more := t.length(i, t.inputs[k], in)
			short, cut = short || less, cut || more
		}
		if short {
			s.Short++
		}
		if cut {
			s.Cut++
		}
		if s.Target = y.Type; y.Type != 0 {
			s.Shape = y.Shape[1:]
			s.targets(y.Numbers())
		}
	}
	return s
}

// Uncut tells whether rows are single whole numbers: a text of tokens that nobody has cut into samples.
func (t *Table) Uncut() bool {
	f := t.file.Fields()
	return len(f) == 1 && !f[0].Text && !f[0].Type.Fractional() && len(f[0].Shape) == 0
}

// targets notes those of a row.
func (s *Survey) targets(list []float64) {
	for _, v := range list {
		if s.Numbers++; math.IsNaN(v) {
			s.Unknown++
			continue
		}
		s.Targets.add([]float64{v})
		s.Whole = s.Whole && v == math.Trunc(v)
	}
}

// length tells whether a row has fewer or more tokens than an input takes.
func (t *Table) length(i int, b binding, in nn.Info) (short, cut bool) {
	if len(in.Shape) != 2 || len(b.fields) != 1 {
		return false, false
	}
	row, err := t.file.Row(t.order[i], b.fields[0])
	if err != nil || len(row[0].Shape) != 1 {
		return false, false
	}
	n := row[0].Shape[0] - t.nexts()
	return n < in.Shape[1], n > in.Shape[1]
}

// Fields are the names of all fields.
func (t *Table) Fields() (names []string) {
	for _, f := range t.file.Fields() {
		names = append(names, f.Name)
	}
	return names
}

// Unused are the names of the fields that are neither targets nor part of an input.
func (t *Table) Unused() (names []string) {
	used := slices.Clone(t.target.fields)
	for _, b := range t.inputs {
		used = append(used, b.fields...)
	}
	for k, f := range t.file.Fields() {
		if !slices.Contains(used, k) {
			names = append(names, f.Name)
		}
	}
	return names
}
