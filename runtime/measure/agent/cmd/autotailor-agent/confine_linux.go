//go:build linux && !android

package main

import (
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	"github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// confine takes rights from this process that measuring needs none of: it reads the networks in the folder for temporary files and what the system
// says of the processor, writes no file, opens no connection, and gains no rights by programs that have more. Older kernels know some of that, or nothing.
func confine() error {
	read := landlock.RODirs(os.TempDir(), "/proc", "/sys").IgnoreIfMissing()
	if err := landlock.V6.BestEffort().Restrict(read); err != nil {
		return fmt.Errorf("the process that measures networks cannot give up its rights: %w", err)
	}
	return nil
}

// unconfined says what confine cannot do on this machine, "" where it can do everything.
func unconfined() string {
	if v, err := syscall.LandlockGetABIVersion(); err != nil || v < 1 {
		return "this kernel has no Landlock: a network that breaks out of the process in which it is measured has the rights of this user"
	}
	return ""
}
