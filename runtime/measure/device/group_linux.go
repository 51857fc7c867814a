package device

import (
	"os/exec"
	"runtime"
	"syscall"
)

// startGroup starts the driver as the head of a process group, so that what it started can be ended with it. It is killed when this process
// ends, however that ends. The system takes the thread that starts a process for its parent, so that the thread has to stay.
func startGroup(c *exec.Cmd) error {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			_ = gone(c.Process.Pid)
		}
		runtime.UnlockOSThread()
	}()
	return <-started
}

// gone waits until a process has ended, and leaves it to whoever waits for its result.
func gone(pid int) error {
	const exited, nowait, byPID = 4, 0x01000000, 1 // WEXITED, WNOWAIT, P_PID
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, byPID, uintptr(pid), 0, exited|nowait, 0, 0)
		if errno != syscall.EINTR {
			return errno
		}
	}
}

func killGroup(c *exec.Cmd) {
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // it may be gone
}
