package main

import "syscall"

// limitMemory bounds the data of this process, the runtime's own included.
func limitMemory(bytes int64) error {
	if bytes <= 0 {
		return nil
	}
	const own = 256 << 20
	limit := uint64(bytes + own)
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: limit, Max: limit})
}
