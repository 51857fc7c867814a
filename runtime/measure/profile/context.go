package profile

import (
	"slices"
	"time"

	"github.com/autotailor/autotailor/runtime/supernet"
)

// A kernel takes longer in a large network than in a small one, where more of what it reads is in the caches. So the sums of rows, which are of
// networks of all sizes, are too long for the smallest networks and too short for the largest, by a few percent. The covering SubNets tell by how
// much: each operator was seen in several.

// sizes is how large a constant is expected to be that makes up for the sizes of networks, as a share of a middle one's time.
const sizes = 0.1

// context is the constant, in nanoseconds, that beside a factor makes sums of rows fit both small and large networks: ridge regression over the
// covering SubNets, of what their operators took there on what they took in the others. It is near zero where it is uncertain.
func (c *covering) context() float64 {
	var known []calibrated
	for _, n := range elsewhere(c.seen) {
		if n.took > 0 && n.sum > 0 {
			known = append(known, n)
		}
	}
	if len(known) == 0 {
		return 0
	}
	middle := middleOf(known)
	_, constant := shrunk(known, 0, sizes*middle)
	var totals []float64
	for _, list := range c.seen {
		total := 0.0
		for _, s := range list {
			total += float64(s.row.Took())
		}
		totals = append(totals, total)
	}
	return constant / middle * median(totals) // where few operators were seen twice, the constant is of a part of each network
}

// elsewhere tells of each network what its operators took in it, and in sum what is the median of others; those that no other network has are
// left out.
func elsewhere(seen [][]sighting) []calibrated {
	in := map[supernet.ID][]int{} // networks
	times := map[supernet.ID][]time.Duration{}
	for i, list := range seen {
		for _, s := range list {
			if n := len(in[s.id]); n == 0 || in[s.id][n-1] != i {
				in[s.id] = append(in[s.id], i)
			}
			times[s.id] = append(times[s.id], s.row.Took())
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
			took := s.row.Took()
			out[i].took += float64(took)
			out[i].sum += float64(medianBut(times[s.id], took))
		}
	}
	return out
}

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
