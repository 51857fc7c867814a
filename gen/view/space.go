package view

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/autotailor/autotailor/ir/supernet"
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

	list, stated string // see supernet.Choice
	whole        bool
	like         string
}

// Choices are all genes, in order.
type Choices []*Choice

// Space returns the choices as the runtime has them.
func (p *Package) Space() []space.Choice {
	out := make([]space.Choice, len(p.Choices))
	for i, c := range p.Choices {
		out[i] = c.Choice
	}
	return out
}

// ChoiceType is a Go type for the candidates of a choice.
type ChoiceType struct {
	Name   string
	Kind   string
	Values []Candidate
	scope  scopeName
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

// choices converts the genes.
func (p *Package) choices(net *supernet.Net) error {
	for g, c := range net.Choices {
		if len(c.Candidates) > math.MaxUint8 {
			return fmt.Errorf("choice %s has %d candidates, more than %d", c.Name, len(c.Candidates), math.MaxUint8)
		}
		v := &Choice{
			Choice:     space.Choice{Name: c.Name, Was: c.Was, Kind: string(c.Kind), Live: space.Need{Gene: uint8(c.Live.Choice), Below: c.Live.Below}},
			Candidates: c.Candidates, Stage: c.Stage, Block: c.Block, Field: kindName(string(c.Kind)),
			list: c.List, stated: c.Stated, whole: c.Whole, like: c.Like,
		}
		for _, x := range c.Candidates {
			v.Values = append(v.Values, Text(x))
		}
		if slices.Contains(v.Values[1:], v.Values[0]) || len(v.Values) < 2 {
			return fmt.Errorf("internal error: choice %s (gene %d) has candidates %v", c.Name, g, v.Values)
		}
		p.Choices = append(p.Choices, v)
	}
	p.choiceTypes()
	return nil
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
