// Package words cuts command lines into words.
package words

import (
	"errors"
	"strings"
)

// Split cuts a command line into words. Single and double quotes keep spaces; nothing else is special.
func Split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inside, quote := false, rune(0)
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			inside, quote = true, r
		case r == ' ' || r == '\t':
			if inside {
				words = append(words, word.String())
				word.Reset()
			}
			inside = false
		default:
			inside = true
			word.WriteRune(r)
		}
	}
	if inside {
		words = append(words, word.String())
	}
	switch {
	case quote != 0:
		return nil, errors.New("a quote is not closed")
	case len(words) == 0:
		return nil, errors.New("there is no program; write cmd:PROGRAM ARGUMENTS")
	}
	return words, nil
}
