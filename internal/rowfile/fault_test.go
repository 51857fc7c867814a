package rowfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/internal/outfile/faulty"
	"github.com/autotailor/autotailor/internal/rowfile"
)

// grow opens a journal and adds rows until there are four; it returns how many Append has accepted or found.
func grow(path string) (rows int, err error) {
	j, lines, err := rowfile.OpenJournal(path, []byte("format: test 1\nimages: 5\n\n"))
	if err != nil {
		return 0, err
	}
	for rows = len(lines); rows < 4; rows++ {
		if err := j.Append("row " + strings.Repeat("x", rows)); err != nil {
			return rows, errors.Join(err, j.Close())
		}
	}
	return rows, j.Close()
}

// TestJournalFaults: whatever call fails, of a journal that is begun or goes on, each row that was accepted is there the next time, and the same
// work again completes it.
func TestJournalFaults(t *testing.T) {
	const header, two = "format: test 1\nimages: 5\n\n", "row \nrow x\n"
	for _, was := range []string{"", "format", header, header + two, header + two + "row x"} {
		for _, kind := range faulty.Kinds() {
			for at := 0; ; at++ {
				path := filepath.Join(t.TempDir(), "journal")
				if was != "" {
					if err := os.WriteFile(path, []byte(was), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				f := faulty.New(outfile.Disk(), kind, at)
				var rows int
				var err error
				t.Run("", func(t *testing.T) {
					outfile.Use(t, f)
					rows, err = grow(path)
				})
				if !f.Failed() {
					break
				}
				if err != nil && (!strings.Contains(err.Error(), faulty.Cause(kind)) || !strings.Contains(err.Error(), path)) {
					t.Errorf("%q, %v at call %d: %v does not name file and cause", was, kind, at, err)
				}
				text, err := os.ReadFile(path)
				if err != nil && (was != "" || !errors.Is(err, os.ErrNotExist)) {
					t.Fatal(err)
				}
				if n := strings.Count(string(text), "\nrow"); n < rows || strings.Contains(was, two) && !strings.Contains(string(text), two) {
					t.Errorf("%q, %v at call %d (%s): %d rows were accepted, the file has %q", was, kind, at, f.Call(), rows, text)
				}
				if rows, err = grow(path); rows != 4 || err != nil {
					t.Errorf("%q, %v at call %d (%s), then again: %d rows, %v", was, kind, at, f.Call(), rows, err)
				}
				if text, _ := os.ReadFile(path); string(text) != header+two+"row xx\nrow xxx\n" {
					t.Errorf("%q, %v at call %d (%s), then again: %q", was, kind, at, f.Call(), text)
				}
			}
		}
	}
}
