package kernel

import (
	"sync/atomic"
	"testing"
	"time"
)

// TestTeamRunsEveryPartOnce has helpers that are given the next job at once, that have ended since the last one, and that take so long
// that the caller falls asleep.
func TestTeamRunsEveryPartOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 8} {
		team := NewTeam(threads)
		for job := range 300 {
			var pause time.Duration
			if job%20 == 0 {
				pause = 2 * patience
			}
			const n = 1000
			var runs [n]atomic.Int32
			team.Split(n, 64*splitWork, func(lo, hi int) {
				if lo > 0 {
					time.Sleep(pause)
				}
				for i := lo; i < hi; i++ {
					runs[i].Add(1)
				}
			})
			for i := range runs {
				if k := runs[i].Load(); k != 1 {
					t.Fatalf("%d threads, job %d: element %d was computed %d times", threads, job, i, k)
				}
			}
			if job%30 == 0 {
				time.Sleep(3 * patience)
			}
		}
	}
}

// TestHelperEnds: a Team that is no longer used holds no goroutine.
func TestHelperEnds(t *testing.T) {
	team := NewTeam(4)
	team.Split(64, 64*splitWork, func(lo, hi int) {})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(patience) {
		awake := 0
		for i := range team.helpers {
			if team.helpers[i].state.Load() != absent {
				awake++
			}
		}
		if awake == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of 3 helpers are still there", awake)
		}
	}
}
