// Package spell proposes what a misspelt name may have meant.
package spell

import (
	"fmt"
	"strings"
)

// maxName bounds the names that something is proposed for.
const maxName = 100

// Suggest returns "; did you mean X?" when one of the names is close to name.
func Suggest(name string, names []string) string {
	best, at := "", max(2, len(name)/3)+1
	if len(name) > maxName {
		return ""
	}
	for _, n := range names {
		if max(len(n)-len(name), len(name)-len(n)) >= at {
			continue // at least so many letters are missing
		}
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < at {
			best, at = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diag, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diag+cost)
		}
	}
	return row[len(b)]
}
