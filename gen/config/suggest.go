package config

import (
	"fmt"
	"strings"
)

// suggest returns "; did you mean X?" when one of the names is close to name.
func suggest(name string, names []string) string {
	best, at := "", max(2, len(name)/3)+1
	for _, n := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < at {
			best, at = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// suggestKey finds the legal key that an unknown one resembles: the same name in another table first, then a near name.
func suggestKey(path []string) string {
	last := path[len(path)-1]
	for _, k := range keys {
		if parts := strings.Split(k.path, "."); parts[len(parts)-1] == last {
			return fmt.Sprintf("; did you mean %s?", shown(k.path))
		}
	}
	var names []string
	for _, k := range keys {
		names = append(names, concrete(k.path, path))
	}
	return suggest(strings.Join(path, "."), names)
}

// concrete puts the names of path in place of the pattern's stars.
func concrete(pattern string, path []string) string {
	parts := strings.Split(pattern, ".")
	for i, p := range parts {
		if strings.HasPrefix(p, "*") && i < len(path) && len(parts) == len(path) && (p == "*" || p == "**") {
			parts[i] = path[i]
		}
	}
	return strings.Join(parts, ".")
}

func shown(pattern string) string {
	return strings.ReplaceAll(strings.ReplaceAll(pattern, "**", "<name>"), "*", "<Block>")
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
