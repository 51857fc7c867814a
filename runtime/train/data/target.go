package data

import (
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/internal/rows"
	"github.com/autotailor/autotailor/runtime/nn"
)

// target is what rows say that outputs should be.
type target struct {
	fields  []int
	name    string   // as the user or usualLabels has it
	next    bool     // each token's target is the one after it
	tokens  int      // of the input that targets stand beside, where rows have as many as they like
	whole   bool     // classes, masks or tokens: int64
	names   []string // of classes that are texts, by number
	classes []int32  // of all rows of the file, where each has one class
}

// maxNames bounds the classes that have names.
const maxNames = 1 << 20

// newTarget finds the field of targets.
func newTarget(fields []rows.Field, inputs []nn.Info, o Columns) (target, error) {
	t := target{}
	var tokens *nn.Info
	for k, in := range inputs {
		if len(in.Shape) == 2 && (in.Type == nn.Int64 || in.Type == nn.Int32) && tokens == nil {
			tokens, t.tokens = &inputs[k], in.Shape[1]
		}
	}
	switch o.Label {
	case noLabel:
		return t, nil
	case nextToken:
		if tokens == nil {
			return t, fmt.Errorf("data.label is %q, but no input takes tokens: int64 or int32 of the shape [batch, tokens]", nextToken)
		}
		t.next, t.whole, t.fields = true, true, named(fields, tokens.Name)
		if len(t.fields) == 0 {
			t.fields = rest(fields, *tokens, nil, nil)
		}
		if len(t.fields) != 1 {
			return t, fmt.Errorf("data.label is %q, and the tokens of input %q are none of its fields, or several: %s", nextToken, tokens.Name, fieldNames(fields))
		}
		return t, nil
	case "":
		for _, name := range usualLabels {
			if t.fields, t.name = named(fields, name), name; len(t.fields) > 0 {
				break
			}
		}
	default:
		if t.fields = named(fields, o.Label); len(t.fields) == 0 {
			return t, fmt.Errorf("there is no field %q (data.label): it has %s", o.Label, fieldNames(fields))
		}
	}
	t.whole = len(t.fields) > 0
	for _, f := range t.fields {
		t.whole = t.whole && !fields[f].Type.Fractional()
		if fields[f].Text && len(t.fields) > 1 {
			return t, fmt.Errorf("the targets are texts in several fields, such as %q: want one", fields[f].Name)
		}
	}
	return t, nil
}

// alone are the fields that no input has.
func (t *target) alone() []int {
	if t.next {
		return nil
	}
	return t.fields
}

// number reads the class of each row where rows have one, and numbers classes that are texts: in the order of their names, or as known has them.
func (t *target) number(f rows.File, known func() []string) error {
	if len(t.fields) != 1 || t.next {
		return nil
	}
	field := f.Fields()[t.fields[0]]
	if !t.whole || !field.Text && len(field.Shape) > 0 && !slices.Equal(field.Shape, []int{1}) {
		return nil
	}
	t.classes = make([]int32, f.Len())
	var names []string // in the order in which they are met
	met := map[string]int{}
	for i := range t.classes {
		v, err := f.Row(i, t.fields...)
		if err != nil {
			return err
		}
		if field.Text {
			k, ok := met[string(v[0].Raw)]
			if !ok {
				if k = len(names); k == maxNames {
					return fmt.Errorf("%s: its targets are more than %d different texts", f.Where(i), maxNames)
				}
				names, met[string(v[0].Raw)] = append(names, string(v[0].Raw)), k
			}
			t.classes[i] = int32(k)
			continue
		}
		y := valueNumbers(v[0])[0]
		if math.Abs(y) > math.MaxInt32 {
			t.classes = nil
			return nil
		}
		t.classes[i] = int32(y)
	}
	if field.Text {
		return t.rename(f, names, known())
	}
	return nil
}

// values tells whether whole numbers are values, such as prices, and not classes: whether rows with the same number are fewer than five in the mean. A
// split by classes would give the test split no fifth of them.
func values(numbers []int32) bool {
	met := map[int32]bool{}
	for _, y := range numbers {
		met[y] = true
	}
	return 5*len(met) > len(numbers)
}

// rename numbers classes that have the numbers in which their names were met.
func (t *target) rename(f rows.File, names, known []string) error {
	if t.names = known; known == nil {
		t.names = slices.Sorted(slices.Values(names))
	}
	numbers := make([]int32, len(names))
	for k, name := range names {
		if at, ok := slices.BinarySearch(t.names, name); ok {
			numbers[k] = int32(at)
		} else {
			numbers[k] = -1
		}
	}
	for i, k := range t.classes {
		if t.classes[i] = numbers[k]; numbers[k] < 0 {
			return fmt.Errorf("%s: the training rows have no class %q", f.Where(i), names[k])
		}
	}
	return nil
}

// of returns the numbers of a row's target, and their shape.
func (t *target) of(f rows.File, i int) ([]float64, nn.Shape, error) {
	if t.classes != nil {
		return []float64{float64(t.classes[i])}, nil, nil
	}
	row, err := f.Row(i, t.fields...)
	if err != nil {
		return nil, nil, err
	}
	if t.next {
		list := valueNumbers(row[0])
		return t.padded(list[min(1, len(list)):])
	}
	var all []float64
	for _, v := range row {
		all = append(all, valueNumbers(v)...)
	}
	if len(row) > 1 {
		return all, nn.Shape{len(all)}, nil
	}
	if s := f.Fields()[t.fields[0]].Shape; t.whole && len(s) == 1 && s[0] == rows.Open && t.tokens > 0 {
		return t.padded(all)
	}
	return all, row[0].Shape, nil
}

// padded are targets of tokens: as many as the input takes, -1 (not known) where the row has none.
func (t *target) padded(list []float64) ([]float64, nn.Shape, error) {
	out := make([]float64, t.tokens)
	for k := range out {
		if out[k] = -1; k < len(list) {
			out[k] = list[k]
		}
	}
	return out, nn.Shape{t.tokens}, nil
}
