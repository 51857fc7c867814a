//go:build !unix

package device

import "os/exec"

// startGroup starts the driver.
func startGroup(c *exec.Cmd) error { return c.Start() }

func killGroup(c *exec.Cmd) {
	_ = c.Process.Kill() // it may be gone
}
