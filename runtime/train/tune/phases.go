package tune

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/space"
)

// Phase is a part of progressive shrinking: choices of the kinds in Full have all their candidates, those of the kind Growing
// their Limit largest ones, and others only the original's. Choices of the whole net (the resolution) are always elastic.
type Phase struct {
	Full    []string
	Growing string
	Limit   int
}

// shrinking is the order in which kinds become elastic: once-for-all's, with what it does not know at the place of what it is
// most like. A kind that is not listed comes last.
var shrinking = []string{"kernel", "depth", "expand", "ratio", "heads", "qk", "value", "width"}

// Phases divides progressive shrinking. Each kind of choice has a phase for every candidate that its longest choice has beside the
// original's, so that one more becomes legal each time.
func Phases(choices []space.Choice) []Phase {
	longest := map[string]int{}
	order := slices.Clone(shrinking)
	for _, c := range choices {
		if scope(c.Name) == "" {
			continue
		}
		longest[c.Kind] = max(longest[c.Kind], len(c.Values))
		if !slices.Contains(order, c.Kind) {
			order = append(order, c.Kind)
		}
	}
	var out []Phase
	var full []string
	for _, kind := range order {
		for n := 2; n <= longest[kind]; n++ {
			out = append(out, Phase{slices.Clone(full), kind, n})
		}
		if longest[kind] > 0 {
			full = append(full, kind)
		}
	}
	return out
}

// allows is how many candidates a choice has in the phase.
func (p Phase) allows(c space.Choice) int {
	switch {
	case scope(c.Name) == "" || slices.Contains(p.Full, c.Kind):
		return len(c.Values)
	case c.Kind == p.Growing:
		return min(p.Limit, len(c.Values))
	}
	return 1
}
