package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/spell"
)

// maxKey is more than any legal key has.
const maxKey = 1000

// suggestKey finds the legal key that an unknown one resembles: the same name in another table first, then a near name.
func suggestKey(path []string) string {
	if len(strings.Join(path, ".")) > maxKey {
		return ""
	}
	last := path[len(path)-1]
	for theirs, word := range words {
		if strings.HasSuffix(theirs, "."+last) {
			last = word[strings.LastIndexByte(word, '.')+1:]
		}
	}
	for _, k := range keys {
		if parts := strings.Split(k.path, "."); parts[len(parts)-1] == last {
			return fmt.Sprintf("; did you mean %s?", shown(k.path))
		}
	}
	var names []string
	for _, k := range keys {
		names = append(names, concrete(k.path, path))
	}
	for theirs := range words {
		names = append(names, theirs)
	}
	slices.Sort(names)
	return spell.Suggest(strings.Join(path, "."), names)
}

// concrete replaces the pattern's stars by the names in path.
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
