package data

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/autotailor/autotailor/internal/rows"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Table are rows of arrays, CSV, JSON lines or text as Samples. Inputs are fields that are called as the network's inputs are.
type Table struct {
	file    rows.File
	columns Columns
	order   []int // the rows that are samples
	inputs  []binding
	names   []string // of the inputs
	target  target
	digest  *digest
}

var (
	_ Samples    = &Table{}
	_ ClassNames = &Table{}
)

// digest is reckoned once.
type digest struct {
	once sync.Once
	text string
}

// OpenTable opens a split of rows: of one file, or of the files in a folder, for a network with these inputs. Where there are no splits, a fifth of
// the rows is the test split, of each class alike.
func OpenTable(path, split string, inputs []nn.Info, o Columns) (*Table, error) {
	if splits[split] == nil {
		return nil, fmt.Errorf("%s: there is no split %q; splits are train and test", path, split)
	}
	f, whole, err := openRows(path, split, o)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, fmt.Errorf("%s: there are no rows in it: want files of the endings %s", path, strings.Join(slices.Concat(tableEndings, arrayEndings), " "))
	}
	t := &Table{file: f, columns: o, digest: &digest{}}
	if t.target, err = newTarget(f.Fields(), inputs, o); err == nil {
		t.inputs, err = bind(f.Fields(), inputs, t.target.alone())
		for _, in := range inputs {
			t.names = append(t.names, in.Name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := t.target.number(t.file, classesOf(path, split, whole, inputs, o)); err != nil {
		return nil, err
	}
	classes := t.target.classes
	if whole && values(classes) {
		classes = nil
	}
	t.order = rowOrder(f.Len(), classes, whole, split)
	if len(t.order) == 0 {
		return nil, fmt.Errorf("%s: the split %q has no rows", path, split)
	}
	return t, nil
}

// classesOf returns the names of the training split's classes, which number those of the test split; nil where the split numbers them itself.
func classesOf(path, split string, whole bool, inputs []nn.Info, o Columns) func() []string {
	return func() []string {
		if whole || split == "train" {
			return nil
		}
		train, err := OpenTable(path, "train", inputs, o)
		if err != nil {
			return nil // a test split alone numbers its classes itself
		}
		return train.ClassNames()
	}
}

// Len implements Samples.
func (t *Table) Len() int { return len(t.order) }

// Slice implements Samples.
func (t *Table) Slice(from, to int) Samples {
	out := *t
	from, to = window(from, to, len(t.order))
	out.order, out.digest = t.order[from:to], &digest{}
	return &out
}

// String implements Samples.
func (t *Table) String() string { return t.columns.String() }

// ClassNames returns the names of classes, none where they are numbers.
func (t *Table) ClassNames() []string { return t.target.names }

// Skipped are the broken rows that were left out, each with the reason.
func (t *Table) Skipped() []error { return t.file.Skipped() }

// Digest implements Samples: it is of all values of the rows.
func (t *Table) Digest() string {
	t.digest.once.Do(func() {
		h := sha256.New()
		fmt.Fprintln(h, len(t.order), t.target.names)
		for _, f := range t.file.Fields() {
			fmt.Fprintln(h, f.Name, f.Type, f.Text)
		}
		for _, i := range t.order {
			row, err := t.file.Row(i)
			if err != nil {
				fmt.Fprintln(h, err) // whoever reads the row says so
			}
			for _, v := range row {
				fmt.Fprintln(h, v.Shape)
				h.Write(v.Raw)
			}
		}
		t.digest.text = hex.EncodeToString(h.Sum(nil)[:8])
	})
	return t.digest.text
}

// Inputs implements Samples.
func (t *Table) Inputs(of []nn.Info, samples []int) ([]nn.Tensor, error) {
	if len(of) != len(t.inputs) {
		return nil, fmt.Errorf("the network has %d inputs, the data was opened for %d", len(of), len(t.inputs))
	}
	out := make([]nn.Tensor, len(of))
	for k, in := range of {
		if len(in.Shape) == 0 || in.Shape[1:].Open() {
			return nil, fmt.Errorf("input %q has the shape %v; rows are its first axis alone", in.Name, in.Shape)
		}
		shape := append(nn.Shape{len(samples)}, in.Shape[1:]...)
		out[k] = nn.Tensor{Type: in.Type, Shape: shape, Raw: make([]byte, shape.Count()*in.Type.Bytes())}
	}
	err := spread(runtime.GOMAXPROCS(0), len(samples), func(_, k int) error {
		if samples[k] < 0 || samples[k] >= len(t.order) {
			return fmt.Errorf("there is no sample %d of %d", samples[k], len(t.order))
		}
		i := t.order[samples[k]]
		row, err := t.read(i)
		if err != nil {
			return err
		}
		var errs []error
		for n, in := range of {
			each := len(out[n].Raw) / len(samples)
			one := out[n].Raw[k*each : (k+1)*each]
			err := t.inputs[n].fill(one, in, row, t.columns.Fill, t.nexts())
			if err == nil {
				err = finite(nn.Tensor{Type: in.Type, Shape: in.Shape[1:], Raw: one})
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: input %q: %w", t.file.Where(i), in.Name, err))
			}
		}
		return errors.Join(errs...)
	})
	return out, err
}

// finite refuses numbers that make all that a network computes of them no number.
func finite(t nn.Tensor) error {
	if !t.Type.Fractional() {
		return nil
	}
	for k, v := range t.Numbers() {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("number %d is %g, and must be finite as %v: mend the row or leave it out", k, v, t.Type)
		}
	}
	return nil
}

// lengths implements measured.
func (t *Table) lengths(of nn.Info, samples []int) ([]int, error) {
	out := make([]int, len(samples))
	for k, sample := range samples {
		row, err := t.read(t.order[sample])
		if err != nil {
			return nil, err
		}
		for n, b := range t.inputs {
			if t.names[n] != of.Name {
				continue
			}
			for _, f := range b.fields {
				out[k] += nn.Shape(row[f].Shape).Count()
			}
		}
	}
	return out, nil
}

// nexts is 1 where the last token of a row is only a target.
func (t *Table) nexts() int {
	if t.target.next {
		return 1
	}
	return 0
}

// read returns the values that inputs need, by the numbers of their fields.
func (t *Table) read(i int) (map[int]rows.Value, error) {
	need := map[int]bool{}
	for _, b := range t.inputs {
		for _, f := range b.fields {
			need[f] = true
		}
	}
	list := slices.Sorted(maps.Keys(need))
	values, err := t.file.Row(i, list...)
	if err != nil {
		return nil, err
	}
	out := make(map[int]rows.Value, len(list))
	for k, f := range list {
		out[f] = values[k]
	}
	return out, nil
}

// Targets implements Samples.
func (t *Table) Targets(samples []int) (nn.Tensor, error) {
	if len(t.target.fields) == 0 && !t.target.next {
		return nn.Tensor{}, nil
	}
	var shape nn.Shape
	list := make([][]float64, len(samples))
	shapes := make([]nn.Shape, len(samples))
	err := spread(runtime.GOMAXPROCS(0), len(samples), func(_, k int) (err error) {
		if samples[k] < 0 || samples[k] >= len(t.order) {
			return fmt.Errorf("there is no sample %d of %d", samples[k], len(t.order))
		}
		i := t.order[samples[k]]
		if list[k], shapes[k], err = t.target.of(t.file, i); err != nil {
			err = fmt.Errorf("%s: target: %w", t.file.Where(i), err)
		}
		return err
	})
	if err != nil {
		return nn.Tensor{}, err
	}
	var all []float64
	for k, s := range shapes {
		for n, v := range list[k] {
			if math.IsInf(float64(float32(v)), 0) && !t.target.whole { // no number is what is not known
				return nn.Tensor{}, fmt.Errorf("%s: target: number %d is %g, which is no finite float32", t.file.Where(t.order[samples[k]]), n, v)
			}
		}
		if k > 0 && !slices.Equal(s, shape) {
			return nn.Tensor{}, fmt.Errorf("%s: its target has the shape %v, others have %v", t.file.Where(t.order[samples[k]]), s, shape)
		}
		shape, all = s, append(all, list[k]...)
	}
	kind := nn.Float32
	if t.target.whole {
		kind = nn.Int64
	}
	return nn.FromNumbers(kind, append(nn.Shape{len(samples)}, shape...), all), nil
}
