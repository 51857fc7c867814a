package policy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// glossary is the page that defines our words, and mostWords is how many it may have: a reader learns a few words, not a language.
const (
	glossary  = "../../gen/doc/glossary.md"
	mostWords = 40
)

// TestGlossaryWordsAreUsed: the glossary is short and sorted, and README.md or another page of gen/doc uses each of its words.
func TestGlossaryWordsAreUsed(t *testing.T) {
	pages, err := filepath.Glob("../../gen/doc/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, path := range append(pages, "../../README.md") {
		if path != glossary {
			text.WriteString(readText(t, path))
		}
	}
	words := glossaryWords(t)
	if len(words) == 0 || len(words) > mostWords {
		t.Errorf("the glossary has %d words, want 1 to %d", len(words), mostWords)
	}
	if !slices.IsSortedFunc(words, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }) {
		t.Errorf("the glossary's words are not in alphabetical order: %v", words)
	}
	for _, word := range words {
		// Inflected forms count: "choices", "recalibrates", "agents".
		used := regexp.MustCompile(`(?i)\b` + strings.ReplaceAll(regexp.QuoteMeta(word), " ", `\s+`) + `(s|es|d)?\b`)
		if !used.MatchString(text.String()) {
			t.Errorf("the glossary explains %q, which no page uses: remove it, or use it", word)
		}
	}
}

// glossaryWords are the words of the glossary's table, in its order.
func glossaryWords(t *testing.T) []string {
	t.Helper()
	var words []string
	for _, line := range strings.Split(readText(t, glossary), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if word := strings.TrimSpace(cells[0]); len(cells) == 2 && word != "word" && strings.Trim(word, "-") != "" {
			words = append(words, word)
		}
	}
	return words
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
