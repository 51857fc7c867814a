package rowfile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func fields(name *string, n *int) []Field {
	return []Field{{Key: "format", Want: "test 1", Remedy: "write it anew"}, {Key: "name", Text: name}, {Key: "n", Int: n}, {Key: "note", Text: new(string), Optional: true}}
}

func texts(rows []Line) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.Text)
	}
	return out
}

func TestHeaderRoundTrips(t *testing.T) {
	name, n := "a\nb: c", 7
	text := string(AppendHeader(nil, fields(&name, &n))) + "row 1\n# comment\n\nrow 2\n"
	f, err := Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var gotName string
	var gotN int
	var errs Errors
	f.Read(fields(&gotName, &gotN), &errs)
	if err := errs.Join(); err != nil || gotName != "a b: c" || gotN != 7 {
		t.Errorf("got %q, %d (%v) from\n%s", gotName, gotN, err, text)
	}
	if got := texts(f.Rows); !slices.Equal(got, []string{"row 1", "row 2"}) || f.Rows[1].Number != 8 {
		t.Errorf("rows %v", f.Rows)
	}
}

func TestMistakesAreListedWithTheirLines(t *testing.T) {
	f, err := Parse(strings.NewReader("format: test 2\nn: x\nfoo: bar\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	var errs Errors
	f.Read(fields(new(string), new(int)), &errs)
	want := `line 1: format is "test 2", want "test 1": write it anew
line 2: n is "x", want a number
line 3: no header key "foo", want one of format, name, n, note
the header has no "name"`
	if got := errs.Join().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := Parse(strings.NewReader("a: 1\na: 2\nb\n")); err == nil || strings.Count(err.Error(), "line") != 3 {
		t.Errorf("got %v", err)
	}
}

func TestJournalResumesAndDropsTornRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	header := "format: 1\ndate: monday\n\n"
	open := func(header string) (*Journal, []string) {
		t.Helper()
		j, rows, err := OpenJournal(path, []byte(header), "date")
		if err != nil {
			t.Fatal(err)
		}
		return j, texts(rows)
	}
	for _, torn := range []string{"", "format", header[:len(header)-1]} {
		if err := os.WriteFile(path, []byte(torn), 0o600); err != nil {
			t.Fatal(err)
		}
		if j, rows := open(header); len(rows) != 0 || j.Close() != nil {
			t.Errorf("after %q: %v", torn, rows)
		}
	}
	j, _ := open(header)
	if err := errors.Join(j.Append("one"), j.Append("two"), j.Close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil || string(whole) != header+"one\ntwo\n" {
		t.Fatalf("%q, %v", whole, err)
	}
	if err := os.WriteFile(path, append(whole, "thr"...), 0o600); err != nil {
		t.Fatal(err)
	}
	j, rows := open("format: 1\ndate: tuesday\n\n")
	if !slices.Equal(rows, []string{"one", "two"}) {
		t.Errorf("rows %v", rows)
	}
	if err := errors.Join(j.Append("three"), j.Close()); err != nil {
		t.Fatal(err)
	}
	if j, rows := open(header); !slices.Equal(rows, []string{"one", "two", "three"}) || j.Close() != nil {
		t.Errorf("rows %v", rows)
	}
	if _, _, err := OpenJournal(path, []byte("format: 2\n\n"), "date"); !errors.Is(err, ErrOtherHeader) {
		t.Errorf("other header: %v", err)
	}
}

// TestJournalWithoutRows: a journal that holds no work is begun anew under another header, one of another format is left alone.
func TestJournalWithoutRows(t *testing.T) {
	const now = "format: 1\nimages: 99\n\n"
	for was, want := range map[string]string{
		"format: 1\nimages: 100\nmore: x\n\n":   now,
		"format: 1\nimages: 100\n\nhalf a r":    now,
		"format: 1\nimages: 100\n\nwhole row\n": "",
		"format: 2\nimages: 100\n\n":            "",
	} {
		path := filepath.Join(t.TempDir(), "j")
		if err := os.WriteFile(path, []byte(was), 0o600); err != nil {
			t.Fatal(err)
		}
		j, rows, err := OpenJournal(path, []byte(now))
		if err == nil {
			err = j.Close()
		}
		got, _ := os.ReadFile(path)
		if want == "" && (!errors.Is(err, ErrOtherHeader) || string(got) != was) || want != "" && (err != nil || len(rows) > 0 || string(got) != want) {
			t.Errorf("%q: %q, %v", was, got, err)
		}
	}
}

// TestJournalKeepsForeignFiles: what is no journal is not written over, and a journal of other settings says which.
func TestJournalKeepsForeignFiles(t *testing.T) {
	header := []byte("format: net 1\nimages: 5\n\n")
	for name, c := range map[string]struct{ content, want string }{
		"a note":         {"my notes\nof yesterday\n", "another file"},
		"a short note":   {"x", "another file"},
		"other settings": {"format: net 1\nimages: 6\n\na 1\n", `it says "images: 6", now it would say "images: 5"`},
		"a longer one":   {"format: net 1\nimages: 5\nseed: 1\n\na 1\n", `it says "seed: 1", now it would say ""`},
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := OpenJournal(path, header)
		kept, readErr := os.ReadFile(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || string(kept) != c.content || readErr != nil {
			t.Errorf("%s: %v, want %q; the file has %q", name, err, c.want, kept)
		}
	}
	for _, begun := range []string{"", "for", "format: net 1", "format: net 1\nima"} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(begun), 0o600); err != nil {
			t.Fatal(err)
		}
		j, rows, err := OpenJournal(path, header)
		if err != nil || len(rows) != 0 {
			t.Fatalf("%q: %v, %v", begun, rows, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
