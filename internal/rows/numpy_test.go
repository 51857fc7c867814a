package rows

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/torch"
)

// numpyFiles writes arrays of all types, orders and versions, and texts, and prints what NumPy, csv and json read back: row by row, as Row has them.
const numpyFiles = `
import csv, json, sys
import numpy as np
out, rng, cases = sys.argv[1], np.random.RandomState(5), []

def row(a):
    return {"shape": list(np.shape(a)), "raw": np.ascontiguousarray(a).astype(np.asarray(a).dtype.newbyteorder("<")).tobytes().hex()}

def note(files, fields):
    cases.append({"files": files, "fields": sorted(fields), "rows": [[row(fields[f][i]) for f in sorted(fields)] for i in range(len(next(iter(fields.values()))))]})

def array(dtype, shape, order="C"):
    a = (rng.uniform(-100, 100, shape) + (1j * rng.uniform(-9, 9, shape) if np.dtype(dtype).kind == "c" else 0))
    if np.dtype(dtype).kind in "uib":
        a = np.abs(a)
    return np.array(a.astype(dtype), order=order)

for dtype in "?,i1,<i2,>i2,<i4,>i4,<i8,>i8,u1,<u2,>u2,<u4,>u4,<u8,>u8,<f2,>f2,<f4,>f4,<f8,>f8,<c8,>c8,<c16,>c16".split(","):
    for order in "CF":
        for shape in ((5,), (4, 3), (3, 2, 4), (2, 3, 2, 5)):
            name = f"a{len(cases)}"
            a = array(dtype, shape, order)
            np.save(f"{out}/{name}.npy", a)
            note([name + ".npy"], {name: a})
for version in ((1, 0), (2, 0), (3, 0)):
    name = f"v{version[0]}"
    a = array("<f4", (3, 2))
    with open(f"{out}/{name}.npy", "wb") as f:
        np.lib.format.write_array(f, a, version=version)
    note([name + ".npy"], {name: a})
for save in (np.savez, np.savez_compressed):
    name = f"z{len(cases)}"
    fields = {"x": array("f4", (6, 3, 4), "F"), "ids": array("i8", (6, 5)), "y": array("i4", (6,))}
    save(f"{out}/{name}.npz", **fields)
    note([name + ".npz"], fields)
a, b = array("f4", (7, 3, 2)), array("i8", (7,))
a.tofile(f"{out}/a.float32.3x2.raw"); b.tofile(f"{out}/b.i64.1.raw")
note(["a.float32.3x2.raw", "b.i64.1.raw"], {"a": a, "b": b})

texts = ["plain", 'with "quotes"', "a,comma", "two\nlines", "ümläut", "tab\there", "", "last one"]
numbers = [(i, rng.uniform(-5, 5)) for i in range(len(texts))]
for name, args in {"comma.csv": {}, "all.csv": {"quoting": csv.QUOTE_ALL}, "tabs.tsv": {"delimiter": "\t"}, "unix.csv": {"lineterminator": "\n"}}.items():
    with open(f"{out}/{name}", "w", newline="", encoding="utf-8-sig" if name == "all.csv" else "utf-8") as f:
        w = csv.writer(f, **args)
        w.writerow(["whole", "part", "text"])
        for (n, v), t in zip(numbers, texts):
            w.writerow([n, repr(v), t])
            if name == "unix.csv": f.write("\n")
    with open(f"{out}/{name}", newline="", encoding="utf-8-sig") as f:
        back = [r for r in list(csv.reader(f, delimiter=args.get("delimiter", ",")))[1:] if r]
    note([name], {"whole": np.array([int(r[0]) for r in back]), "part": np.array([float(r[1]) for r in back]), "text": [np.frombuffer(r[2].encode(), np.uint8) for r in back]})
with open(f"{out}/lines.jsonl", "w") as f:
    for (n, v), t in zip(numbers, texts):
        f.write(json.dumps({"ids": list(range(n)), "mat": [[v, n], [1e300, -3]], "text": t, "flag": n % 2 == 0, "big": 2**62 + n, "extra": {"not": "used"}} if n else {"ids": [], "mat": [[0.5, 0], [0, 0]], "text": t, "flag": True, "big": 2**62}) + "\n")
back = [json.loads(line) for line in open(f"{out}/lines.jsonl")]
note(["lines.jsonl"], {"ids": [np.array(r["ids"], np.int64) for r in back], "mat": [np.array(r["mat"], np.float64) for r in back], "flag": np.array([r["flag"] for r in back], np.int64),
    "text": [np.frombuffer(r["text"].encode(), np.uint8) for r in back], "big": np.array([r["big"] for r in back], np.int64)})
print(json.dumps(cases))
`

type numpyCase struct {
	Files  []string
	Fields []string
	Rows   [][]struct {
		Shape []int
		Raw   string
	}
}

// stem is the name of a file up to its first dot.
func stem(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}

func open(paths []string, o Options) (File, error) {
	switch filepath.Ext(paths[0]) {
	case ".npy":
		return OpenArrays(paths, nil, stem)
	case ".npz":
		return OpenNPZ(paths[0])
	case RawEnding:
		return OpenArrays(nil, paths, stem)
	case ".jsonl":
		return OpenJSONL(paths[0], o)
	case ".txt":
		return OpenText(paths[0], o)
	}
	return OpenCSV(paths[0], o)
}

