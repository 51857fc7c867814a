package profile

import "syscall"

// switches is how often the system has taken the processor away from this thread.
func switches() int64 {
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		return 0
	}
	return int64(u.Nivcsw)
}
