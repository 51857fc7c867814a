package infer

import (
	"fmt"
	"slices"
	"strings"
)

// label is an axis of an Einsum's equation: a letter, or for an axis that an ellipsis stands for its place from behind, as a negative number.
type label = rune

// Equation returns the labels of the axes of each operand and of the result, of an Einsum whose operands have so many axes.
func Equation(text string, ranks []int) (terms [][]label, result []label, err error) {
	left, right, explicit := strings.Cut(strings.ReplaceAll(text, " ", ""), "->")
	texts := strings.Split(left, ",")
	if len(texts) != len(ranks) {
		return nil, nil, fmt.Errorf("its equation %.60q has %d operands, it has %d", text, len(texts), len(ranks))
	}
	widest := 0
	for k, t := range texts {
		named := strings.ReplaceAll(t, "...", "")
		dots := ranks[k] - len(named)
		if strings.Count(t, "...") == 0 && dots != 0 || strings.Count(t, "...") > 1 || dots < 0 || strings.ContainsFunc(named, notLetter) {
			return nil, nil, fmt.Errorf("operand %d has %d axes, which its equation %.60q does not fit", k, ranks[k], text)
		}
		widest = max(widest, dots)
		terms = append(terms, labels(t, dots))
	}
	switch {
	case !explicit:
		result = append(ellipsis(widest), implicit(terms)...)
	case strings.Count(right, "...") > 1 || strings.ContainsFunc(strings.ReplaceAll(right, "...", ""), notLetter):
		return nil, nil, fmt.Errorf("its equation %.60q has a result that is not made of letters", text)
	default:
		result = labels(right, widest)
	}
	return terms, result, nil
}

func notLetter(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }

// labels are those of a term whose ellipsis, if it has one, stands for some axes.
func labels(term string, dots int) []label {
	before, behind, has := strings.Cut(term, "...")
	out := []label(before)
	if has {
		out = append(out, ellipsis(dots)...)
	}
	return append(out, []label(behind)...)
}

func ellipsis(dots int) []label {
	var out []label
	for k := dots; k > 0; k-- {
		out = append(out, label(-k))
	}
	return out
}

// implicit are the letters that occur once, in alphabetical order: the result where an equation does not write it.
func implicit(terms [][]label) []label {
	count := map[label]int{}
	for _, l := range slices.Concat(terms...) {
		count[l]++
	}
	var out []label
	for l, n := range count {
		if l > 0 && n == 1 {
			out = append(out, l)
		}
	}
	slices.Sort(out)
	return out
}
