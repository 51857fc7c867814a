package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/ir/supernet"
)

// A type is named by its kind and its scope: Expand, Stage3Expand, Stage3Block1Expand. If all values of the config's list are legal, the scope is the list's. If the
// model leaves some values out, the scope is the stage, and within the stage the first of the blocks that are alike. No name depends on the candidates of other
// types, so changing those renames nothing.

// scopeName is the scope of a type. The zero scopeName is the net's.
type scopeName struct{ stage, block int } // both from 1 on, 0 for none

func (s scopeName) String() string {
	switch {
	case s.stage == 0:
		return ""
	case s.block == 0:
		return fmt.Sprintf("Stage%d", s.stage-1)
	}
	return fmt.Sprintf("Stage%dBlock%d", s.stage-1, s.block-1)
}

// narrower returns the intersection of two scopes.
func (s scopeName) narrower(o scopeName) scopeName {
	return scopeName{max(s.stage, o.stage), max(s.block, o.block)}
}

// scopeOf returns the scope of a choice's type. The scope of a depth is always its stage.
func (p *Package) scopeOf(c *Choice) scopeName {
	switch {
	case c.Stage < 0, c.whole && c.Kind != string(supernet.Depth):
		return scopeName{}
	case c.Block < 0:
		return scopeName{stage: c.Stage + 1}
	}
	first, differ := c.Block, false
	for _, o := range p.Choices {
		switch {
		case o.Stage != c.Stage || o.Kind != c.Kind || o.stated != c.stated:
		case o.like == c.like:
			first = min(first, o.Block)
		default:
			differ = true
		}
	}
	if differ {
		return scopeName{c.Stage + 1, first + 1}
	}
	return scopeName{stage: c.Stage + 1}
}

// Where says in words for which stage or blocks a type is, "" if it is for all.
func (t *ChoiceType) Where() string {
	switch {
	case t.scope.stage == 0:
		return ""
	case t.scope.block == 0:
		return fmt.Sprintf(" in stage %d", t.scope.stage-1)
	}
	return fmt.Sprintf(" in stage %d, of blocks like its block %d", t.scope.stage-1, t.scope.block-1)
}

// choiceTypes gives every choice its type.
func (p *Package) choiceTypes() {
	taken := newScope()
	byName := map[string]*ChoiceType{}
	for _, c := range p.byList() {
		scope := p.scopeOf(c)
		names := []string{scope.String() + listName(c.list) + c.Field, scope.String() + listName(c.stated) + c.Field}
		for _, name := range names {
			if t := byName[name]; t != nil && t.holds(c.Values) {
				c.Type = t
				break
			}
		}
		if c.Type != nil {
			continue
		}
		c.Type = &ChoiceType{Name: taken.first(names...), Kind: c.Kind, scope: scope}
		for k, v := range c.Values {
			c.Type.Values = append(c.Type.Values, Candidate{Text: v, Number: c.Candidates[k]})
		}
		byName[c.Type.Name] = c.Type
	}
	for _, c := range p.Choices {
		if slices.Contains(p.Types, c.Type) {
			continue
		}
		p.Types = append(p.Types, c.Type)
		for k, v := range c.Type.Values {
			c.Type.Values[k].Name = taken.first(c.Type.Name + ident(v.Text))
		}
	}
}

// byList returns the choices in the order in which their types are named. Lists under the paper's names come last. Two of them can be for blocks of one name. If these
// lists differ, the type of the second one has the paper's name.
func (p *Package) byList() []*Choice {
	order := slices.Clone(p.Choices)
	slices.SortStableFunc(order, func(a, b *Choice) int {
		if x, y := a.stated == a.list, b.stated == b.list; x && y {
			return 0
		} else if x != y {
			return map[bool]int{true: -1, false: 1}[x]
		}
		return strings.Compare(b.stated, a.stated)
	})
	return order
}

// listName is the name of the blocks that a list is for, as a part of identifiers.
func listName(block string) string {
	if block == "" {
		return ""
	}
	return Exported(block)
}

// holds tells whether the candidates of a type are values.
func (t *ChoiceType) holds(values []string) bool {
	return slices.EqualFunc(t.Values, values, func(c Candidate, v string) bool { return c.Text == v })
}

// blockTypes makes a struct type for every combination of scope, block name and choices. If a name has only one type, blocks of that name without choices use the type,
// too: their zero value is the original.
func (p *Package) blockTypes() {
	byKey := map[string]*BlockType{}
	byName := map[string][]*BlockType{}
	names := map[*BlockType]string{}
	for _, s := range p.Stages {
		for _, b := range s.Elastic {
			scope := p.blockScope(b)
			key := scope.String() + "." + b.GoName
			for _, g := range b.Genes {
				key += "." + p.Choices[g].Type.Name
			}
			if byKey[key] == nil {
				t := &BlockType{Doc: b.Doc}
				for _, g := range b.Genes {
					t.Fields = append(t.Fields, Field{Name: p.Choices[g].Field, Type: p.Choices[g].Type})
				}
				byKey[key], names[t] = t, scope.String()+Exported(b.GoName)
				byName[b.GoName] = append(byName[b.GoName], t)
				p.Blocks = append(p.Blocks, t)
			}
			b.Type = byKey[key]
		}
	}
	p.nameBlocks(names)
	for _, s := range p.Stages {
		for _, it := range s.Items {
			if it.Block != nil && it.Block.Type == nil && len(byName[it.Block.GoName]) == 1 {
				it.Block.Type = byName[it.Block.GoName][0]
			}
		}
	}
}

// blockScope returns the scope of a block's type: the narrowest scope of its choices. If the block lacks a choice that the config wants for it, the scope is its
// stage.
func (p *Package) blockScope(b *Block) scopeName {
	var scope scopeName
	for _, g := range b.Genes {
		scope = scope.narrower(p.Choices[g].Type.scope)
	}
	if len(b.Genes) < b.lists {
		scope = scope.narrower(scopeName{stage: b.Stage + 1})
	}
	return scope
}

// nameBlocks names the structs. If several want the same name, the one with most choices gets it.
func (p *Package) nameBlocks(names map[*BlockType]string) {
	taken := newScope()
	for _, t := range p.Types {
		taken.first(t.Name)
		for _, v := range t.Values {
			taken.first(v.Name)
		}
	}
	order := slices.Clone(p.Blocks)
	slices.SortStableFunc(order, func(a, b *BlockType) int { return len(b.Fields) - len(a.Fields) })
	for _, t := range order {
		t.Name = taken.first(names[t])
	}
}
