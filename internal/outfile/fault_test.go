package outfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/internal/outfile/faulty"
)

// TestFaults: each call fails once, in each way. A file that was there stays, or the new one is there; of two files both are old or both are new.
// What a crash leaves, the next run tidies up.
func TestFaults(t *testing.T) {
	for _, kind := range faulty.Kinds() {
		for at := 0; ; at++ {
			dir := t.TempDir()
			a, b := filepath.Join(dir, "a"), filepath.Join(dir, "sub", "b")
			if err := errors.Join(os.Mkdir(filepath.Dir(b), 0o700), outfile.WriteAll(outfile.Content{Path: a, Data: []byte("old")}, outfile.Content{Path: b, Data: []byte("old")})); err != nil {
				t.Fatal(err)
			}
			var f *faulty.System
			var err error
			t.Run("", func(t *testing.T) {
				f = faulty.New(outfile.Disk(), kind, at)
				outfile.Use(t, f)
				err = outfile.WriteAll(outfile.Content{Path: a, Data: []byte("new")}, outfile.Content{Path: b, Data: []byte("new")})
			})
			if !f.Failed() {
				if err != nil {
					t.Fatal(err)
				}
				if at < map[faulty.Kind]int{faulty.Fails: 30, faulty.Crash: 30, faulty.Full: 10, faulty.Short: 3}[kind] {
					t.Errorf("%v: only %d calls", kind, at)
				}
				break
			}
			where := fmt.Sprintf("%v at call %d (%s): %v", kind, at, f.Call(), err)
			whole := func(when string) {
				if got := []string{read(t, a), read(t, b)}; !slices.Contains(got, "old") && !slices.Contains(got, "new") || got[0] != got[1] {
					t.Errorf("%s; %s: %q", where, when, got)
				}
			}
			if kind != faulty.Crash {
				whole("at once")
			}
			if err != nil && (!strings.Contains(err.Error(), faulty.Cause(kind)) || !strings.Contains(err.Error(), dir)) {
				t.Errorf("%s: the error does not name file and cause", where)
			}
			for _, path := range []string{a, b} { // who looks next
				h, err := outfile.Acquire(path)
				if err == nil {
					err = h.Release()
				}
				if err != nil {
					t.Errorf("%s; then %v", where, err)
				}
			}
			whole("afterwards")
			if got := append(names(t, dir), names(t, filepath.Dir(b))...); !slices.Equal(got, []string{"a", "sub", "b"}) {
				t.Errorf("%s; left over: %q", where, got)
			}
		}
	}
}
