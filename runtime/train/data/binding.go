package data

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/rows"
	"github.com/autotailor/autotailor/runtime/nn"
)

// binding is what an input of a network gets of a row: fields one after the other, or what follows from the tokens of another input.
type binding struct {
	fields []int
	beside string // of an input of derived: which
}

// derived are inputs that follow from the tokens of a row, where no field has them: for each of tokens places, count of which have tokens.
var derived = map[string]func(place, count int) float64{
	"attention_mask": func(place, count int) float64 {
		if place < count {
			return 1
		}
		return 0
	},
	"token_type_ids": func(int, int) float64 { return 0 },
	"position_ids":   func(place, _ int) float64 { return float64(place) },
}

// bind finds the fields of each input.
func bind(fields []rows.Field, inputs []nn.Info, targets []int) ([]binding, error) {
	var errs []error
	out := make([]binding, len(inputs))
	tokens := []int(nil) // of the first input with whole numbers
	var bare []int       // inputs that no field is called as
	for k, in := range inputs {
		out[k].fields = named(fields, in.Name)
		if len(out[k].fields) == 0 {
			if derived[in.Name] != nil && len(inputs) > 1 {
				out[k].beside = in.Name
			} else {
				bare = append(bare, k)
			}
		}
	}
	if len(bare) == 1 {
		out[bare[0]].fields = rest(fields, inputs[bare[0]], out, targets)
	}
	for k, in := range inputs {
		if len(out[k].fields) > 0 && len(in.Shape) == 2 && in.Type != nn.Float32 && tokens == nil {
			tokens = out[k].fields
		}
	}
	for k, in := range inputs {
		switch b := &out[k]; {
		case b.beside != "" && tokens != nil:
			b.fields = tokens
		case len(b.fields) == 0:
			errs = append(errs, fmt.Errorf("input %q has no field: the data has %s", in.Name, fieldNames(fields)))
		}
		for _, f := range out[k].fields {
			if fields[f].Text && in.Type != nn.Int64 && in.Type != nn.Int32 {
				errs = append(errs, fmt.Errorf("field %q is text; input %q takes no tokens, it is %v", fields[f].Name, in.Name, in.Type))
			}
		}
	}
	return out, errors.Join(errs...)
}

// fieldNames lists what a file has.
func fieldNames(fields []rows.Field) string {
	const few = 12
	var out []string
	for _, f := range fields {
		if len(out) == few {
			return strings.Join(out, ", ") + fmt.Sprintf(" and %d more", len(fields)-few)
		}
		shape := ""
		if len(f.Shape) > 0 {
			shape = fmt.Sprint(f.Shape)
			shape = strings.ReplaceAll(shape, "-1", "any")
		}
		kind := f.Type.String()
		if f.Text {
			kind, shape = "text", ""
		}
		out = append(out, fmt.Sprintf("%s (%s%s)", f.Name, kind, shape))
	}
	return strings.Join(out, ", ")
}

// named returns the field of a name, or the fields of its parts, such as x.0, x_1, x2 and x[3] of x, in the order of their numbers.
func named(fields []rows.Field, name string) (list []int) {
	if name == "" {
		return nil
	}
	numbers := map[int]int{}
	for k, f := range fields {
		if f.Name == name {
			return []int{k}
		}
		if tail, ok := strings.CutPrefix(f.Name, name); ok {
			if n, err := strconv.Atoi(strings.TrimRight(strings.TrimLeft(tail, "._["), "]")); err == nil && n >= 0 {
				numbers[k] = n
				list = append(list, k)
			}
		}
	}
	slices.SortFunc(list, func(a, b int) int { return cmp.Compare(numbers[a], numbers[b]) })
	return list
}

