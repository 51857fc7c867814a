package rowfile

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzParse: what Parse accepts, a header that is written from it parses to the same again.
func FuzzParse(f *testing.F) {
	f.Add([]byte("format: x 1\nn: 3\n\nrow a\n# remark\nrow b\n"))
	f.Add([]byte("a:\xff\r\n\x00: b\n\n\n1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(bytes.NewReader(text))
		if err != nil {
			return
		}
		for _, l := range append(p.Header, p.Rows...) {
			if l.Number < 1 || bytes.ContainsRune([]byte(l.Text), '\n') {
				t.Errorf("line %+v", l)
			}
		}
		if len(p.Header) == 0 {
			return
		}
		var name string
		var n int
		var errs Errors
		p.Read([]Field{{Key: p.Header[0].Key, Text: &name}, {Key: "n", Int: &n}}, &errs)
		again, err := Parse(bytes.NewReader(AppendHeader(nil, []Field{{Key: "key", Text: &name}})))
		if err != nil || len(again.Header) != 1 || again.Header[0].Text != oneLine(name) {
			t.Errorf("%q became %+v, %v", name, again.Header, err)
		}
	})
}

// FuzzJournal: a journal that was cut or damaged anywhere is an error, or goes on with rows that were in it whole; what is appended then is
// there the next time.
func FuzzJournal(f *testing.F) {
	header := []byte("format: x 1\nn: 3\n\n")
	f.Add([]byte("row a\nrow b\nro"))
	f.Add([]byte("\n\n#\n"))
	f.Fuzz(func(t *testing.T, rest []byte) {
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, append(bytes.Clone(header), rest...), 0o600); err != nil {
			t.Fatal(err)
		}
		j, rows, err := OpenJournal(path, header)
		if err != nil {
			return
		}
		if err := j.Append("new"); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j, again, err := OpenJournal(path, header)
		if err != nil || len(again) != len(rows)+1 || again[len(rows)].Text != "new" {
			t.Fatalf("%q: %+v, then %+v, %v", rest, rows, again, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
