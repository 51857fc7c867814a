package supernet

import (
	"slices"
	"strings"
)

// einsum multiplies the operands pair by pair from the left. A product has as many multiplications as there are positions of the axes of both
// operands; axes that neither the result nor an operand to come has are summed with it. A product without such axes is element-wise, and costs nothing.
func einsum(n node) int64 {
	text, _ := n.Attr("equation")
	in, out, arrow := strings.Cut(strings.ReplaceAll(text.String, " ", ""), "->")
	terms := strings.Split(in, ",")
	size := map[string]int64{}
	axes := make([][]string, len(terms))
	for k, t := range terms {
		shape := n.shape(k)
		axes[k] = axesOf(t, len(shape))
		for i, a := range axes[k] {
			size[a] = max(size[a], int64(shape[i]))
		}
	}
	needed := axesOf(out, len(n.result()))
	if !arrow {
		needed = axesOf("...", len(n.result())) // more than the result has: what occurs twice is summed
		for a := range size {
			if strings.Count(in, a) == 1 {
				needed = append(needed, a)
			}
		}
	}
	total, kept := int64(0), axes[0]
	for k := 1; k < len(terms); k++ {
		all := map[string]bool{}
		for _, a := range append(kept, axes[k]...) {
			all[a] = true
		}
		cost := int64(1)
		for a := range all {
			cost *= size[a]
		}
		kept = nil
		for a := range all {
			if slices.Contains(needed, a) || slices.Contains(slices.Concat(axes[k+1:]...), a) {
				kept = append(kept, a)
			}
		}
		if len(kept) < len(all) {
			total += cost
		}
	}
	return total
}

// axesOf names the axes of a term of so many: letters, and for those of an ellipsis their places from the last one.
func axesOf(term string, rank int) []string {
	before, after, dots := strings.Cut(term, "...")
	out := strings.Split(before, "")
	for k := rank - len(before) - len(after); dots && k > 0; k-- {
		out = append(out, strings.Repeat(".", k))
	}
	if after != "" {
		out = append(out, strings.Split(after, "")...)
	}
	return out
}
