package kernel

import (
	"runtime"
	"sync/atomic"
	"time"
)

// helper is a goroutine that does one job after the other. It stays awake for a moment after each: operators follow each other within
// microseconds, and waking a thread takes as long as a small operator. When no job comes it ends, so that a Team needs no closing.
type helper struct {
	state atomic.Uint32
	job   func()
	done  chan struct{} // made by the first who sleeps
	_     [40]byte      // no other helper in this cache line
}

// States of a helper.
const (
	absent  = iota // there is no goroutine
	ready          // it looks for a job
	busy           // it has one
	awaited        // it has one, at whose end somebody sleeps
)

// patience is how long a helper looks for a job, and its caller for the end of one, before they give their processor away.
const patience = 200 * time.Microsecond

// start gives the helper a job; the one before is done.
func (h *helper) start(job func()) {
	h.job = job
	if h.state.CompareAndSwap(ready, busy) {
		return
	}
	h.state.Store(busy)
	go h.work()
}

func (h *helper) work() {
	for {
		h.job()
		h.job = nil // it holds tensors
		if !h.state.CompareAndSwap(busy, ready) {
			h.state.Store(ready)
			h.done <- struct{}{}
		}
		if !h.until(func(state uint32) bool { return state != ready }) && h.state.CompareAndSwap(ready, absent) {
			return
		}
	}
}

// wait returns when the job is done.
func (h *helper) wait() {
	if h.until(func(state uint32) bool { return state != busy }) {
		return
	}
	if h.done == nil {
		h.done = make(chan struct{}, 1)
	}
	if h.state.CompareAndSwap(busy, awaited) {
		<-h.done
	}
}

// until looks at the state until it is as wanted, and tells whether it was before patience ended.
func (h *helper) until(wanted func(state uint32) bool) bool {
	for start := time.Now(); ; runtime.Gosched() {
		for range 64 {
			if wanted(h.state.Load()) {
				return true
			}
		}
		if time.Since(start) > patience {
			return false
		}
	}
}
