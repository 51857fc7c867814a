package profile

import (
	"slices"
	"time"

	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/optable"
)

// A kernel takes longer in a large network than in a small one, where more of what it reads is in the caches. So the sums of rows, which are of
// networks of all sizes, are too long for the smallest networks and too short for the largest, by a few percent. The covering SubNets tell by how
// much: each operator was seen in several.

// sizes is how large a time per kernel is expected to be that makes up for the sizes of networks, in nanoseconds.
const sizes = 2000

// context is the time per kernel, in nanoseconds, that makes sums of rows fit both small and large networks: ridge regression over the covering
// SubNets, of what their operators took there on what they took in the others. It is near zero where it is uncertain.
func (c *covering) context() float64 {
	var all []calibrated
	for _, n := range elsewhere(c.seen) {
		if n.took > 0 && n.sum > 0 {
			all = append(all, n)
		}
	}
	_, perKernel := shrunk(all, 0, sizes)
	return perKernel
}

// elsewhere tells of each network what its operators took in it, and in sum what is the median of others; those that no other network has are
// left out.
func elsewhere(seen [][]sighting) []calibrated {
	in := map[optable.ID][]int{} // networks
	times := map[optable.ID][]time.Duration{}
	for i, list := range seen {
		for _, s := range list {
			if n := len(in[s.id]); n == 0 || in[s.id][n-1] != i {
				in[s.id] = append(in[s.id], i)
			}
			times[s.id] = append(times[s.id], work(s.row))
		}
	}
	for _, list := range times {
		slices.Sort(list)
	}
	out := make([]calibrated, len(seen))
	for i, list := range seen {
		for _, s := range list {
			if len(in[s.id]) < 2 {
				continue
			}
			took := work(s.row)
			out[i].took += float64(took)
			out[i].sum += float64(medianBut(times[s.id], took))
			out[i].kernels += float64(s.row.Kernels())
		}
	}
	return out
}

// work is all that a row's kernels took.
func work(r lut.Row) time.Duration { return r.Median + r.Layout.Median }

// medianBut is the median of a sorted list but for one of its elements.
func medianBut(sorted []time.Duration, one time.Duration) time.Duration {
	at, _ := slices.BinarySearch(sorted, one)
	other := func(i int) time.Duration {
		if i >= at {
			i++
		}
		return sorted[i]
	}
	n := len(sorted) - 1
	return (other((n-1)/2) + other(n/2)) / 2
}
