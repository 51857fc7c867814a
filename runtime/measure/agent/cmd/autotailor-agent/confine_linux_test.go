//go:build linux && !android

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/needs"
)

// TestConfined: the process in which networks are measured reads nothing of its user's but the folder for temporary files, and cannot gain rights.
func TestConfined(t *testing.T) {
	needs.Time(t)
	if text := unconfined(); text != "" {
		t.Skip(text)
	}
	home := t.TempDir() // elsewhere than the folder for temporary files that the process is told
	secret := filepath.Join(home, "secret")
	if err := errors.Join(os.WriteFile(secret, []byte("{}"), 0o600), os.Mkdir(filepath.Join(home, "tmp"), 0o700)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(build(t, runtime.GOARCH), "drive")
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(home, "tmp"))
	in, err := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err = errors.Join(err, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	ask := func(path string) string {
		fmt.Fprintf(in, "{\"type\":\"measure\",\"id\":\"1\",\"model\":%q,\"runs\":1,\"limit_ms\":100}\n", path)
		var answer struct{ Error string }
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &answer) != nil {
			t.Fatalf("no answer: %v", lines.Err())
		}
		return answer.Error
	}
	if got := ask(secret); !strings.Contains(got, "permission denied") {
		t.Errorf("a file elsewhere: %s", got)
	}
	if got := ask(filepath.Join(home, "tmp", "none")); !strings.Contains(got, "no such file") {
		t.Errorf("a file in the folder for temporary files: %s", got)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil || !strings.Contains(string(status), "NoNewPrivs:\t1") {
		t.Errorf("the process can gain rights: %v", err)
	}
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Error(err)
	}
}

// TestChildEndsWithAgent: the process that measures does not outlive an agent that is killed.
func TestChildEndsWithAgent(t *testing.T) {
	needs.Time(t)
	cmd := exec.Command(build(t, runtime.GOARCH), "serve", "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err = errors.Join(err, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), "--engine"); {
	}
	var child int
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", cmd.Process.Pid))
	for _, name := range threads {
		if text, err := os.ReadFile(name); err == nil && len(text) > 0 {
			_, _ = fmt.Sscan(string(text), &child)
		}
	}
	if child == 0 {
		t.Fatal("the agent has no process that measures, or this system does not tell")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if errors.Is(syscall.Kill(child, 0), syscall.ESRCH) || zombie(child) {
			return
		}
	}
	t.Errorf("process %d outlives the agent", child)
}

// zombie tells whether a process has ended, and nobody has asked how.
func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(text), ") Z ")
}
