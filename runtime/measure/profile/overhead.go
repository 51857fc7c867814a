package profile

import (
	"context"
	"time"

	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/nn"
)

// An engine's clock of kernels takes time itself: ONNX Runtime's writes down names and shapes, 2 to 5 µs for each kernel, more in one session
// than in another. So a covering SubNet also runs without it, and what all its kernels together took longer under the clock is taken
// from them, the same from each.

// plainRounds of two runs tell what a SubNet takes without the clock of kernels.
const plainRounds = 3

// long is the mean time of a network's kernels above which what the clock takes is within the noise.
const long = 300 * time.Microsecond

// shortest is the least that a kernel is said to take.
const shortest = 100 * time.Nanosecond

// taken is what the kernels of a site took, and how many they are.
type taken struct {
	times   []time.Duration
	kernels int
}

// add joins a kernel, run by run.
func (t *taken) add(times []time.Duration) {
	t.times = plus(t.times, times)
	t.kernels++
}

// row is the measurement less what the clock took for each kernel.
func (t *taken) row(rates []float64, clock time.Duration) lut.Row {
	r := summary(corrected(t.times, rates))
	less := clock * time.Duration(t.kernels)
	r.Min, r.Median = max(r.Min-less, shortest), max(r.Median-less, shortest)
	return r
}

// overhead measures what the clock takes for each kernel of a network whose kernels are short.
func (c *covering) overhead(ctx context.Context, graph *nn.Graph, w nn.Weights, all []*taken, rates []float64) (time.Duration, error) {
	sum, kernels := time.Duration(0), 0
	for _, t := range all {
		sum, kernels = sum+t.row(rates, 0).Median, kernels+t.kernels
	}
	if sum > time.Duration(kernels)*long {
		return 0, nil
	}
	plain, err := c.clock.once(ctx, graph, w, plainRounds, time.Hour)
	if err != nil {
		return 0, err
	}
	return surplus(all, rates, plain.Median), nil
}

// surplus is the least time that, taken from each kernel, leaves no more than the whole network takes.
func surplus(all []*taken, rates []float64, whole time.Duration) time.Duration {
	medians := make([]time.Duration, len(all))
	for i, t := range all {
		medians[i] = t.row(rates, 0).Median
	}
	total := func(clock time.Duration) (sum time.Duration) {
		for i, t := range all {
			sum += max(medians[i]-clock*time.Duration(t.kernels), shortest)
		}
		return sum
	}
	low, high := time.Duration(0), whole
	for low < high {
		if mid := (low + high) / 2; total(mid) <= whole {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}
