package view

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestLocalsKeepValues runs random programs: when a value is read, the variable that it was given still holds it.
func TestLocalsKeepValues(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		params := []ir.ValueID{1, 2}[:1+rng.IntN(2)]
		steps, last := program(rng, ir.ValueID(len(params)))
		results := []ir.ValueID{last}
		l := NewLocals(params, steps, results)
		holds := map[string]ir.ValueID{}
		for _, id := range params {
			holds[l.Name(id)] = id
		}
		check := func(ids []ir.ValueID) {
			for k, name := range l.Take(ids) {
				if holds[name] != ids[k] {
					t.Fatalf("seed %d: %s holds %d, value %d is read", seed, name, holds[name], ids[k])
				}
			}
		}
		for _, s := range steps {
			if len(s.In) == 1 && len(s.Out) == 1 && l.Read(s.Out[0]) && rng.IntN(4) == 0 {
				name, from := l.InPlace(s.In[0], s.Out[0])
				if from != "" && holds[name] != 0 || from == "" && holds[name] != s.In[0] {
					t.Fatalf("seed %d: %s, made of %q, holds %d and was %d", seed, name, from, holds[name], s.In[0])
				}
				holds[name] = s.Out[0]
				continue
			}
			check(s.In)
			for _, id := range s.Out {
				name, isNew := l.Target(id)
				switch {
				case name == "_" && l.Read(id), name != "_" && !l.Read(id):
					t.Fatalf("seed %d: %d, which is read: %t, is called %s", seed, id, l.Read(id), name)
				case name == "_":
				case isNew != (holds[name] == 0):
					t.Fatalf("seed %d: %s is new: %t, and holds %d", seed, name, isNew, holds[name])
				}
				holds[name] = id
			}
		}
		check(results)
	}
}

// program draws statements that read values made before, and the last value. A value that nobody reads is made at times.
func program(rng *rand.Rand, made ir.ValueID) (steps []Step, last ir.ValueID) {
	for range 1 + rng.IntN(20) {
		var s Step
		for range 1 + rng.IntN(3) {
			s.In = append(s.In, 1+ir.ValueID(rng.IntN(int(made))))
		}
		for range 1 + rng.IntN(2) {
			made++
			s.Out = append(s.Out, made)
		}
		steps = append(steps, s)
	}
	return steps, made
}

// TestListElements: an element of a list is read by its place, and that is no name for another value.
func TestListElements(t *testing.T) {
	l := NewLocals([]ir.ValueID{1}, []Step{{In: []ir.ValueID{1}, Out: []ir.ValueID{2}}, {In: []ir.ValueID{2}, Out: []ir.ValueID{3}}}, []ir.ValueID{3})
	l.Take([]ir.ValueID{1})
	l.Bind(2, "z[0]")
	if got := l.Take([]ir.ValueID{2}); !slices.Equal(got, []string{"z[0]"}) {
		t.Error(got)
	}
	if name, _ := l.Target(3); name != "x" {
		t.Errorf("the result is called %s", name)
	}
	l = NewLocals([]ir.ValueID{1}, []Step{{In: []ir.ValueID{1}, Out: []ir.ValueID{2}}}, []ir.ValueID{2})
	l.Bind(1, "z[1]")
	if name, from := l.InPlace(1, 2); strings.Contains(name, "[") || from != "z[1]" {
		t.Errorf("%s changes in place and starts as %q", name, from)
	}
}

// TestFreshNames: the names never repeat.
func TestFreshNames(t *testing.T) {
	l, seen := NewLocals(nil, nil, nil), map[string]bool{}
	for range 30 {
		n := l.Fresh()
		if seen[n] {
			t.Errorf("%s is there twice", n)
		}
		seen[n] = true
	}
}

// TestInline: numbers stand where they are read when that is the next call, they are read once, and in order.
func TestInline(t *testing.T) {
	number := func(id ir.ValueID) Call {
		return Call{Method: Int, Out: []ir.ValueID{id}, Const: nn.Attr{Name: "value_int"}}
	}
	add := func(out ir.ValueID, in ...ir.ValueID) Call { return Call{Method: Max, In: in, Out: []ir.ValueID{out}} }
	for name, c := range map[string]struct {
		calls []Call
		want  string
	}{
		"read next":          {[]Call{number(2), add(3, 1, 2)}, "[true false]"},
		"two in order":       {[]Call{number(2), number(3), add(4, 2, 1, 3)}, "[true true false]"},
		"two out of order":   {[]Call{number(2), number(3), add(4, 3, 2)}, "[false false false]"},
		"read twice":         {[]Call{number(2), add(3, 2, 2)}, "[false false]"},
		"read later":         {[]Call{number(2), add(3, 1), add(4, 2, 3)}, "[false false false]"},
		"one is read later":  {[]Call{number(2), number(3), add(4, 2), add(5, 3)}, "[false false false false]"},
		"not read":           {[]Call{number(2), add(3, 1)}, "[false false]"},
		"last":               {[]Call{add(3, 1), number(2)}, "[false false]"},
		"after another call": {[]Call{add(3, 1), number(2), add(4, 3, 2)}, "[false true false]"},
	} {
		l := NewLocals([]ir.ValueID{1}, Steps(c.calls), nil)
		if got := fmt.Sprint(l.Inline(c.calls)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
