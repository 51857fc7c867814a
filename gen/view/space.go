package view

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/optable"
	"github.com/autotailor/autotailor/runtime/space"
)

// Choice is one gene.
type Choice struct {
	space.Choice
	Candidates []float64
	Stage      int // -1 for the net
	Block      int // -1 for net and stages
	Type       *ChoiceType
	Value      string // its selector on a SubNet: "Stage3.Blocks[1].Expand"
	Field      string // its name in the innermost struct
}

// Choices are all genes, in order.
type Choices []*Choice

func (cs Choices) holds(n supernet.Need, genes []uint8) bool {
	return n.Below == 0 || genes[n.Choice] < n.Below
}

// ChoiceType is a Go type for the candidates of a choice.
type ChoiceType struct {
	Name   string
	Kind   string
	Values []Candidate
	uses   int
}

// Candidate is one legal value.
type Candidate struct {
	Name   string // of the Go variable
	Text   string // in a SubNet's text form
	Number float64
}

// Original is the name of the original model's value.
func (t *ChoiceType) Original() string { return t.Values[0].Name }

// BlockType is a Go struct with the choices of a block.
type BlockType struct {
	Name   string
	Doc    string
	Fields []Field
	uses   int
}

// kinds has the Go name and the accessor of each kind of choice.
var kinds = map[string]struct{ Name, Field string }{
	"resolution": {"Resolution", "Resolution"},
	"width":      {"Width", "Width"},
	"depth":      {"Depth", "Depth"},
	"expand":     {"Expand", "Expand"},
	"kernel":     {"Kernel", "Kernel"},
	"ratio":      {"Ratio", "Ratio"},
	"heads":      {"Heads", "Heads"},
	"qk":         {"QK", "QK"},
	"value":      {"Value", "Value"},
}

// kindName is the Go name of a kind of choice.
func kindName(kind string) string {
	if k, ok := kinds[kind]; ok {
		return k.Name
	}
	return Exported(kind)
}

