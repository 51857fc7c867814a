//go:build unix

package device

import (
	"os/exec"
	"syscall"
)

// ownGroup makes the driver the head of a process group, so that what it started can be ended with it.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(c *exec.Cmd) {
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // it may be gone
}
