package view

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir/dim"
)

// index finds the choices that index an extent's table: the union over all instances. Choices from outside the body come first.
func (l *layouter) index(e *Extent) {
	ds := l.dims[l.number(e)]
	common := l.commonRelation(ds)
	var foreign, own []Index
	for k, d := range ds {
		pl := l.places[k]
		for _, g := range d.Deps() {
			c := l.p.Choices[g]
			if slices.Contains(pl.own, int(g)) {
				own = appendNew(own, Index{-1, c.Field, len(c.Values)})
				continue
			}
			relation := common
			if relation == "" || c.Stage < 0 {
				relation = l.relations(pl, g)[0]
			}
			foreign = appendNew(foreign, Index{l.arg(pl, relation, int(g)), "", len(c.Values)})
		}
	}
	slices.SortStableFunc(foreign, func(a, b Index) int { return a.Arg - b.Arg })
	e.Index = append(foreign, l.inFieldOrder(own)...)
}

// The relations of a place to a choice from outside.
const (
	toResult  = "out" // the width of the body's result depends on it
	toOperand = "in"  // the width of the body's operand depends on it
	ofNet     = "net"
	ofOther   = "other"
)

// relations lists the relations of a place to gene g.
func (l *layouter) relations(pl *place, g dim.Choice) []string {
	if l.p.Choices[g].Stage < 0 {
		return []string{ofNet}
	}
	var out []string
	if slices.Contains(pl.body.outGenes, g) {
		out = append(out, toResult)
	}
	if slices.Contains(pl.body.inGenes, g) {
		out = append(out, toOperand)
	}
	return append(out, ofOther)
}

// commonRelation finds a relation that holds at all places between the place and the choice of another stage on which it depends, "" if there is none.
func (l *layouter) commonRelation(ds []dim.Dim) string {
	for _, r := range []string{toResult, toOperand} {
		fits := true
		for k, d := range ds {
			pl := l.places[k]
			n := 0
			for _, g := range d.Deps() {
				if l.p.Choices[g].Stage < 0 || slices.Contains(pl.own, int(g)) {
					continue
				}
				n++
				fits = fits && slices.Contains(l.relations(pl, g), r)
			}
			fits = fits && n <= 1
		}
		if fits {
			return r
		}
	}
	return ""
}

func (l *layouter) number(e *Extent) int { return slices.Index(l.out.Extent, e) }

func (l *layouter) inFieldOrder(own []Index) []Index {
	if l.own == nil {
		return own
	}
	at := func(x Index) int {
		return slices.IndexFunc(l.own.Fields, func(f Field) bool { return f.Name == x.Field })
	}
	slices.SortFunc(own, func(a, b Index) int { return at(a) - at(b) })
	return own
}

// arg returns the argument that passes gene g to place pl. It adds the argument if it is new.
func (l *layouter) arg(pl *place, relation string, g int) int {
	t := l.p.Choices[g].Type
	for k, a := range l.out.Args {
		for len(pl.args) <= k {
			pl.args = append(pl.args, -1)
		}
		if a.relation == relation && a.Type == t && (pl.args[k] < 0 || pl.args[k] == g) {
			pl.args[k] = g
			return k
		}
	}
	l.out.Args = append(l.out.Args, Arg{Type: t, relation: relation}) // nameArgs names it
	pl.args = append(pl.args, g)
	return len(l.out.Args) - 1
}

// nameArgs names the arguments: in and out for the widths of the body's operand and result, the choice's name for a choice of the net, and the names of stage and choice
// for others, such as stage6Width. If an argument is a different choice at each place, its name says whether the choice belongs to an earlier or a later stage.
func (l *layouter) nameArgs() {
	for k := range l.out.Args {
		a := &l.out.Args[k]
		if a.Name != "" {
			continue
		}
		var genes []int
		before, after := true, true
		for _, pl := range l.places {
			if k < len(pl.args) && pl.args[k] >= 0 {
				g := pl.args[k]
				genes = appendNew(genes, g)
				before, after = before && l.p.Choices[g].Stage < pl.stage, after && l.p.Choices[g].Stage > pl.stage
			}
		}
		c := l.p.Choices[genes[0]]
		var names []string
		switch {
		case a.relation == toResult || a.relation == toOperand:
			names = append(names, a.relation)
		case a.relation == ofNet:
			names = append(names, unexported(c.Field))
		case len(genes) > 1 && before:
			names = append(names, "prev"+c.Field)
		case len(genes) > 1 && after:
			names = append(names, "next"+c.Field)
		}
		if len(genes) == 1 && c.Block >= 0 && c.Stage == l.places[0].stage {
			names = append(names, fmt.Sprintf("block%d%s", c.Block, c.Field)) // stage0Heads may be the section's own table
		}
		if len(genes) == 1 && c.Stage >= 0 {
			names = append(names, fmt.Sprintf("stage%d%s", c.Stage, c.Field))
		}
		if len(names) == 0 {
			names = append(names, "other"+c.Field)
		}
		a.Name = l.names.first(names...)
	}
}

// tables evaluates an extent at every instance.
func (l *layouter) tables(e *Extent) {
	for k, d := range l.dims[l.number(e)] {
		e.Tables = append(e.Tables, l.table(e, l.places[k], d))
	}
}

func (l *layouter) table(e *Extent, pl *place, d dim.Dim) []int {
	genes := make([]uint8, len(l.p.Choices))
	var out []int
	var walk func(k int)
	walk = func(k int) {
		if k == len(e.Index) {
			out = append(out, extent(d, genes))
			return
		}
		g := l.gene(e.Index[k], pl)
		for v := range e.Index[k].Card {
			if g >= 0 {
				genes[g] = uint8(v)
			}
			walk(k + 1)
		}
		if g >= 0 {
			genes[g] = 0
		}
	}
	walk(0)
	return out
}

// gene is the gene that an index of a table means at a place, -1 if there is none.
func (l *layouter) gene(x Index, pl *place) int {
	if x.Arg >= 0 {
		if x.Arg < len(pl.args) {
			return pl.args[x.Arg]
		}
		return -1
	}
	for _, g := range pl.own {
		if l.p.Choices[g].Field == x.Field {
			return g
		}
	}
	return -1
}
