package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/ir"
)

// Class has all blocks of one form: the same operators, attributes and wiring. It becomes one build method or function. Everything that
// differs between its blocks is in a table of instances.
type Class struct {
	Func      string // method "build" of Type, or a function
	At        string // name of the instance struct
	GoName    string
	Doc       string
	Type      *BlockType // receiver, nil for a function
	Body      Body       // of the first instance
	Layout    Layout
	Skip      Skip
	SkipFirst bool // the input is the first operand of that Add
	Instances []*Instance
}

// Skip tells whether the class's blocks add their input to their result.
type Skip uint8

// How blocks of a class end.
const (
	NoSkip   Skip = iota // the body is complete; it includes the Add if all blocks have one
	SomeSkip             // instances with their flag set add their input at the end
)

// Instance is one block of a class.
type Instance struct {
	Block  *Block
	Body   Body // without the final Add if the class has SomeSkip
	Skip   bool
	whole  Body
	stage  int
	number int   // in its class
	Args   []int // gene passed for each of the class's arguments, -1 for the original value
}

// classes groups the blocks of the net by form.
func (p *Package) classes() {
	byKey := map[string]*Class{}
	var order []*Class
	for _, s := range p.Stages {
		for _, it := range s.Items {
			if it.Block == nil {
				continue
			}
			inst := &Instance{Block: it.Block, Body: it.Body, whole: it.Body, stage: s.Index}
			inst.takeSkip()
			key := fmt.Sprintf("%s %p %s", it.Block.GoName, it.Block.Type, form(inst.Body))
			c := byKey[key]
			if c == nil {
				c = &Class{GoName: it.Block.GoName, Doc: it.Block.Doc, Type: it.Block.Type}
				byKey[key] = c
				order = append(order, c)
			}
			inst.number = len(c.Instances)
			c.Instances = append(c.Instances, inst)
			it.Block.Class, it.Block.Instance = c, inst
		}
	}
	for _, c := range order {
		if b := c.Instances[0].Block; len(c.Instances) == 1 && b.Index < 0 && b.Live.Below == 0 {
			b.Class, b.Instance = nil, nil // the only block of its form, without choices: its code is written in place
			continue
		}
		c.restoreSkip()
		c.Body = c.Instances[0].Body
		c.lay(p)
		p.Classes = append(p.Classes, c)
	}
	p.nameClasses(p.scope)
}

// takeSkip removes a final Add of the block's input.
func (i *Instance) takeSkip() {
	b := i.Body
	if len(b.Calls) < 2 || len(b.In) != 1 || len(b.Out) != 1 {
		return
	}
	last := b.Calls[len(b.Calls)-1]
	if last.Method != Add || last.Out[0] != b.Out[0] {
		return
	}
	prev := b.Calls[len(b.Calls)-2]
	other := last.In[0]
	if other == b.In[0] {
		other = last.In[1]
	} else if last.In[1] != b.In[0] {
		return
	}
	if other != prev.Out[0] || len(prev.Out) != 1 || uses(b.Calls, other) != 1 {
		return
	}
	i.Skip = true
	i.Body.Out, i.Body.Calls = []ir.ValueID{other}, b.Calls[:len(b.Calls)-1]
}

func uses(calls []Call, id ir.ValueID) int {
	n := 0
	for _, c := range calls {
		for _, in := range c.In {
			if in == id {
				n++
			}
		}
	}
	return n
}

// restoreSkip restores the final Add if all instances of a class have it.
func (c *Class) restoreSkip() {
	some, all := false, true
	for _, i := range c.Instances {
		some, all = some || i.Skip, all && i.Skip
	}
	switch {
	case some && !all:
		c.Skip = SomeSkip
		for _, i := range c.Instances {
			if add := i.whole.Calls[len(i.whole.Calls)-1]; i.Skip {
				c.SkipFirst = add.In[0] == i.whole.In[0]
			}
		}
	case all:
		for _, i := range c.Instances {
			i.Skip, i.Body = false, i.whole
		}
	}
}

// form is the canonical text of a body. Values are numbered in order of appearance. Names and numbers that instances hold are left out.
func form(b Body) string {
	var s strings.Builder
	number := map[ir.ValueID]int{}
	for _, id := range b.In {
		number[id] = len(number) + 1
	}
	for _, c := range b.Calls {
		fmt.Fprintf(&s, "%s %v %t %v %v %v", c.Method, c.Ints, c.Keep, c.Ranges, c.Type, c.Const)
		for _, id := range c.In {
			fmt.Fprintf(&s, " %%%d", number[id])
		}
		for _, id := range c.Out {
			number[id] = len(number) + 1
		}
		if r := c.Rec.Op; r != nil {
			fmt.Fprintf(&s, " %s.%s %d %v %v %v %d", r.Domain, r.Type, r.Outputs, r.Shapes, r.Types, r.Attrs, r.MACs)
		}
		if r := c.Rec.Param; r != nil {
			fmt.Fprintf(&s, " rank %d", len(r.Shape))
		}
		for _, k := range c.Cuts {
			fmt.Fprintf(&s, " %s.%d", k.Verb, k.Axis)
			if k.Pick != nil {
				s.WriteString(k.Pick.form())
			}
		}
		fmt.Fprintf(&s, " %d %v;", len(c.Dims), c.Ranks)
		for _, d := range c.Dims {
			if k, ok := d.Batches(); ok {
				fmt.Fprintf(&s, "%dN", k)
			}
		}
	}
	for _, id := range b.Out {
		fmt.Fprintf(&s, " ->%d", number[id])
	}
	return s.String()
}

func (p Pick) form() string {
	var s strings.Builder
	fmt.Fprintf(&s, "(%d %t %t", p.Size, p.Centre, p.Sum)
	for _, f := range p.Of {
		s.WriteString(f.form())
	}
	s.WriteByte(')')
	return s.String()
}

// nameClasses names build methods. Of the classes of a type, the one with most blocks gets the plain name, and others get names that say how they differ.
func (p *Package) nameClasses(taken scope) {
	order := slices.Clone(p.Classes)
	slices.SortStableFunc(order, func(a, b *Class) int { return len(b.Instances) - len(a.Instances) })
	methods := map[string]scope{}
	for _, c := range order {
		suffix := ""
		if c.hasRole("shortcut") {
			suffix = "Shortcut"
		}
		if c.Type != nil {
			if methods[c.Type.Name] == nil {
				methods[c.Type.Name] = scope{}
			}
			c.Func = methods[c.Type.Name].first("build"+suffix, "build")
			c.At = taken.first(unexported(c.Type.Name) + strings.TrimPrefix(c.Func, "build") + "At")
			continue
		}
		base := unexported(Exported(c.GoName)) + suffix
		c.Func = taken.first(base)
		c.At = taken.first(c.Func + "At")
	}
}

func (c *Class) hasRole(role string) bool {
	return slices.ContainsFunc(c.Body.Calls, func(k Call) bool { return k.Role == role })
}

// Number is the instance's position in its class.
func (i *Instance) Number() int { return i.number }
