package cli_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/command/cli"
)

// asCommand makes this program the command of MobileNetV2 where it is set.
const asCommand = "AUTOTAILOR_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(cli.Run(context.Background(), mobilenetv2.Definition(), os.Args[1:], os.Stdout, os.Stderr, options()))
	}
	os.Exit(m.Run())
}

// kills is how often each command is killed; `make chaos` does it 20 times.
func kills(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("AUTOTAILOR_KILLS"))
	if err != nil {
		return 2
	}
	return n
}

// killed runs a command line in a process of its own, which is killed after a time, and tells whether it had ended before. What it said is kept.
func killed(t *testing.T, after time.Duration, args ...string) (ended bool, said string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if timer.Stop() && err != nil {
		t.Fatalf("%v: %v\n%s", args, err, b.String())
	}
	return err == nil, b.String()
}

// undated leaves out what says when something was done.
func undated(files map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range files {
		var lines []string
		for _, l := range strings.SplitAfter(text, "\n") {
			if !strings.HasPrefix(l, "date:") && !strings.HasPrefix(l, "# ") {
				lines = append(lines, l)
			}
		}
		out[name] = strings.Join(lines, "")
	}
	return out
}

// TestKilled kills commands at random moments: the same command again goes on and ends with the same files as one that was left alone, and rows of
// a profile stay as they were.
func TestKilled(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	base := t.TempDir()
	acc, lut := filepath.Join(base, "a.acc"), filepath.Join(base, "a.lut")
	result(t, "sensitivity", "--model", model, "--data", images, "--images", "4", "--calibrate", "4", "--out", acc)
	result(t, "profile", "--out", lut, "--runs", "1", "--method", "isolated")
	for name, c := range map[string]struct {
		random bool // two runs do not end with the same bytes
		args   []string
	}{
		"profile":     {true, []string{"profile", "--runs", "1", "--out", "OUT"}},
		"isolated":    {true, []string{"profile", "--runs", "1", "--method", "isolated", "--out", "OUT"}},
		"sensitivity": {false, []string{"sensitivity", "--model", model, "--data", images, "--images", "20", "--calibrate", "20", "--out", "OUT"}},
		"tune":        {false, []string{"tune", "--model", model, "--data", images, "--steps", "6", "--batch", "8", "--calibrate", "20", "--check", "0", "--out", "OUT"}},
		"search":      {true, []string{"search", "--lut", lut, "--accuracy", "OUT", "--verify", "3", "--model", model, "--data", images}},
		"export":      {false, []string{"export", "--model", model, "--subnet", "resolution=16", "--no-recalibration", "--force", "--format", "ncnn", "--out", "OUT"}},
	} {
		t.Run(name, func(t *testing.T) { killOften(t, name, acc, c.random, c.args) })
	}
}

func killOften(t *testing.T, name, acc string, random bool, args []string) {
	dir := filepath.Join(t.TempDir(), "work")
	out := filepath.Join(dir, "out")
	for i, a := range args {
		if a == "OUT" {
			args[i] = out
		}
	}
	fresh := map[string]string{}
	if name == "search" {
		text, err := os.ReadFile(acc)
		if err != nil {
			t.Fatal(err)
		}
		fresh["out"] = string(text)
	}
	begin := func() {
		restore(t, dir, fresh)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	begin()
	start := time.Now()
	if ended, said := killed(t, time.Hour, args...); !ended {
		t.Fatal(said)
	}
	whole, want := time.Since(start), undated(snapshot(t, dir))
	rng := rand.New(rand.NewPCG(1, uint64(len(args))))
	finished := 0
	begin()
	rows := ""
	check := func() {
		finished++
		got := undated(snapshot(t, dir))
		if len(got) != len(want) {
			t.Errorf("files %d, want %d", len(got), len(want))
		}
		for name := range want {
			if _, ok := got[name]; !ok || !random && got[name] != want[name] {
				t.Errorf("%s is other than that of a run that was left alone", name)
			}
		}
		begin()
		rows = ""
	}
	total := kills(t)
	for k := 0; k < total; k++ {
		ended, _ := killed(t, time.Duration(rng.Int64N(int64(whole))), args...)
		if ended { // the machine was busier before
			check()
			if whole = whole * 2 / 3; finished < 2*total {
				k--
			}
			continue
		}
		if name != "profile" && name != "isolated" {
			continue
		}
		text := snapshot(t, dir)
		now := text["out"] + text["out.part"]
		_, now, _ = strings.Cut(now, "\n\n")
		if now = now[:strings.LastIndexByte(now, '\n')+1]; !strings.HasPrefix(now, rows) && text["out"] == "" {
			t.Fatalf("kill %d: rows are gone: %d bytes, then %d", k, len(rows), len(now))
		}
		rows = now
	}
	if ended, said := killed(t, time.Hour, args...); !ended {
		t.Fatal(said)
	}
	check()
	t.Logf("killed %s %d times, %d runs came to their end", name, total, finished)
}