// Text is a candidate as people write it.
func Text(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// choices converts the genes and gives each list of candidates of a kind its type.
func (p *Package) choices(net *supernet.Net) error {
	types := map[string]*ChoiceType{}
	for g, c := range net.Choices {
		if len(c.Candidates) > math.MaxUint8 {
			return fmt.Errorf("choice %s has %d candidates, more than %d", c.Name, len(c.Candidates), math.MaxUint8)
		}
		v := &Choice{
			Choice:     space.Choice{Name: c.Name, Was: c.Was, Kind: string(c.Kind), Live: optable.Need{Gene: uint8(c.Live.Choice), Below: c.Live.Below}},
			Candidates: c.Candidates, Stage: c.Stage, Block: c.Block, Field: kindName(string(c.Kind)),
		}
		for _, x := range c.Candidates {
			v.Values = append(v.Values, Text(x))
		}
		if slices.Contains(v.Values[1:], v.Values[0]) || len(v.Values) < 2 {
			return fmt.Errorf("internal error: choice %s (gene %d) has candidates %v", c.Name, g, v.Values)
		}
		key := v.Kind + ":" + strings.Join(v.Values, ",")
		t := types[key]
		if t == nil {
			t = &ChoiceType{Kind: v.Kind}
			for k, x := range c.Candidates {
				t.Values = append(t.Values, Candidate{Text: v.Values[k], Number: x})
			}
			types[key] = t
			p.Types = append(p.Types, t)
		}
		t.uses++
		v.Type = t
		p.Choices = append(p.Choices, v)
	}
	p.nameTypes()
	return nil
}

// nameTypes names the choice types. The list that a kind uses most has the kind's plain name; others say how far they go.
func (p *Package) nameTypes() {
	taken := newScope()
	order := slices.Clone(p.Types)
	slices.SortStableFunc(order, func(a, b *ChoiceType) int { return b.uses - a.uses })
	for _, t := range order {
		first := t.Values[0].Text
		all := make([]string, len(t.Values))
		for k, v := range t.Values {
			all[k] = v.Text
		}
		base := kindName(t.Kind)
		if t.Kind == string(supernet.Depth) {
			base += first
		}
		t.Name = taken.first(p.typeNames(t, order, base, all)...)
	}
	for _, t := range order {
		infix := ""
		switch {
		case t.Kind == string(supernet.Depth):
			infix = "Keep"
		case t.Name != kindName(t.Kind):
			infix = "Is"
		}
		for k := range t.Values {
			t.Values[k].Name = taken.first(t.Name + infix + ident(t.Values[k].Text))
		}
	}
}

// typeNames proposes names for a choice type: plain, after its ends where they set it apart from all others, or after all candidates.
func (p *Package) typeNames(t *ChoiceType, all []*ChoiceType, base string, texts []string) []string {
	out := []string{base}
	first, last := t.Values[0].Text, t.Values[len(t.Values)-1].Text
	sameFirst, sameLast := 0, 0
	for _, o := range all {
		if o.Kind == t.Kind && o.Values[0].Text == first {
			sameFirst++
		}
		if o.Kind == t.Kind && o.Values[len(o.Values)-1].Text == last && (t.Kind != string(supernet.Depth) || o.Values[0].Text == first) {
			sameLast++
		}
	}
	if sameFirst == 1 && t.Kind != string(supernet.Depth) {
		out = append(out, base+"UpTo"+ident(first))
	}
	if sameLast == 1 {
		out = append(out, base+"DownTo"+ident(last))
	}
	return append(out, base+ident(strings.Join(texts, "Or")))
}

// blockTypes makes a struct type for every combination of block name and choices. Where a name has one only,
// blocks of that name without choices use it too: their zero value is the original.
func (p *Package) blockTypes() {
	taken := newScope()
	for _, t := range p.Types {
		taken.first(t.Name)
		for _, v := range t.Values {
			taken.first(v.Name)
		}
	}
	byKey := map[string]*BlockType{}
	byName := map[string][]*BlockType{}
	names := map[*BlockType]string{}
	for _, s := range p.Stages {
		for _, b := range s.Elastic {
			key := b.GoName
			for _, g := range b.Genes {
				key += "." + p.Choices[g].Type.Name
			}
			t := byKey[key]
			if t == nil {
				t = &BlockType{Doc: b.Doc}
				for _, g := range b.Genes {
					t.Fields = append(t.Fields, Field{Name: p.Choices[g].Field, Type: p.Choices[g].Type})
				}
				byKey[key], names[t] = t, b.GoName
				byName[b.GoName] = append(byName[b.GoName], t)
				p.Blocks = append(p.Blocks, t)
			}
			t.uses++
			b.Type = t
		}
	}
	order := slices.Clone(p.Blocks)
	slices.SortStableFunc(order, func(a, b *BlockType) int { return b.uses - a.uses })
	for _, t := range order {
		t.Name = taken.first(Exported(names[t]))
	}
	for _, s := range p.Stages {
		for _, it := range s.Items {
			if it.Block != nil && it.Block.Type == nil && len(byName[it.Block.GoName]) == 1 {
				it.Block.Type = byName[it.Block.GoName][0]
			}
		}
	}
}

// paths names every gene's place in a SubNet.
func (p *Package) paths() {
	for _, c := range p.Choices {
		if c.Stage < 0 {
			c.Value = c.Field
		}
	}
	for _, s := range p.Stages {
		for k := range s.Fields {
			f := &s.Fields[k]
			c := p.Choices[f.Gene]
			f.Name, f.Type = c.Field, c.Type
			c.Value = s.Type + "." + c.Field
		}
		if len(s.Elastic) > 0 {
			s.Array = s.Elastic[0].Type
		}
		for _, b := range s.Elastic {
			if b.Type != s.Array {
				s.Array = nil
			}
		}
		for _, b := range s.Elastic {
			for _, g := range b.Genes {
				p.Choices[g].Value = s.Type + "." + s.BlockPath(b) + "." + p.Choices[g].Field
			}
		}
	}
}

// BlockPath is a block's selector on its stage.
func (s *Stage) BlockPath(b *Block) string {
	if s.Array != nil {
		return fmt.Sprintf("Blocks[%d]", b.Index)
	}
	return fmt.Sprintf("Block%d", b.Index)
}
