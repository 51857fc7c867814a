package op

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/ir/dim"
)

// Equation is that of an Einsum: a letter for each axis of each operand, and the letters of the result. What an ellipsis stands for has
// digits as letters; 0 is the last of such axes, along which operands align.
type Equation struct {
	In  []string
	Out string
}

const (
	ellipsis = "..."
	digits   = "9876543210"
)

// ReadEquation reads the text of an equation for operands with as many axes as ranks says; -1 is as many as it names.
func ReadEquation(text string, ranks []int) (e Equation, err error) {
	in, out, arrow := strings.Cut(strings.ReplaceAll(text, " ", ""), "->")
	terms := strings.Split(in, ",")
	if len(terms) != len(ranks) {
		return e, fmt.Errorf("its equation has %d operands, it has %d", len(terms), len(ranks))
	}
	dots := ""
	for k, t := range terms {
		before, after, open := strings.Cut(t, ellipsis)
		rest := ranks[k] - len(before) - len(after)
		if ranks[k] < 0 && !open {
			rest = 0
		}
		if rest < 0 || rest > 0 && !open || rest > len(digits) {
			return e, fmt.Errorf("operand %d has %d axes, its equation names %q", k, ranks[k], t)
		}
		if strings.ContainsFunc(before+after, notLetter) {
			return e, fmt.Errorf("its equation names %q; want letters", t)
		}
		axes := digits[len(digits)-rest:]
		if len(axes) > len(dots) {
			dots = axes
		}
		e.In = append(e.In, before+axes+after)
	}
	e.Out = strings.Replace(out, ellipsis, dots, 1)
	if !arrow {
		e.Out = dots + once(e.In)
	}
	for _, r := range e.Out {
		if !strings.ContainsRune(strings.Join(e.In, ""), r) {
			return e, fmt.Errorf("its result has an axis %q that no operand has", r)
		}
	}
	return e, nil
}

func notLetter(r rune) bool { return r|0x20 < 'a' || r|0x20 > 'z' }

// once are the letters that occur once, in alphabetical order: those of a result that is not written.
func once(terms []string) string {
	all := strings.Join(terms, "")
	var out []rune
	for _, r := range all {
		if strings.Count(all, string(r)) == 1 && !strings.ContainsRune(digits, r) {
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return string(out)
}

// equation is that of an Einsum.
func (c *Ctx) equation() (Equation, error) {
	ranks := make([]int, len(c.In))
	for k, x := range c.In {
		ranks[k] = len(x.Shape)
	}
	return ReadEquation(c.Node.String("equation", ""), ranks)
}

// einsumShape: axes of one letter have one extent, or 1.
func einsumShape(c *Ctx) error {
	e, err := c.equation()
	if err != nil {
		return err
	}
	size := map[rune][]dim.Dim{}
	for k, term := range e.In {
		for i, r := range term {
			if size[r], err = broadcast(size[r], c.In[k].Shape[i:i+1]); err != nil {
				return fmt.Errorf("axes %q of its equation: %w", r, err)
			}
		}
	}
	c.Out[0].Shape = []dim.Dim{}
	for _, r := range e.Out {
		c.Out[0].Shape = append(c.Out[0].Shape, size[r]...)
	}
	return nil
}

// einsumMACs multiplies operands pair by pair from the left: each product takes the letters of both, and keeps those that are still needed. One that
// sums nothing is element-wise, and costs nothing.
func einsumMACs(c *Ctx) error {
	e, err := c.equation()
	if err != nil {
		return err
	}
	size := map[rune]dim.Dim{}
	for k, term := range e.In {
		for i, r := range term {
			if d, seen := size[r]; !seen || d.Equal(dim.Const(1)) {
				size[r] = c.In[k].Shape[i]
			}
		}
	}
	kept := e.In[0]
	for k, term := range e.In[1:] {
		all := distinct(kept + term)
		later := strings.Join(e.In[k+2:], "") + e.Out
		kept = strings.Map(func(r rune) rune {
			if strings.ContainsRune(later, r) {
				return r
			}
			return -1
		}, all)
		if len(kept) == len(all) {
			continue
		}
		cost := dim.Const(1)
		for _, r := range all {
			cost = c.keep(dim.Mul(cost, size[r].AtBatch1()))
		}
		c.Total = c.keep(dim.Add(c.Total, cost))
	}
	return nil
}

// distinct has each letter once.
func distinct(letters string) string {
	seen := map[rune]bool{}
	return strings.Map(func(r rune) rune {
		if seen[r] {
			return -1
		}
		seen[r] = true
		return r
	}, letters)
}
