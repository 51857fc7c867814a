package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/ir"
)

// Locals names the values of one emitted function. It uses a few short names, as a person would, and reuses a name as soon as its value is dead.
type Locals struct {
	names map[ir.ValueID]string
	left  map[ir.ValueID]int // uses that are still to come
	pool  []string           // declared names whose values are dead; the last is the next to be used
	used  int                // of shortNames
}

// shortNames are the first names; x1, x2, ... follow.
var shortNames = strings.Fields("x y z u v t")

// Step is what a statement reads and makes.
type Step struct{ In, Out []ir.ValueID }

// Steps returns a Step for each call.
func Steps(calls []Call) []Step {
	var out []Step
	for _, c := range calls {
		out = append(out, Step{c.In, c.Out})
	}
	return out
}

// NewLocals prepares a function with the given parameters, statements and results, and names the parameters.
func NewLocals(params []ir.ValueID, steps []Step, results []ir.ValueID) *Locals {
	l := &Locals{names: map[ir.ValueID]string{}, left: map[ir.ValueID]int{}}
	for _, s := range steps {
		for _, id := range s.In {
			l.left[id]++
		}
	}
	for _, id := range results {
		l.left[id]++
	}
	for _, id := range params {
		l.names[id] = l.Fresh()
	}
	return l
}

// Fresh is a name that has not been used.
func (l *Locals) Fresh() string {
	l.used++
	if l.used <= len(shortNames) {
		return shortNames[l.used-1]
	}
	return fmt.Sprintf("x%d", l.used-len(shortNames))
}

// Inline tells for each call whether it makes a number that can be written in the argument list of the only call that reads it. Values are still made in the same
// order, because only calls of this kind are between the two.
func (l *Locals) Inline(calls []Call) []bool {
	out := make([]bool, len(calls))
	first := 0 // of a run of literals
	for k := range calls {
		if calls[k].IsLiteral() {
			continue
		}
		n := 0 // how many calls of the run are operands, in the same order
		for _, id := range calls[k].In {
			if first+n < k && calls[first+n].Out[0] == id && l.left[id] == 1 {
				n++
			}
		}
		for j := first; j < k && n == k-first; j++ {
			out[j] = true
		}
		first = k + 1
	}
	return out
}

// Name is the name of a value, "" when it has none.
func (l *Locals) Name(id ir.ValueID) string { return l.names[id] }

// Names are the names of values.
func (l *Locals) Names(ids []ir.ValueID) []string {
	var out []string
	for _, id := range ids {
		out = append(out, l.names[id])
	}
	return out
}

// Bind gives a value a name, which may be the expression of a list's element.
func (l *Locals) Bind(id ir.ValueID, name string) { l.names[id] = name }

// Read tells whether a value is still going to be read.
func (l *Locals) Read(id ir.ValueID) bool { return l.left[id] > 0 }

// Take ends one use of each of the values and returns their names. The names of those that are dead now become free.
func (l *Locals) Take(ids []ir.ValueID) []string {
	out := l.Names(ids)
	from := len(l.pool)
	for _, id := range ids {
		if l.left[id]--; l.left[id] == 0 && isVariable(l.names[id]) {
			l.pool = append(l.pool, l.names[id])
		}
	}
	slices.Reverse(l.pool[from:])
	return out
}

// isVariable tells whether a name is a variable's, which can be assigned to.
func isVariable(name string) bool { return name != "" && !strings.Contains(name, "[") }

// Target names a new value, "_" when nobody reads it. New is set when the name has not been declared before.
func (l *Locals) Target(id ir.ValueID) (name string, isNew bool) {
	switch {
	case l.left[id] == 0:
		return "_", false
	case len(l.pool) > 0:
		last := len(l.pool) - 1
		name, l.pool = l.pool[last], l.pool[:last]
	default:
		name, isNew = l.Fresh(), true
	}
	l.names[id] = name
	return name, isNew
}

// InPlace gives out the variable of in, for a conditional statement that changes it. If in is read later, or is no variable, out gets a new variable, and from is the
// expression of its first value.
func (l *Locals) InPlace(in, out ir.ValueID) (name, from string) {
	l.left[in]--
	name = l.names[in]
	if l.left[in] > 0 || !isVariable(name) {
		name, from = l.Fresh(), name
	}
	l.names[out] = name
	return name, from
}
