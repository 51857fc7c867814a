package gen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// rows proposes what rows mean (arrays, CSV, JSON lines, text), and says what they are and what does not fit. It returns the images of rows that are
// images; ok is false for these, and for other images.
func (p Proposal) rows(g *ir.Graph, c *config.Config, notes config.Comments) (images *data.Set, ok bool, err error) {
	if !data.HasRows(p.Data) {
		return nil, false, nil
	}
	inputs := described(g, g.Inputs)
	outputs := described(g, g.Outputs)
	channels := 0
	if len(inputs) == 1 && len(inputs[0].Shape) == 4 {
		channels = max(0, inputs[0].Shape[1])
	}
	by := data.Settings{Size: data.Size{Channels: channels, Side: 1}, Reading: data.Reading{Skip: p.Skip}, Columns: data.Columns{Label: p.leftover(inputs, outputs)}}
	s, err := data.OpenSamples(p.Data, "train", inputs, by)
	if err != nil {
		t, err2 := data.OpenTable(p.Data, "train", inputs, data.Columns{Header: "no"}.Skipping(p.Skip)) // its first row may be taken for names
		if err2 != nil {
			return nil, true, err
		}
		s = t
	}
	label := by.Columns.Label
	if source, ok := s.(data.Source); ok {
		if c.Data.Label = label; label != "" {
			p.note(unusual(label))
			notes["data"] = append(notes["data"], unusual(label))
		}
		return source.Set, false, nil
	}
	if masked, ok := s.(data.RowImages); ok {
		t := masked.Rows.(*data.Table)
		p.table(g, c, notes, t, t.Survey(nil), label) // as images they become input, which is proposed below
		return masked.Set, false, nil
	}
	t := s.(*data.Table)
	if t.Label() == "none" && t.Header() == "no" {
		t = withLabel(p.Data, inputs, outputs, t)
	}
	t = p.next(t, inputs, outputs, c)
	p.table(g, c, notes, t, t.Survey(inputs), label)
	return nil, true, nil
}

// next makes targets of the next tokens where there are no others, and tokens in and scores for each of them out. Text whose lines would be cut, and arrays
// that are one row of tokens, are cut into windows.
func (p Proposal) next(t *data.Table, inputs, outputs []nn.Info, c *config.Config) *data.Table {
	if t.Label() != "none" || len(outputs) == 0 || len(outputs[0].Shape) != 3 {
		return t
	}
	by := data.Columns{Label: "next"}.Skipping(p.Skip)
	lines, err := data.OpenTable(p.Data, "train", inputs, by)
	if err != nil {
		return t
	}
	const many = 10 // of so many lines one is longer than the input
	if len(inputs[0].Shape) != 2 || inputs[0].Shape[1] < 2 {
		return lines
	}
	if s := lines.Survey(inputs); s.Cut*many < s.Rows && !lines.Uncut() {
		return lines
	}
	by.Window = inputs[0].Shape[1]
	windows, err := data.OpenTable(p.Data, "train", inputs, by)
	if err != nil { // of files with several fields
		return lines
	}
	c.Data.Window = by.Window
	return windows
}

// table proposes what is known of rows, and says what they are and what does not fit.
func (p Proposal) table(g *ir.Graph, c *config.Config, notes config.Comments, t *data.Table, survey data.Survey, unusualLabel string) {
	outputs := described(g, g.Outputs)
	c.Data.Label, c.Data.Header = t.Label(), t.Header()
	task := taskFor(survey, outputs, t.Label())
	if _, err := (data.TaskConfig{Name: task}).Task(); err == nil {
		c.Task = task
	}
	lines := []string{"The data are " + t.Describe() + "."}
	if unusualLabel != "" {
		lines = append(lines, unusual(unusualLabel))
	}
	if n := len(t.Skipped()); n > 0 {
		lines = append(lines, fmt.Sprintf("%d broken rows are left out (--skip), the first is %v.", n, t.Skipped()[0]))
	}
	if n := c.Data.Window; n > 0 {
		lines = append(lines, fmt.Sprintf("They are one text, cut into samples of %d tokens, as many as the input takes, wherever lines end; without data.window a line is a sample.", n))
	}
	lines = append(lines, rowsFound(survey, t)...)
	lines = append(lines, misfits(g, survey, outputs, t)...)
	for _, line := range lines {
		p.note(line)
	}
	notes["data"] = append(notes["data"], lines...)
}

