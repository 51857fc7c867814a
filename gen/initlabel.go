package gen

import (
	"math"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// leftover looks for the targets of rows where no field has one of their usual names: the only field that no input takes, or, where an input takes all that
// are left and that is too much, the only one without which rows fit. Its values must fit an output. "" is for none, and for several.
func (p Proposal) leftover(inputs, outputs []nn.Info) string {
	t, err := data.OpenTable(p.Data, "train", inputs, data.Columns{}.Skipping(p.Skip))
	if err != nil || t.Label() != "none" || t.Header() == "no" { // columns without names are tried by withLabel
		return ""
	}
	const many = 4096 // fields, each of which is tried
	names := t.Unused()
	if len(names) == 0 && len(t.Fields()) <= many && !fitting(t, inputs) {
		names = t.Fields()
	}
	var found []string
	for _, name := range names {
		labelled, err := data.OpenTable(p.Data, "train", inputs, data.Columns{Label: name}.Skipping(p.Skip))
		if err == nil && fitting(labelled, inputs) {
			found = append(found, name)
		}
	}
	if len(found) > 1 && len(names) == len(t.Fields()) { // any column less would do: the one that does not belong to the others, as price beside x0, x1 and x2
		found = slices.DeleteFunc(found, func(name string) bool {
			return slices.ContainsFunc(names, func(other string) bool { return other != name && stem(other) == stem(name) })
		})
	}
	if len(found) != 1 {
		return ""
	}
	labelled, err := data.OpenTable(p.Data, "train", inputs, data.Columns{Label: found[0]}.Skipping(p.Skip))
	if err != nil || !judged(labelled.Survey(inputs), outputs, found[0]) {
		return ""
	}
	return found[0]
}

// stem is a name without the number at its end.
func stem(name string) string { return strings.TrimRight(name, "0123456789._[]") }

// fitting tells whether the first rows fit the inputs.
func fitting(t *data.Table, inputs []nn.Info) bool {
	const few = 8
	for i := range min(few, t.Len()) {
		if _, err := t.Inputs(inputs, []int{i}); err != nil {
			return false
		}
		if _, err := t.Targets([]int{i}); err != nil {
			return false
		}
	}
	return true
}

// judged tells whether the first output can be judged by targets: they are classes that it scores, or as many numbers as it has.
func judged(s data.Survey, outputs []nn.Info, label string) bool {
	if s.Target == 0 || s.Broken == s.Rows || len(outputs) == 0 || len(outputs[0].Shape) == 0 {
		return false
	}
	scores := outputs[0].Shape
	switch taskFor(s, outputs, label) {
	case "", "token classification", "segmentation":
		classes := scored(scores, s.Shape)
		return s.Targets.Most < math.Max(float64(classes), 2) && s.Targets.Least >= -1
	}
	return nn.Shape(s.Shape).Count() == scores[1:].Count()
}