// rest returns the fields that nobody else has, for the one input that no field is called as: all numbers, or else the only text. A field that is called as
// targets usually are is one too many where the others do: labels may be there though nobody wants them.
func rest(fields []rows.Field, in nn.Info, taken []binding, targets []int) (list []int) {
	used := slices.Clone(targets)
	for _, b := range taken {
		used = append(used, b.fields...)
	}
	var texts []int
	for k, f := range fields {
		switch {
		case slices.Contains(used, k):
		case f.Text:
			texts = append(texts, k)
		default:
			list = append(list, k)
		}
	}
	target := func(k int) bool { return slices.Contains(usualLabels, fields[k].Name) }
	if few := slices.DeleteFunc(slices.Clone(texts), target); len(texts) > 1 && len(few) == 1 {
		texts = few
	}
	if len(texts) == 1 && (len(list) == 0 || in.Type == nn.Int64 || in.Type == nn.Int32) {
		return texts
	}
	want := nn.Shape(in.Shape[min(1, len(in.Shape)):]).Count()
	if few := slices.DeleteFunc(slices.Clone(list), target); extent(fields, list) != want && extent(fields, few) == want {
		return few
	}
	return list
}

// extent is how many numbers a row has in some fields, -1 where that is open.
func extent(fields []rows.Field, list []int) (n int) {
	for _, k := range list {
		if slices.Contains(fields[k].Shape, rows.Open) {
			return -1
		}
		n += nn.Shape(fields[k].Shape).Count()
	}
	return n
}

// fill writes one sample of an input: dst has the elements of in's shape without the first axis. The last of each row's tokens are left out that next counts.
func (b binding) fill(dst []byte, in nn.Info, row map[int]rows.Value, pad int64, next int) error {
	shape := in.Shape[1:]
	want := shape.Count()
	if len(b.fields) == 1 {
		v := row[b.fields[0]]
		if b.beside == "" && next == 0 && v.Type == in.Type && len(v.Raw) == len(dst) {
			copy(dst, v.Raw)
			return nil
		}
		if images := v.Shape; len(images) == 3 && len(shape) == 3 && v.Type == nn.Float32 && in.Type == nn.Float32 && images[0] == shape[0] && shape[1] == shape[2] && !slices.Equal(images, shape) {
			t := nn.Tensor{Type: nn.Float32, Shape: append(nn.Shape{1}, images...), Raw: v.Raw}
			copy(dst, Resized(t, shape[1]).Raw)
			return nil
		}
	}
	var numbers []float64
	for _, f := range b.fields {
		numbers = append(numbers, valueNumbers(row[f])...)
	}
	if in.Type != nn.Float32 && in.Type != nn.Float64 && in.Type != nn.Float16 {
		for _, v := range numbers {
			if v != math.Trunc(v) {
				return fmt.Errorf("%g is no whole number, as %v has them", v, in.Type)
			}
		}
	}
	tokens := len(shape) == 1 && len(b.fields) == 1 && (in.Type == nn.Int64 || in.Type == nn.Int32)
	if tokens {
		numbers = numbers[:max(0, len(numbers)-next)]
		count := min(len(numbers), want)
		numbers = append(numbers[:count:count], make([]float64, want-count)...)
		for k := range numbers {
			if from := derived[b.beside]; from != nil {
				numbers[k] = from(k, count)
			} else if k >= count {
				numbers[k] = float64(pad)
			}
		}
	}
	if b.beside != "" && !tokens {
		return fmt.Errorf("it follows from tokens where it is whole numbers of the shape [batch, tokens], here it is %v %v: want a field of this name", in.Type, in.Shape)
	}
	if len(numbers) != want {
		return fmt.Errorf("the row has %d numbers, the shape %v needs %d", len(numbers), in.Shape, want)
	}
	copy(dst, nn.FromNumbers(in.Type, shape, numbers).Raw)
	return nil
}

// valueNumbers are the elements of a value.
func valueNumbers(v rows.Value) []float64 {
	return nn.Tensor{Type: v.Type, Shape: v.Shape, Raw: v.Raw}.Numbers()
}
