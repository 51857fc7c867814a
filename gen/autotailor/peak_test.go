//go:build linux

package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// asCommand lets this test's binary be the command, with arguments by lines.
const asCommand = "AUTOTAILOR_TEST_ARGUMENTS"

func TestMain(m *testing.M) {
	if args := os.Getenv(asCommand); args != "" {
		os.Exit(run(strings.Split(args, "\n"), os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestPeakMemory: a process that compiles a model with 400 MB of weights never has more than 150 MB in memory.
func TestPeakMemory(t *testing.T) {
	needs.Time(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, constants := range map[string]bool{"initializers": false, "constants": true} {
		path, size := largeFile(t, 4096, 3, constants)
		if size < 400_000_000 {
			t.Fatalf("%d bytes of weights", size)
		}
		for _, args := range compiling(path) {
			cmd := exec.Command(exe)
			cmd.Env = append(os.Environ(), asCommand+"="+strings.Join(args, "\n"))
			text, err := cmd.CombinedOutput()
			if err != nil && !strings.Contains(string(text), "is stale") {
				t.Fatalf("%v: %v\n%s", args, err, text)
			}
			usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			if !ok {
				t.Skip("this system does not tell how much memory a process took")
			}
			if peak := usage.Maxrss / 1024; peak > 150 {
				t.Errorf("%s, %s: %d MiB of memory", name, args[0], peak)
			}
		}
	}
}
