//go:build !linux

package main

import "runtime/debug"

// limitMemory tells the garbage collector; what a network needs is estimated before it runs in any case.
func limitMemory(bytes int64) error {
	if bytes > 0 {
		debug.SetMemoryLimit(bytes)
	}
	return nil
}
