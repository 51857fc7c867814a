package data

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/rows"
)

// Columns say what the rows of data other than pictures mean: arrays (npy, npz, raw tensors), CSV, JSON lines and text.
type Columns struct {
	// Label is the field with the targets: an array, a key, or a column, or the beginning of the names of several columns (y for y.0, y.1). "" takes
	// the first of the usual names that is there, "none" says that there are no targets, and "next" that each token's target is the token after it.
	Label string
	// Fill is the token that fills rows which are shorter than the input. Longer ones are cut.
	Fill int64
	// Window cuts text, and a row of tokens in an npy file, into samples of that many tokens; 0 takes a line, or a row, as it is.
	Window int
	// Header says whether the first row of a CSV file names its columns: "yes" or "no". "" takes it for names where none of its fields is a number.
	Header string

	skip int // see Reading
}

// The values of Columns.Label that are no names.
const (
	noLabel   = "none"
	nextToken = "next"
)

// usualLabels are names that targets have where the user does not say.
var usualLabels = []string{"label", "labels", "target", "targets", "class", "y"}

// Skipping is o with up to n broken rows left out.
func (o Columns) Skipping(n int) Columns {
	o.skip = n
	return o
}

// String says what rows mean, for files: tables of other inputs are told apart by it.
func (o Columns) String() string {
	return fmt.Sprintf("rows; label %q, fill %d, window %d", o.Label, o.Fill, o.Window)
}

// options are those of the reader.
func (o Columns) options() (rows.Options, error) {
	out := rows.Options{Skip: o.skip}
	switch o.Header {
	case "":
	case "yes", "no":
		yes := o.Header == "yes"
		out.Header = &yes
	default:
		return out, fmt.Errorf("data.header is %q: want \"yes\" or \"no\"", o.Header)
	}
	return out, nil
}

// tableEndings are those of files that have all fields.
var tableEndings = []string{".npz", ".csv", ".tsv", ".jsonl", ".txt"}

// arrayEndings are those of files with one field each.
var arrayEndings = []string{".npy", rows.RawEnding}

func ending(path string) string { return strings.ToLower(filepath.Ext(path)) }

// openRows opens the rows of a split. whole says that the file has no splits.
func openRows(path, split string, o Columns) (f rows.File, whole bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, err
	}
	if !info.IsDir() {
		f, err = o.open(path)
		return f, true, err
	}
	for _, name := range splits[split] {
		if list := splitTables(path, name); len(list) > 0 {
			f, err = o.openOne(path, list)
			return f, false, err
		}
		if f, err = o.openArrays(splitArrays(path, name)); f != nil || err != nil {
			return f, false, err
		}
	}
	if other := otherSplit(path, split); other != "" {
		return nil, false, fmt.Errorf("%s: it has %s, but nothing for the split %q: want %s.ENDING beside it", path, other, split, splits[split][0])
	}
	if list := globs(path, "*", tableEndings); len(list) > 0 {
		f, err = o.openOne(path, list)
		return f, true, err
	}
	own := map[string]string{}
	for _, file := range globs(path, "*", arrayEndings) {
		own[file] = fieldName(file)
	}
	f, err = o.openArrays(own)
	return f, true, err
}

// otherSplit names what a folder has for another split.
func otherSplit(dir, split string) string {
	for _, other := range []string{"train", "test"} {
		for _, name := range splits[other] {
			if other == split {
				continue
			}
			if list := splitTables(dir, name); len(list) > 0 {
				return filepath.Base(list[0])
			}
			for file := range splitArrays(dir, name) {
				return filepath.Base(file)
			}
		}
	}
	return ""
}

// globs lists files of a folder by pattern and ending.
func globs(dir, pattern string, endings []string) (list []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // whoever asks says that there is nothing
	}
	for _, e := range entries {
		ok, _ := filepath.Match(pattern, strings.TrimSuffix(e.Name(), filepath.Ext(e.Name()))) // patterns are ours
		if ok && !e.IsDir() && slices.Contains(endings, ending(e.Name())) {
			list = append(list, filepath.Join(dir, e.Name()))
		}
	}
	return list
}

// splitTables lists the tables of a split: train.csv, or all tables in a folder called train.
func splitTables(dir, name string) []string {
	if list := globs(dir, name, tableEndings); len(list) > 0 {
		return list
	}
	return globs(filepath.Join(dir, name), "*", tableEndings)
}

