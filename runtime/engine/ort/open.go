package ort

import "github.com/autotailor/autotailor/runtime/engine"

// Open is Find and New for command lines: threads 0 means all processors.
func Open(threads int) (engine.Engine, error) {
	lib, err := Find()
	if err != nil {
		return nil, err
	}
	return New(lib, Options{Threads: threads})
}
