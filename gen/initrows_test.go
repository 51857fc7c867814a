package gen

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// proposed runs Config for a model of the tests and a file of data, and returns the config with what the user is told.
func proposed(t *testing.T, model, file, content string) (text, told string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var notes []string
	p := Proposal{Model: filepath.Join("..", "internal", "conform", "testdata", "strangers", model), Dir: dir, Package: "x", Data: filepath.Join(dir, file)}
	p.Note = func(text string) { notes = append(notes, text) }
	out, _, err := p.Config()
	if err != nil {
		return "", err.Error()
	}
	return string(out), strings.Join(notes, "\n")
}

// TestInitOfRows: init says what rows are, what their targets are for, and what does not fit the model.
func TestInitOfRows(t *testing.T) {
	lines := func(n int, line func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(line(i) + "\n")
		}
		return b.String()
	}
	tokens := func(first, label string) string {
		return lines(50, func(i int) string {
			return fmt.Sprintf("{\"input_ids\": [%s, 5, %d], \"label\": %s}", first, i, label)
		})
	}
	long := "{\"input_ids\": [" + strings.Repeat("1, ", 40) + "1], \"label\": \"a\"}\n"
	for name, c := range map[string]struct {
		model, file, content string
		config, told         []string
	}{
		"tokens":     {"text.onnx", "a.jsonl", tokens("3", `"spam"`) + long, []string{`label = "label"`}, []string{"51 rows", "input_ids (i64[any])", "fewer tokens than the input takes", `has 2 classes, output "logits" scores 4`}},
		"vocabulary": {"text.onnx", "a.jsonl", tokens("70000", "1"), []string{`label = "label"`}, []string{"tokens from 0 to 70000, the model's vocabulary has"}},
		"labels":     {"text.onnx", "a.jsonl", tokens("3", "4"), []string{`label = "label"`}, []string{`Targets go up to 4, output "logits" scores 4 classes`}},
		"unlabelled": {"text.onnx", "a.txt", "some text\nand more\nand a third\nfour\nfive\nsix\n", []string{`label = "none"`}, []string{"There are no targets", "filled with token 0"}},
		"no header":  {"sklmlp.onnx", "a.csv", lines(40, func(i int) string { return fmt.Sprintf("%d,0.5,1,2,3,4,5,6,7,8,9", i%3) }), []string{`label = "0"`, `header = "no"`}, []string{"40 rows"}},
		"misfits": {"sklmlp.onnx", "a.csv", "y,a,b\n" + lines(30, func(i int) string { return fmt.Sprintf("%d,%d,2", i%3, i) }), []string{`label = "y"`, `header = "yes"`},
			[]string{"24 of 24 rows do not fit", "a.csv:", "2 numbers, the shape [-1 10] needs 10"}},
		"leftover text": {"sklmlp.onnx", "a.csv", "a0,a1,a2,a3,a4,a5,a6,a7,a8,a9,kind\n" + lines(40, func(i int) string { return fmt.Sprintf("1,0.5,1,2,3,4,5,6,7,8,%s", []string{"yes", "no"}[i%2]) }),
			[]string{`label = "kind"`}, []string{`The field "kind" is taken for the targets`, `Targets are the 2 classes of the field "kind"`}},
		"leftover tags": {"sklmlp.onnx", "a.jsonl", lines(40, func(i int) string { return fmt.Sprintf(`{"X": [1,2,3,4,5,6,7,8,9,0], "tags": [%d]}`, i%3) }), []string{`label = "tags"`}, []string{`The field "tags" is taken`}},
		"odd one out":   {"sklmlp.onnx", "a.csv", "a0,a1,a2,a3,a4,a5,a6,a7,a8,a9,sort\n" + lines(40, func(i int) string { return fmt.Sprintf("1,0.5,1,2,3,4,5,6,7,8,%d", i%3) }), []string{`label = "sort"`}, []string{`The field "sort" is taken`}},
		"an id":         {"text.onnx", "a.jsonl", lines(40, func(i int) string { return fmt.Sprintf(`{"input_ids": [1,2,3], "id": %d}`, i) }), []string{`label = "none"`}, []string{"no input takes id"}},
		"two leftovers": {"text.onnx", "a.jsonl", lines(40, func(i int) string { return fmt.Sprintf(`{"input_ids": [1,2,3], "u": %d, "v": 1}`, i%3) }), []string{`label = "none"`}, []string{"no input takes u, v"}},
		"broken":        {"sklmlp.onnx", "a.csv", "y,a\n1,2\n1\n", nil, []string{"a.csv:3: it has 1 columns, want 2"}},
		"inputs":        {"text.onnx", "a.csv", "u,v,label\n1,2,0\n", nil, []string{`input "input_ids": the row has 2 numbers, the shape [-1 32] needs 32`}},
	} {
		text, told := proposed(t, c.model, c.file, c.content)
		for _, want := range c.config {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the config has no %q:\n%s", name, want, text)
			}
		}
		for _, want := range c.told {
			if !strings.Contains(told, want) {
				t.Errorf("%s: told %q, want %q", name, told, want)
			}
		}
	}
}

