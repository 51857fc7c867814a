//go:build !amd64

package kernel

// detect returns the assembly sets of this architecture: none yet.
func detect() []*ISA { return nil }
