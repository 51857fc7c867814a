package data

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls f for each number from 0 up to but not including n, on as many goroutines as the set needs: one where its images are in memory,
// else one for each processor. worker is which of them calls. After an error no new call begins; all errors are returned.
func (s *Set) parallel(n int, f func(worker, k int) error) error { return spread(s.workers(), n, f) }

// spread calls f for each number below n on at most so many goroutines.
func spread(workers, n int, f func(worker, k int) error) error {
	workers = min(workers, n)
	if workers <= 1 {
		for k := range n {
			if err := f(0, k); err != nil {
				return err
			}
		}
		return nil
	}
	var (
		all    sync.WaitGroup
		next   atomic.Int64
		failed atomic.Bool
		errs   = make([]error, workers)
	)
	for worker := range workers {
		all.Go(func() {
			for k := int(next.Add(1)) - 1; k < n && !failed.Load(); k = int(next.Add(1)) - 1 {
				if errs[worker] = f(worker, k); errs[worker] != nil {
					failed.Store(true)
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// workers is how many goroutines read images.
func (s *Set) workers() int {
	if s.Images == nil {
		return 1
	}
	return runtime.GOMAXPROCS(0)
}