// npy is an array as NumPy's save writes it.
func npy(kind string, shape []int, data []byte) []byte {
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s,), }\n", kind, strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", ", "))
	out := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(head)))
	return append(append(out, head...), data...)
}

// TestInitOfMasks: images of rows whose targets are masks become input as images do, and are for segmentation.
func TestInitOfMasks(t *testing.T) {
	const n, side = 12, 32
	pixels, masks := make([]byte, n*side*side*3), make([]byte, n*side*side)
	for i := range pixels {
		pixels[i] = byte(i * 7)
	}
	for i := range masks {
		masks[i] = byte(i % 2)
	}
	for name, members := range map[string]map[string][]byte{
		"channels last":  {"x": npy("|u1", []int{n, side, side, 3}, pixels), "mask": npy("|u1", []int{n, side, side}, masks)},
		"channels first": {"image": npy("|u1", []int{n, 3, side, side}, pixels), "target": npy("|u1", []int{n, side, side}, masks)},
	} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for name, raw := range members {
			w, err := z.Create(name + ".npy")
			if err == nil {
				_, err = w.Write(raw)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		text, told := proposed(t, "unet.onnx", "a.npz", b.String())
		for _, want := range []string{`task = "segmentation"`, "mean = [0.", "std = [0.", "label = "} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the config has no %q:\n%s\n%s", name, want, text, told)
			}
		}
		if want := "numbers of the shape [32 32] from 0 to 1"; !strings.Contains(told, want) || strings.Contains(told, "do not fit") {
			t.Errorf("%s: told %q, want %q", name, told, want)
		}
	}
}

// TestInitOfWindows: text whose lines are longer than a language model's input, and tokens without rows, are cut into samples; short lines stay as they are.
func TestInitOfWindows(t *testing.T) {
	long := strings.Repeat("a line that is longer than eight tokens\nshort\n", 40)
	tokens := make([]byte, 8*400)
	for i := range tokens {
		if i%8 == 0 {
			tokens[i] = byte(i / 8)
		}
	}
	for _, c := range []struct {
		file, content string
		cut           bool
	}{
		{"a.txt", long, true},
		{"a.txt", strings.Repeat("short\nlines\n", 40) + "and one that is longer\n", false},
		{"a.npy", string(npy("<i8", []int{400}, tokens)), true},
	} {
		text, told := proposed(t, "llamagqa.onnx", c.file, c.content)
		if !strings.Contains(text, `task = "language model"`) || strings.Contains(text, "window = 8") != c.cut {
			t.Errorf("%s, %.20q: the config is\n%s\n%s", c.file, c.content, text, told)
		}
	}
}