// splitArrays lists the arrays of a split with the names of their fields: x of train_x.npy, x_train.npy and train/x.npy.
func splitArrays(dir, name string) map[string]string {
	out := map[string]string{}
	for _, file := range globs(filepath.Join(dir, name), "*", arrayEndings) {
		out[file] = fieldName(file)
	}
	for _, file := range globs(dir, "*"+name+"*", arrayEndings) {
		field := fieldName(file)
		for _, separator := range []string{"_", "-", "."} {
			if rest, ok := strings.CutPrefix(field, name+separator); ok {
				out[file] = rest
			} else if rest, ok := strings.CutSuffix(field, separator+name); ok {
				out[file] = rest
			}
		}
		if field == name {
			out[file] = "x"
		}
	}
	return out
}

// fieldName is what a file of one field says that it has.
func fieldName(file string) string {
	base := filepath.Base(file)
	if ending(file) == rows.RawEnding {
		parts := strings.Split(base, ".")
		return strings.Join(parts[:max(1, len(parts)-3)], ".")
	}
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// openOne opens the only one of some tables.
func (o Columns) openOne(dir string, list []string) (rows.File, error) {
	if len(list) > 1 {
		return nil, fmt.Errorf("%s: it has several files with rows (%s, %s): want one for each split, or name one", dir, filepath.Base(list[0]), filepath.Base(list[1]))
	}
	return o.open(list[0])
}

// open opens one file with all fields.
func (o Columns) open(path string) (rows.File, error) {
	options, err := o.options()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	switch e := ending(path); {
	case o.Window > 0 && (e == ".txt" || e == ".npy"):
		return rows.OpenWindows(path, o.Window)
	case o.Window > 0:
		return nil, fmt.Errorf("%s: data.window cuts text and npy files of tokens, not %s", path, e)
	case e == ".npz":
		return checkedRows(rows.OpenNPZ(path))
	case e == ".jsonl":
		return checkedRows(rows.OpenJSONL(path, options))
	case e == ".csv" || e == ".tsv":
		return checkedRows(rows.OpenCSV(path, options))
	case e == ".txt":
		return checkedRows(rows.OpenText(path, options))
	case slices.Contains(arrayEndings, e):
		return o.openArrays(map[string]string{path: fieldName(path)})
	}
	return nil, fmt.Errorf("%s: nothing is known of files with the ending %q: want %s", path, ending(path), strings.Join(append(slices.Clone(tableEndings), arrayEndings...), " "))
}

// checkedRows makes no File of a nil pointer.
func checkedRows[T rows.File](f T, err error) (rows.File, error) {
	if err != nil {
		return nil, err
	}
	if f.Len() == 0 {
		return nil, fmt.Errorf("%s: it has no rows", f.Where(0))
	}
	return f, nil
}

// openArrays opens files of one field each, by the names of their fields; nil where there are none.
func (o Columns) openArrays(fields map[string]string) (rows.File, error) {
	var npy, raw []string
	for file := range fields {
		if ending(file) == ".npy" {
			npy = append(npy, file)
		} else {
			raw = append(raw, file)
		}
	}
	slices.Sort(npy)
	slices.Sort(raw)
	switch {
	case len(npy)+len(raw) == 0:
		return nil, nil
	case o.Window > 0 && len(npy) == 1 && len(raw) == 0:
		return rows.OpenWindows(npy[0], o.Window)
	case o.Window > 0:
		return nil, errors.New("data.window cuts one npy file of tokens; there are several arrays")
	}
	return checkedRows(rows.OpenArrays(npy, raw, func(file string) string { return fields[file] }))
}

// rowOrder are the rows of a split, mixed as pictures are. The classes of rows may be nil. A row's name is its number. Where a file has no
// splits a fifth of each class is the test split, see share.
func rowOrder(n int, classes []int32, whole bool, split string) []int {
	class := func(int) int32 { return 0 }
	if classes != nil {
		class = func(i int) int32 { return classes[i] }
	}
	members := drawn(n, class, func(i int) []byte { return strconv.AppendInt(nil, int64(i), 10) })
	if whole {
		share(members, split)
	}
	return mixed(members)
}
