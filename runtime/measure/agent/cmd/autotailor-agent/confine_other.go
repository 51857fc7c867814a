//go:build !linux || android

package main

// confine does nothing on a system for which no way is known.
func confine() error { return nil }

// unconfined says what confine cannot do on this machine.
func unconfined() string {
	return "on this system the process in which networks are measured has the rights of this user"
}
