//go:build unix && !linux

package device

import (
	"os/exec"
	"syscall"
)

// startGroup starts the driver as the head of a process group, so that what it started can be ended with it.
func startGroup(c *exec.Cmd) error {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return c.Start()
}

func killGroup(c *exec.Cmd) {
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // it may be gone
}
