package supernet

import (
	"fmt"
	"strings"

	"github.com/autotailor/autotailor/ir"
)

// sides keeps the resolutions at which the model's operators and constants work. The first is the original.
func (b *binder) sides(id ir.ValueID, list []float64) []float64 {
	out := list[:1:1]
	var reasons []string
	left := map[string][]string{} // sides by the reason against them
	for _, side := range list[1:] {
		why := ""
		if side > list[0] {
			why = fmt.Sprintf("the model's input has a side of %s, and a SubNet's cannot be larger", number(list[0]))
		} else if err := b.refused(id, side/list[0]); err != nil {
			why = err.Error()
		} else {
			out = append(out, side)
			continue
		}
		if left[why] == nil {
			reasons = append(reasons, why)
		}
		left[why] = append(left[why], number(side))
	}
	for _, why := range reasons {
		b.warning(b.config.Resolution.Pos, "%s left out: %s", leftOut(left[why]), why)
	}
	return out
}

// leftOut names the resolutions that are left out, or the first few of many.
func leftOut(sides []string) string {
	const most = 8
	switch n := len(sides); {
	case n == 1:
		return "resolution " + sides[0] + " is"
	case n > most:
		return fmt.Sprintf("resolutions %s and %d more are", strings.Join(sides[:most], ", "), n-most)
	}
	return "resolutions " + strings.Join(sides, ", ") + " are"
}