// withLabel looks for the targets of a CSV file without names in its first and its last column: those that are classes of the first output, and of two
// such the one with the larger numbers, since the corners of images are black.
func withLabel(path string, inputs, outputs []nn.Info, t *data.Table) *data.Table {
	best, most := t, -1.0
	for _, name := range t.Ends() {
		other, err := data.OpenTable(path, "train", inputs, data.Columns{Header: "no", Label: name}.Skipping(len(t.Skipped())))
		if err != nil || len(outputs) == 0 {
			continue
		}
		s := other.Survey(inputs)
		if s.Broken == 0 && s.Target == nn.Int64 && s.Targets.Most > most && s.Targets.Least >= 0 && s.Targets.Most < float64(classesOf(outputs)) {
			best, most = other, s.Targets.Most
		}
	}
	return best
}

// classesOf is how many classes the outputs score, the largest number where several may.
func classesOf(outputs []nn.Info) (n int) {
	for _, out := range outputs {
		n = max(n, scored(out.Shape, nil))
	}
	return n
}

// described lists inputs or outputs: names, types, and shapes whose open axes are the batch.
func described(g *ir.Graph, values []ir.ValueID) []nn.Info {
	var out []nn.Info
	for _, id := range values {
		v := g.Values[id]
		info := nn.Info{Name: v.Name, Type: v.Type}
		for k, d := range v.Shape {
			size := d.Size
			if k > 0 {
				size = max(size, 1)
			}
			info.Shape = append(info.Shape, size)
		}
		out = append(out, info)
	}
	return out
}

// taskFor is the task that targets of this kind are probably for; "" is classification.
func taskFor(s data.Survey, outputs []nn.Info, label string) string {
	scores := nn.Shape(nil)
	if len(outputs) > 0 {
		scores = outputs[0].Shape
	}
	switch {
	case label == "none":
		return "original"
	case s.Target == 0: // no row could be read
		return ""
	case label == "next":
		return "language model"
	case len(s.Shape) == 0 && s.Target == nn.Int64 && len(scores) == 2:
		return ""
	case len(s.Shape) == 1 && s.Target == nn.Int64 && len(scores) == 3:
		return "token classification"
	case len(s.Shape) == 2 && s.Target == nn.Int64 && len(scores) == 4:
		return "segmentation"
	case len(s.Shape) == 1 && len(scores) == 2 && s.Whole && s.Targets.Most <= 1 && (s.Targets.Least >= 0 || s.Target == nn.Int64 && s.Targets.Least == -1): // -1 is not known
		return "labels"
	}
	return "regression"
}

// unusual says why a field is taken for the targets.
func unusual(label string) string {
	return fmt.Sprintf("The field %q is taken for the targets, since no input takes it and it fits the output; data = { label = \"NAME\" } says another one.", label)
}

