package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what a command and all that it started needed.
type usage struct {
	seconds float64
	largest int // bytes resident of its largest process
	all     int // of all together, pages that several have counted once
	output  string
}

func (u usage) String() string {
	return fmt.Sprintf("%.0f s; largest process %.2f GB resident, all together %.2f GB", u.seconds, float64(u.largest)/1e9, float64(u.all)/1e9)
}

// command runs a program. until is asked again and again, and ends it with SIGKILL, and all that it started, once it answers true.
func (d drill) command(ctx context.Context, dir string, until func() bool, args ...string) (usage, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "OMP_NUM_THREADS=1", "PYTHONPATH="+dir)
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return usage{}, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var u usage
	for {
		select {
		case err := <-done:
			u.seconds, u.output = time.Since(start).Seconds(), out.String()
			if err != nil {
				err = fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out.String())
			}
			return u, err
		case <-time.After(d.poll):
		}
		family := descendants(cmd.Process.Pid)
		u.add(family)
		if until != nil && until() {
			for _, pid := range family {
				if p, err := os.FindProcess(pid); err == nil {
					_ = p.Kill() // it may have ended by itself
				}
			}
			<-done
			u.seconds, u.output = time.Since(start).Seconds(), out.String()
			return u, errKilled
		}
	}
}

var errKilled = errors.New("killed")

// add measures processes.
func (u *usage) add(pids []int) {
	all := 0
	for _, pid := range pids {
		u.largest = max(u.largest, kilobytes(pid, "status", "VmHWM:"))
		all += kilobytes(pid, "smaps_rollup", "Pss:")
	}
	u.all = max(u.all, all)
}

// kilobytes reads a line of a process's file in /proc, in bytes; 0 where there is none.
func kilobytes(pid int, file, key string) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	_, rest, found := strings.Cut(string(b), "\n"+key)
	if err != nil || !found {
		return 0
	}
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		return 0
	}
	return n * 1024
}

// descendants are a process and all that it started, and so on.
func descendants(root int) []int {
	children := map[int][]int{}
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return []int{root}
	}
	for _, e := range entries {
		b, err := os.ReadFile(e)
		pid, err2 := strconv.Atoi(filepath.Base(filepath.Dir(e)))
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // the name before may have spaces
		if err != nil || err2 != nil || len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	out := []int{root}
	for k := 0; k < len(out); k++ {
		out = append(out, children[out[k]]...)
	}
	return out
}
