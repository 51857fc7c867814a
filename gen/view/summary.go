package view

import (
	"fmt"
	"strconv"
	"strings"
)

// Summary lists a stage's blocks: "3 InvertedResidual", with the operators between them left out.
func (s *Stage) Summary() string {
	var parts []string
	last, n := "", 0
	flush := func() {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, last))
		}
	}
	for _, it := range s.Items {
		if it.Block == nil {
			continue
		}
		if it.Block.GoName != last {
			flush()
			last, n = it.Block.GoName, 0
		}
		n++
	}
	flush()
	if len(parts) == 0 {
		return s.operators()
	}
	return strings.Join(parts, ", ")
}

// operators lists the operators of a stage without blocks, each kind once. Numbers that are written in the code do not count.
func (s *Stage) operators() string {
	var names []string
	for _, it := range s.Items {
		for _, c := range it.Calls {
			if !c.IsLiteral() {
				names = appendNew(names, c.what())
			}
		}
	}
	return strings.Join(names, ", ")
}

// what describes a call for comments.
func (c *Call) what() string {
	switch r := c.Rec; {
	case r.Conv != nil:
		side := make([]string, len(r.Conv.Kernel))
		for k, n := range r.Conv.Kernel {
			side[k] = strconv.Itoa(n)
		}
		return "Conv " + strings.Join(side, "x")
	case r.Pool != nil:
		return [...]string{"MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"}[r.Pool.Kind]
	case r.Act != nil:
		return r.Act.Type
	case r.Op != nil:
		return r.Op.Type
	}
	return c.Method.String()
}

// BlockNames lists the type names of a stage's blocks.
func (s *Stage) BlockNames() []string {
	var out []string
	for _, it := range s.Items {
		if it.Block != nil {
			out = append(out, it.Block.GoName)
		}
	}
	return out
}

// Places lists the indices of the blocks with choices among the stage's blocks, nil if no block without choices is before one of them.
func (s *Stage) Places() []int {
	var out []int
	place, moved := 0, false
	for _, it := range s.Items {
		if it.Block == nil {
			continue
		}
		if it.Block.Index >= 0 {
			moved = moved || place != it.Block.Index
			out = append(out, place)
		}
		place++
	}
	if !moved {
		return nil
	}
	return out
}

// ChoiceSummary lists the choices of a stage: each kind with its candidates. Equal choices of several blocks are listed once.
func (p *Package) ChoiceSummary(s *Stage) string {
	var parts []string
	for _, c := range p.Choices {
		if c.Stage == s.Index {
			parts = appendNew(parts, c.Kind+" "+strings.Join(c.Values, " "))
		}
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, "; ")
}