// rowsFound tells what rows are like.
func rowsFound(s data.Survey, t *data.Table) (lines []string) {
	switch names := t.ClassNames(); {
	case t.Label() == "none":
		unused := ""
		if list := t.Unused(); len(list) > 0 {
			unused = fmt.Sprintf(" (no input takes %s)", strings.Join(list[:min(len(list), 12)], ", "))
		}
		lines = append(lines, "There are no targets: name the field that has them, data = { label = \"NAME\" }"+unused+", or judge by agreement with the original, task = \"original\".")
	case t.Label() == "next":
		lines = append(lines, "Targets are the next tokens.")
	case s.Target == 0: // no row could be read
	case len(names) > 0:
		lines = append(lines, fmt.Sprintf("Targets are the %d classes of the field %q.", len(names), t.Label()))
	case s.Unknown == s.Numbers:
		lines = append(lines, fmt.Sprintf("Targets are the field %q, numbers of the shape %v, none of which is known: all are NaN.", t.Label(), s.Shape))
	default:
		unknown := ""
		if s.Unknown > 0 {
			unknown = fmt.Sprintf("; %d of %d are NaN, which is not known", s.Unknown, s.Numbers)
		}
		lines = append(lines, fmt.Sprintf("Targets are the field %q: numbers of the shape %v from %g to %g%s.", t.Label(), s.Shape, s.Targets.Least, s.Targets.Most, unknown))
	}
	if s.Cut > 0 {
		lines = append(lines, fmt.Sprintf("%d of %d rows have more tokens than the input takes: they are cut.", s.Cut, s.Rows))
	}
	if s.Short > 0 {
		lines = append(lines, fmt.Sprintf("%d of %d rows have fewer tokens than the input takes: they are filled with token 0; data = { fill = N } takes another one.", s.Short, s.Rows))
	}
	return lines
}

// misfits tells what does not fit the model.
func misfits(g *ir.Graph, s data.Survey, outputs []nn.Info, t *data.Table) (lines []string) {
	if s.Broken > 0 {
		lines = append(lines, fmt.Sprintf("%d of %d rows do not fit the model's inputs; the first of them:", s.Broken, s.Rows))
		for _, err := range s.Faults {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				lines = append(lines, "  "+line)
			}
		}
	}
	for name, n := range vocabularies(g) {
		if span, ok := s.Tokens[name]; ok && (span.Most >= float64(n) || span.Least < 0) {
			lines = append(lines, fmt.Sprintf("Input %q has tokens from %g to %g, the model's vocabulary has %d: other tokens are none of its own.", name, span.Least, span.Most, n))
		}
	}
	if len(outputs) == 0 || s.Target != nn.Int64 || !s.Whole {
		return lines
	}
	if classes := scored(outputs[0].Shape, s.Shape); classes > 0 && s.Targets.Most >= float64(classes) {
		lines = append(lines, fmt.Sprintf("Targets go up to %g, output %q scores %d classes (from 0).", s.Targets.Most, outputs[0].Name, classes))
	} else if n := len(t.ClassNames()); n > 0 && classes > 0 && n != classes {
		lines = append(lines, fmt.Sprintf("The field %q has %d classes, output %q scores %d.", t.Label(), n, outputs[0].Name, classes))
	}
	return lines
}

// scored is how many classes scores are for where targets have a shape: scores have one axis more. It is the last one, or the second of maps. 0 is for
// other outputs.
func scored(scores nn.Shape, target []int) int {
	switch {
	case len(scores) != len(target)+2:
		return 0
	case len(scores) == 4:
		return scores[1]
	}
	return scores[len(scores)-1]
}

// views are operators that keep whole numbers as they are.
var views = []string{"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"}

// vocabularies are the rows of the tables that inputs of whole numbers are looked up in, by the names of the inputs.
func vocabularies(g *ir.Graph) map[string]int {
	made := map[ir.ValueID]*ir.Node{}
	for _, n := range g.Nodes {
		for _, out := range n.Out {
			made[out] = n
		}
	}
	list := map[string]int{}
	for _, n := range g.Nodes {
		if n.Op != "Gather" || len(n.In) < 2 || g.Values[n.In[0]].Const == nil || len(g.Values[n.In[0]].Shape) < 2 {
			continue
		}
		from := n.In[1]
		for by := made[from]; by != nil && slices.Contains(views, by.Op); by = made[from] {
			from = by.In[0]
		}
		if slices.Contains(g.Inputs, from) {
			list[g.Values[from].Name] = g.Values[n.In[0]].Shape[0].Size
		}
	}
	return list
}
