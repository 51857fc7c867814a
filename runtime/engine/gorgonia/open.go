//go:build !riscv64

package gorgonia

import "github.com/autotailor/autotailor/runtime/engine"

// Open is New for command lines: threads 0 means all processors.
func Open(threads int) (engine.Engine, error) { return New(Options{Threads: threads}), nil }
