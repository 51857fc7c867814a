package space

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// original is the text form of the SubNet that is the original model.
const original = "original"

// Format returns the text form of g: name=value of each live choice that is not the original's,
// joined by commas, or "original".
func Format(cs []Choice, g Genes) string {
	var b strings.Builder
	for i := range cs {
		if g[i] == 0 || !Holds(cs[i].Live, g) {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(cs[i].Name)
		b.WriteByte('=')
		b.WriteString(cs[i].Values[g[i]])
	}
	if b.Len() == 0 {
		return original
	}
	return b.String()
}

// Bounds of what is read and told.
const (
	maxText   = 1 << 15 // bytes: 256 choices with long names have a third of them
	maxErrors = 10
)

// Parse reads the text form of a SubNet and returns its canonical genes. It accepts any order, spaces,
// original values and choices of removed blocks; its error lists everything that is wrong.
func Parse(cs []Choice, text string) (Genes, error) {
	g := make(Genes, len(cs))
	if text = strings.TrimSpace(text); text == original {
		return g, nil
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("subnet %.40q...: it has %d bytes, no SubNet is written with so many", text, len(text))
	}
	var errs []error
	set := make([]bool, len(cs))
	for _, field := range strings.Split(text, ",") {
		i, v, err := parseField(cs, strings.TrimSpace(field))
		switch {
		case len(errs) == maxErrors:
		case err != nil:
			errs = append(errs, err)
		case set[i] && g[i] != v:
			errs = append(errs, fmt.Errorf("choice %q: set to both %s and %s", cs[i].Name, cs[i].Values[g[i]], cs[i].Values[v]))
		default:
			g[i], set[i] = v, true
		}
	}
	if err := errors.Join(errs...); err != nil {
		if now, ok := renewed(cs, text); ok {
			return nil, fmt.Errorf("subnet %q was written by version 1; write %q", text, now)
		}
		return nil, fmt.Errorf("subnet %q: %w", text, err)
	}
	Canonical(cs, g)
	return g, nil
}

// Version1 returns the choices with the names that version 1 gave them: it also counted blocks without choices.
func Version1(cs []Choice) []Choice {
	old := slices.Clone(cs)
	for i, c := range cs {
		if c.Was != "" {
			old[i].Name = c.Was
		}
		old[i].Was = ""
	}
	return old
}

// Renamed finds the first choice in a text whose name version 1 gave to another choice: the text may be old, and mean another SubNet. was is the choice's name in
// version 1.
func Renamed(cs []Choice, text string) (name, was string) {
	for _, field := range strings.Split(text, ",") {
		name, _, _ := strings.Cut(field, "=")
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(cs, func(c Choice) bool { return c.Name == name })
		if i >= 0 && cs[i].Was != "" && slices.ContainsFunc(cs, func(c Choice) bool { return c.Was == name }) {
			return name, cs[i].Was
		}
	}
	return "", ""
}

// renewed translates a text of version 1 to today's form. ok is false if all its names exist today, because it cannot be distinguished from a text of today.
func renewed(cs []Choice, text string) (now string, ok bool) {
	if !slices.ContainsFunc(cs, func(c Choice) bool { return c.Was != "" }) {
		return "", false
	}
	g, err := Parse(Version1(cs), text)
	if err != nil {
		return "", false
	}
	return Format(cs, g), true
}

// parseField reads one name=value.
func parseField(cs []Choice, field string) (choice int, value uint8, err error) {
	name, val, ok := strings.Cut(field, "=")
	name, val = strings.TrimSpace(name), strings.TrimSpace(val)
	if !ok {
		return 0, 0, fmt.Errorf("%q: want name=value, or %q alone", field, original)
	}
	i := slices.IndexFunc(cs, func(c Choice) bool { return c.Name == name })
	if i < 0 {
		return 0, 0, fmt.Errorf("no choice %q%s", name, didYouMean(cs, name))
	}
	v := slices.Index(cs[i].Values, val)
	if v < 0 {
		share := ""
		if _, err := strconv.Atoi(val); err == nil && slices.Contains(cs[i].Values, "0.5") {
			share = ", which are shares of the model's"
		}
		return 0, 0, fmt.Errorf("choice %q: no value %q, want one of %s%s", name, val, strings.Join(cs[i].Values, " "), share)
	}
	return i, uint8(v), nil
}

// didYouMean names the choices closest to name. If none is near and there are few choices, it names all.
func didYouMean(cs []Choice, name string) string {
	best, near := 1+len(name)/3, []string(nil)
	for _, c := range cs {
		d := distance(name, c.Name)
		if d < best {
			best, near = d, nil
		}
		if d == best && len(near) < 3 {
			near = append(near, c.Name)
		}
	}
	if len(near) > 0 {
		return ", did you mean " + strings.Join(near, " or ") + "?"
	}
	if len(cs) > 8 {
		return ""
	}
	for _, c := range cs {
		near = append(near, c.Name)
	}
	return ", want one of " + strings.Join(near, " ")
}

// distance is the number of byte edits from a to b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
