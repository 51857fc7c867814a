package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// npyFile is an array as NumPy's save writes it.
func npyFile(descr string, shape []int, data any) []byte {
	text := strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", ", ")
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s,), }\n", descr, text)
	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	_ = binary.Write(&b, binary.LittleEndian, uint16(len(head))) // memory
	b.WriteString(head)
	_ = binary.Write(&b, binary.LittleEndian, data) // likewise
	return b.Bytes()
}

func info(name string, kind nn.DType, shape ...int) nn.Info {
	return nn.Info{Name: name, Type: kind, Shape: append(nn.Shape{nn.Batch}, shape...)}
}

func openTable(t *testing.T, path, split string, inputs []nn.Info, o Columns) *Table {
	t.Helper()
	s, err := OpenTable(path, split, inputs, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sample reads one sample: its inputs' numbers and its target's.
func sample(t *testing.T, s Samples, inputs []nn.Info, i int) (x [][]float64, y []float64) {
	t.Helper()
	list, err := s.Inputs(inputs, []int{i})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range list {
		x = append(x, in.Numbers())
	}
	target, err := s.Targets([]int{i})
	if err != nil {
		t.Fatal(err)
	}
	return x, target.Numbers()
}

// TestArrays: two inputs by their names, with classes; each sample has what the arrays have in its row.
func TestArrays(t *testing.T) {
	const n = 50
	left, right, y := make([]float32, n*6), make([]int64, n*2), make([]uint8, n)
	for i := range n {
		y[i] = uint8(i / 25)
		for k := range 6 {
			left[6*i+k] = float32(i) + float32(k)/8
		}
		right[2*i], right[2*i+1] = int64(i), int64(-i)
	}
	dir := tree(t, map[string][]byte{
		"train_left.npy": npyFile("<f4", []int{n, 2, 3}, left), "train_right.npy": npyFile("<i8", []int{n, 2}, right), "train_y.npy": npyFile("|u1", []int{n}, y),
		"test/left.npy": npyFile("<f4", []int{n, 2, 3}, left), "test/right.npy": npyFile("<i8", []int{n, 2}, right), "test/y.npy": npyFile("|u1", []int{n}, y),
	})
	inputs := []nn.Info{info("right", nn.Float32, 2), info("left", nn.Float32, 3, 2)}
	for _, split := range []string{"train", "test"} {
		s := openTable(t, dir, split, inputs, Columns{})
		seen := map[int]bool{}
		for k := range s.Len() {
			x, target := sample(t, s, inputs, k)
			i := int(x[0][0])
			seen[i] = true
			if x[0][1] != float64(-i) || x[1][5] != float64(left[6*i+5]) || target[0] != float64(y[i]) {
				t.Fatalf("%s: sample %d: %v %v", split, k, x, target)
			}
		}
		if len(seen) != n {
			t.Errorf("%s: %d samples, want %d", split, len(seen), n)
		}
		if part := s.Slice(10, 20); part.Len() != 10 || part.Digest() == s.Digest() || part.Digest() != s.Slice(10, 20).Digest() {
			t.Errorf("%s: a slice of %d samples, digest %s", split, part.Len(), part.Digest())
		}
		target, err := s.Slice(10, 20).Targets(Numbers(0, 10))
		if ones := slices.Index(target.Int64s(), 1); err != nil || target.Type != nn.Int64 || ones < 0 || slices.Index(target.Int64s(), 0) < 0 {
			t.Errorf("%s: ten samples have the classes %v (%v), want both", split, target.Int64s(), err)
		}
	}
}

// TestCSVRows: names of classes, columns of one input, a split that is made; the same rows in JSON lines have the same samples.
func TestCSVRows(t *testing.T) {
	var csv, json strings.Builder
	csv.WriteString("kind,x_1,x_0,extra\n")
	for i := range 40 {
		kind := []string{"ham", "spam, egg"}[i%2]
		fmt.Fprintf(&csv, "\"%s\",%d,%g,%d\n", kind, i, float64(i)/4, 2*i)
		fmt.Fprintf(&json, "{\"kind\": %q, \"x\": [%g, %d], \"extra\": %d}\n", kind, float64(i)/4, i, 2*i)
	}
	dir := tree(t, map[string][]byte{"a.csv": []byte(csv.String()), "b.jsonl": []byte(json.String())})
	inputs := []nn.Info{info("x", nn.Float32, 2), info("extra", nn.Int64, 1)}
	seen := map[float64]bool{}
	for split, want := range map[string]int{"train": 32, "test": 8} {
		a := openTable(t, filepath.Join(dir, "a.csv"), split, inputs, Columns{Label: "kind"})
		b := openTable(t, filepath.Join(dir, "b.jsonl"), split, inputs, Columns{Label: "kind"})
		if a.Len() != want || !slices.Equal(a.ClassNames(), []string{"ham", "spam, egg"}) {
			t.Errorf("%s: %d rows of %q, want %d", split, a.Len(), a.ClassNames(), want)
		}
		ones := 0.0
		for k := range a.Len() {
			x, y := sample(t, a, inputs, k)
			x2, y2 := sample(t, b, inputs, k)
			i := x[0][1]
			if seen[i] = true; x[0][0] != i/4 || x[1][0] != 2*i || y[0] != math.Mod(i, 2) || fmt.Sprint(x, y) != fmt.Sprint(x2, y2) {
				t.Errorf("%s: sample %d: CSV %v %v, JSON %v %v", split, k, x, y, x2, y2)
			}
			ones += y[0]
		}
		if ones != float64(want)/2 {
			t.Errorf("%s: %v of %d are of class 1", split, ones, want)
		}
	}
	if len(seen) != 40 {
		t.Errorf("the splits have %d rows, want 40", len(seen))
	}
}

// TestTokens: rows of any length are filled or cut, masks and places follow from them, and targets stand beside tokens.
func TestTokens(t *testing.T) {
	lines := "{\"input_ids\": [7, 8], \"tags\": [1, 2]}\n{\"input_ids\": [5, 6, 7, 8, 9], \"tags\": [3, 2, 1, 2, 3]}\n{\"input_ids\": [], \"tags\": []}\n"
	dir := tree(t, map[string][]byte{"train.jsonl": []byte(lines), "text/train.txt": []byte("ab\n\nwxyz\n"), "long/train.txt": []byte("abcdefghij")})
	inputs := []nn.Info{info("input_ids", nn.Int64, 3), info("attention_mask", nn.Float32, 3), info("position_ids", nn.Int64, 3)}
	inputs[1].Type = nn.Int64
	got := func(path string, in []nn.Info, o Columns) (out []string) {
		s := openTable(t, filepath.Join(dir, path), "train", in, o)
		for k := range s.Len() {
			x, y := sample(t, s, in, k)
			out = append(out, fmt.Sprint(x, y))
		}
		slices.Sort(out)
		return out
	}
	for name, c := range map[string]struct{ got, want []string }{
		"tags":    {got("", inputs, Columns{Label: "tags", Fill: 4}), []string{"[[4 4 4] [0 0 0] [0 1 2]] [-1 -1 -1]", "[[5 6 7] [1 1 1] [0 1 2]] [3 2 1]", "[[7 8 4] [1 1 0] [0 1 2]] [1 2 -1]"}},
		"next":    {got("", inputs[:2], Columns{Label: "next"}), []string{"[[0 0 0] [0 0 0]] [-1 -1 -1]", "[[5 6 7] [1 1 1]] [6 7 8]", "[[7 0 0] [1 0 0]] [8 -1 -1]"}},
		"lines":   {got("text", inputs[:1], Columns{}), []string{"[[119 120 121]] []", "[[97 98 0]] []"}},
		"windows": {got("long", inputs[:1], Columns{Label: "next", Window: 3}), []string{"[[100 101 102]] [101 102 103]", "[[103 104 105]] [104 105 106]", "[[97 98 99]] [98 99 100]"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %q, want %q", name, c.got, c.want)
		}
	}
}

// TestLabelsThatNobodyWants: with the label "none", a field that is called as targets are is no input where the other fields are enough; else it is one.
func TestLabelsThatNobodyWants(t *testing.T) {
	dir := tree(t, map[string][]byte{
		"text/train.jsonl": []byte("{\"text\": \"ab\", \"label\": \"ham\"}\n{\"text\": \"ab\", \"label\": \"spam\"}\n"),
		"train.csv":        []byte("u,v,y\n1,2,9\n1,2,8\n"),
	})
	tokens, two, three := []nn.Info{info("input_ids", nn.Int64, 3)}, []nn.Info{info("x", nn.Float32, 2)}, []nn.Info{info("x", nn.Float32, 3)}
	for _, c := range []struct {
		path   string
		inputs []nn.Info
		want   string
	}{{"text", tokens, "[[97 98 0]]"}, {"train.csv", two, "[[1 2]]"}, {"train.csv", three, "[[1 2 9]]"}} {
		s := openTable(t, filepath.Join(dir, c.path), "train", c.inputs, Columns{Label: "none"})
		found := false
		for k := range s.Len() {
			x, y := sample(t, s, c.inputs, k)
			if found = found || fmt.Sprint(x) == c.want; len(y) > 0 {
				t.Errorf("%s: targets %v", c.path, y)
			}
		}
		if !found {
			t.Errorf("%s: no row is %s", c.path, c.want)
		}
	}
}

// TestTableErrors: each names what is wrong, and where.
func TestTableErrors(t *testing.T) {
	csv := []byte("a,b,y\n1,2,0\n3,4,1\n")
	vector := []nn.Info{info("x", nn.Float32, 2)}
	for name, c := range map[string]struct {
		files  map[string][]byte
		inputs []nn.Info
		o      Columns
		want   []string
	}{
		"no files":      {map[string][]byte{"a.doc": nil}, vector, Columns{}, []string{"no rows", ".npz"}},
		"two tables":    {map[string][]byte{"a.csv": csv, "b.csv": csv}, vector, Columns{}, []string{"a.csv", "b.csv"}},
		"no split":      {map[string][]byte{"test.csv": csv}, vector, Columns{}, []string{"test.csv", `"train"`}},
		"label":         {map[string][]byte{"train.csv": csv}, vector, Columns{Label: "kind"}, []string{`"kind"`, "a (i64), b (i64), y (i64)"}},
		"header":        {map[string][]byte{"train.csv": csv}, vector, Columns{Header: "maybe"}, []string{"data.header"}},
		"input":         {map[string][]byte{"train.csv": csv}, []nn.Info{info("p", nn.Float32, 1), info("q", nn.Float32, 1)}, Columns{}, []string{`"p"`, `"q"`, "the data has a"}},
		"text":          {map[string][]byte{"train.jsonl": []byte("{\"x\": \"abc\", \"y\": 1}\n")}, vector, Columns{}, []string{"text", `"x"`}},
		"class":         {map[string][]byte{"train.csv": []byte("a,y\n1,b\n"), "test.csv": []byte("a,y\n1,b\n2,c\n")}, []nn.Info{info("a", nn.Float32)}, Columns{}, []string{"test.csv:3", `no class "c"`}},
		"next":          {map[string][]byte{"train.csv": csv}, vector, Columns{Label: "next"}, []string{"no input takes tokens"}},
		"window":        {map[string][]byte{"train.csv": csv}, vector, Columns{Window: 3}, []string{"data.window"}},
		"short text":    {map[string][]byte{"train.txt": []byte("abc")}, vector, Columns{Window: 3}, []string{"3 tokens"}},
		"broken arrays": {map[string][]byte{"train_a.npy": []byte("x"), "train_b.npy": []byte("y")}, vector, Columns{}, []string{"train_a.npy", "train_b.npy"}},
	} {
		dir := tree(t, c.files)
		split := "train"
		if name == "class" {
			split = "test"
		}
		_, err := OpenTable(dir, split, c.inputs, c.o)
		for _, want := range append(c.want, filepath.Base(dir)) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
	dir := tree(t, map[string][]byte{"train.csv": csv, "r.csv": []byte("x,y\n0.5,0\n")})
	for name, c := range map[string]struct {
		file  string
		input nn.Info
		want  string
	}{
		"shape":    {"train.csv", info("x", nn.Float32, 3), "2 numbers"},
		"no whole": {"r.csv", info("x", nn.Int64, 1), "no whole number"},
	} {
		s := openTable(t, filepath.Join(dir, c.file), "train", []nn.Info{c.input}, Columns{})
		if _, err := s.Inputs([]nn.Info{c.input}, []int{0}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file+":2") && !strings.Contains(err.Error(), c.file+":3") {
			t.Errorf("%s: %v, want %q with file and line", name, err, c.want)
		}
	}
}

// TestRowsAreMixedAsPictures: rows stand in the order that pictures of the same names would have.
func TestRowsAreMixedAsPictures(t *testing.T) {
	var list []entry
	classes := make([]int32, 200)
	for i := range classes {
		classes[i] = int32(i * i % 3)
		list = append(list, entry{name: fmt.Sprint(i), label: classes[i]})
	}
	for _, split := range []string{"train", "test"} {
		own := sharedPictures(slices.Clone(list), split)
		mixPictures(own)
		var want []string
		for _, e := range own {
			want = append(want, e.name)
		}
		var got []string
		for _, i := range rowOrder(len(classes), classes, true, split) {
			got = append(got, fmt.Sprint(i))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: rows %v, want %v", split, got, want)
		}
	}
}

// TestValuesAreNoClasses: of whole numbers of which nearly all differ, such as prices, a fifth of all rows is the test split; numbers beyond int32 are
// values, too.
func TestValuesAreNoClasses(t *testing.T) {
	for name, scale := range map[string]int64{"prices": 7, "large": 1 << 33} {
		path := filepath.Join(t.TempDir(), "rows.csv")
		text := "x0,x1,label\n"
		for i := range 100 {
			text += fmt.Sprintf("%d.5,1.5,%d\n", i, int64(i)*scale)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for split, want := range map[string]int{"train": 80, "test": 20} {
			rows, err := OpenTable(path, split, []nn.Info{{Name: "x", Type: nn.Float32, Shape: nn.Shape{nn.Batch, 2}}}, Columns{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if rows.Len() != want {
				t.Errorf("%s: %s has %d rows, want %d", name, split, rows.Len(), want)
			}
		}
	}
}