// TestFilesAreNumPys: every value of every row has the bits that NumPy, or Python's csv and json, read.
func TestFilesAreNumPys(t *testing.T) {
	python := torch.Python(t, "numpy")
	dir := t.TempDir()
	cmd := exec.Command(python, "-c", numpyFiles, dir)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var cases []numpyCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		var paths []string
		for _, name := range c.Files {
			paths = append(paths, filepath.Join(dir, name))
		}
		f, err := open(paths, Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		compare(t, f, c)
	}
}

func compare(t *testing.T, f File, c numpyCase) {
	t.Helper()
	if f.Len() != len(c.Rows) {
		t.Errorf("%v: %d rows, want %d", c.Files, f.Len(), len(c.Rows))
		return
	}
	at := map[string]int{}
	for k, field := range f.Fields() {
		at[field.Name] = k
	}
	for step, i := range append(slices.Collect(backwards(f.Len())), 0, f.Len()/2, f.Len()-1) {
		row, err := f.Row(i)
		if err != nil {
			t.Errorf("%v: %v", c.Files, err)
			return
		}
		for k, name := range c.Fields {
			got, want := row[at[name]], c.Rows[i][k]
			if hex.EncodeToString(got.Raw) != want.Raw || !slices.Equal(got.Shape, want.Shape) {
				t.Fatalf("%v, row %d (read %d), %s: %v %v %x, want %v %s", c.Files, i, step, name, got.Type, got.Shape, got.Raw, want.Shape, want.Raw)
			}
		}
	}
}

func backwards(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := n - 1; i >= 0 && yield(i); i-- {
		}
	}
}

// TestBrokenRows: each is named with file and line, several at once; some may be left out.
func TestBrokenRows(t *testing.T) {
	long := "x,y\n" + strings.Repeat("1,2\n", 120)
	for name, c := range map[string]struct {
		file, text string
		want       []string // faults, each with its line
		rows       int      // once they are left out
	}{
		"columns":  {"a.csv", long + "1,2,3\n4,5\n6\n", []string{"a.csv:122: it has 3 columns, want 2", "a.csv:124: it has 1 columns"}, 121},
		"numbers":  {"a.csv", "1,2\n3,nan\n4,\n5,0x10\n6,7\n8,9\n10,11\n", []string{`a.csv:2: column "1": "nan" is no number`, `a.csv:3: column "1": "" is no`, "a.csv:4"}, 4},
		"quotes":   {"a.csv", "x,y\n1,a\n2,b \"c\n3,d\n4,\"e\n", []string{"a.csv:3: bare", "a.csv:5: its quotes do not end"}, 2},
		"no end":   {"a.csv", "x,y\n1,a\n2,\"b\n3,c\n" + strings.Repeat("5,fffffffffffffffffffffffffffffff\n", 200_000) + "6,g\n", []string{"a.csv:3: "}, 200_003},
		"no json":  {"a.jsonl", "{\"a\": 1}\n\n[1]\nnull\n{\"a\": 2}\n{\"a\": 3", []string{"a.jsonl:3: want a JSON object", "a.jsonl:4", "a.jsonl:6"}, 2},
		"keys":     {"a.jsonl", "{\"a\": 1, \"b\": [1]}\n{\"a\": 2}\n{\"a\": \"x\", \"b\": [[1]]}\n{\"a\":null,\"b\":[1,2]}\n{\"a\":4,\"b\":[1,[2]]}\n{\"a\":5,\"b\":[{}]}\n{\"a\": 1, \"b\": [1]}", []string{`a.jsonl:2: key "b": it is missing`, `a.jsonl:3: key "a": "\"x\"" is no number`, `key "b": it has 2 axes, 1 in the rows before`, `a.jsonl:4: key "a"`, "a.jsonl:5", "a.jsonl:6"}, 2},
		"too long": {"a.txt", "a\n" + strings.Repeat("b", maxLine+1) + "\nc", []string{"a.txt:2: it has more than"}, 2},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, c.file)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := open([]string{path}, Options{})
		for _, want := range append(c.want, "--skip") {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
		f, err := open([]string{path}, Options{Skip: 9})
		if err != nil || f.Len() != c.rows {
			t.Errorf("%s: with broken rows left out: %v", name, err)
			continue
		}
		for i := range c.rows {
			if _, err := f.Row(i); err != nil {
				t.Errorf("%s: row %d: %v", name, i, err)
			}
		}
		if got := f.Where(c.rows - 1); !strings.Contains(got, c.file+":") || len(f.Skipped()) < len(c.want)-1 {
			t.Errorf("%s: the last row is at %s, %d are left out", name, got, len(f.Skipped()))
		}
	}
}

// TestLongIndex: an index that keeps one position of several finds every row.
func TestLongIndex(t *testing.T) {
	var x index
	for k := range int64(5 * maxMarks) {
		x.add(mark{10 * k, int(k) + 1})
		if k%1000 == 7 {
			x.leaveOut()
		}
	}
	if len(x.marks) > maxMarks {
		t.Errorf("%d marks", len(x.marks))
	}
	for _, i := range []int{0, 6, 7, 8, 999, 12345, x.rows() - 1} {
		want := x.record(i)
		if m, first := x.before(want); m.at != 10*first || first > want || want-first >= x.every || want%1000 == 7 {
			t.Errorf("row %d: record %d, mark %v of record %d", i, want, m, first)
		}
	}
}
