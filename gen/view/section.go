package view

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// Section is a function of the emitted code: one stage with choices, or several neighbouring stages without.
type Section struct {
	Func    string
	Stage   *Stage // nil without choices
	Stages  []*Stage
	Pieces  []Piece
	In, Out []ir.ValueID
	Layout  Layout // of the calls outside of build methods
	Args    []int  // gene of each of Layout.Args
	Name    string // prefix of its variables
}

// Piece is a part of a section: calls of its own, or a run of blocks.
type Piece struct {
	In, Out []ir.ValueID
	Calls   []Call
	First   int    // index of the first call in the section's layout
	Note    string // the name of the block that the calls make
	Run     *Run
}

// Run is consecutive blocks of one class that get the same arguments.
type Run struct {
	Class     *Class
	Instances []*Instance
	Table     string // variable that holds the instances
	Args      []int  // gene for each of the class's arguments, -1 for the original value
}

// sections divides the stages into functions.
func (p *Package) sections() {
	for _, s := range p.Stages {
		last := len(p.Sections) - 1
		if s.Type == "" && last >= 0 && p.Sections[last].Stage == nil {
			p.Sections[last].Stages = append(p.Sections[last].Stages, s)
			continue
		}
		sec := &Section{Stages: []*Stage{s}, Name: s.Name}
		if s.Type != "" {
			sec.Stage = s
		}
		p.Sections = append(p.Sections, sec)
	}
	for k, s := range p.Sections {
		switch {
		case s.Stage != nil:
			s.Func = "build"
			continue
		case k == 0:
			s.Name = "stem"
		case k == len(p.Sections)-1:
			s.Name = "head"
		}
		s.Name = p.scope.first(s.Name)
		s.Func = s.Name
	}
	p.flow()
	readers := p.readers()
	for _, s := range p.Sections {
		s.divide(readers)
		s.lay(p)
	}
}

// readers counts the items and outputs that read each value.
func (p *Package) readers() map[ir.ValueID]int {
	out := map[ir.ValueID]int{}
	for _, s := range p.Stages {
		for _, it := range s.Items {
			for _, id := range it.In {
				out[id]++
			}
		}
	}
	for _, o := range p.Outputs {
		out[o.Value]++
	}
	return out
}

// divide makes the pieces of a section. Two blocks are in one run only if nothing but the second block reads the results of the first.
func (s *Section) divide(readers map[ir.ValueID]int) {
	for _, st := range s.Stages {
		for _, it := range st.Items {
			last := len(s.Pieces) - 1
			switch {
			case it.Block == nil && last >= 0 && s.Pieces[last].Run == nil && s.Pieces[last].Note == "":
				p := &s.Pieces[last]
				p.Calls = append(p.Calls, it.Calls...)
				p.Out = append(p.Out, it.Out...)
			case it.Block == nil:
				s.Pieces = append(s.Pieces, Piece{In: it.In, Out: it.Out, Calls: it.Calls})
			case it.Block.Class == nil:
				s.Pieces = append(s.Pieces, Piece{In: it.In, Out: it.Out, Calls: it.Calls, Note: it.Block.GoName})
			case last >= 0 && len(it.In) > 0 && readers[it.In[0]] == 1 && s.Pieces[last].Run.takes(st, it, s.Pieces[last].beside(), s.Pieces[last].Out):
				p := &s.Pieces[last]
				p.Run.add(it.Block.Instance)
				p.Out = it.Out
			default:
				r := &Run{Class: it.Block.Class, Instances: []*Instance{it.Block.Instance}, Args: slices.Clone(it.Block.Instance.Args)}
				s.Pieces = append(s.Pieces, Piece{In: it.In, Out: it.Out, Run: r})
			}
		}
	}
}

// takes tells whether a block continues the run: it has the same class and arguments, reads the run's result and the same values beside the main flow, and is in the same
// list.
func (r *Run) takes(s *Stage, it *Item, beside, end []ir.ValueID) bool {
	if r == nil || it.Block.Index >= 0 && s.Array == nil || it.Block.Class != r.Class {
		return false
	}
	for k, g := range it.Block.Instance.Args {
		if g >= 0 && r.Args[k] >= 0 && g != r.Args[k] {
			return false
		}
	}
	prev := r.Instances[len(r.Instances)-1].Block
	if (prev.Index < 0) != (it.Block.Index < 0) || prev.Leader != it.Block.Leader || prev.Index >= 0 && it.Block.Index != prev.Index+1 {
		return false
	}
	return len(end) == 1 && len(it.In) > 0 && len(it.Out) == 1 && it.In[0] == end[0] && slices.Equal(it.In[1:], beside)
}

// beside are the values that blocks of a run read, besides that of the main flow.
func (p *Piece) beside() []ir.ValueID { return p.In[min(1, len(p.In)):] }

// add appends a block to the run. A block that does not need an argument gets the argument of the other blocks.
func (r *Run) add(i *Instance) {
	r.Instances = append(r.Instances, i)
	for k, g := range i.Args {
		if g >= 0 {
			r.Args[k] = g
		}
	}
}

// lay makes the layout of the section's own calls, and adds what its runs need to its arguments.
func (s *Section) lay(p *Package) {
	pl := &place{stage: -2}
	if s.Stage != nil {
		pl.stage = s.Stage.Index
		for _, f := range s.Stage.Fields {
			pl.own = append(pl.own, f.Gene)
		}
	}
	for k := range s.Pieces {
		s.Pieces[k].First = len(pl.body.Calls)
		pl.body.Calls = append(pl.body.Calls, s.Pieces[k].Calls...)
	}
	pl.body.In = s.In
	l := &layouter{p: p, places: []*place{pl}, section: true}
	if len(pl.body.Calls) > 0 {
		s.Layout = l.run()
	} else {
		l.names = scope{}
	}
	for _, piece := range s.Pieces {
		if piece.Run == nil {
			continue
		}
		for _, g := range piece.Run.Args {
			if g >= 0 && !slices.Contains(pl.own, g) {
				l.arg(pl, l.relations(pl, dim.Choice(g))[0], g)
			}
		}
	}
	l.nameArgs()
	s.Layout.Args, s.Args = l.out.Args, pl.args
	for k, n := range s.Layout.Recs {
		if n != "" {
			s.Layout.Recs[k] = p.scope.first(s.Name + Exported(n))
		}
	}
	for _, piece := range s.Pieces {
		if r := piece.Run; r != nil {
			r.Table = p.scope.first(s.tableNames(r)...)
		}
	}
}

// tableNames proposes names for the variable with a run's instances.
func (s *Section) tableNames(r *Run) []string {
	var blocks []*Instance
	for _, st := range s.Stages {
		for _, it := range st.Items {
			if it.Block != nil && it.Block.Instance != nil {
				blocks = append(blocks, it.Block.Instance)
			}
		}
	}
	first := slices.Index(blocks, r.Instances[0])
	last := first + len(r.Instances) - 1
	switch {
	case len(r.Instances) == len(blocks):
		return []string{s.Name}
	case first == last:
		return []string{fmt.Sprintf("%sBlock%d", s.Name, first)}
	}
	return []string{fmt.Sprintf("%sBlocks%dTo%d", s.Name, first, last)}
}

// Gene returns the expression for gene g in the section's function.
func (s *Section) Gene(p *Package, g int) string {
	if k := slices.Index(s.Args, g); k >= 0 {
		return s.Layout.Args[k].Name
	}
	return "s." + p.Choices[g].Field
}

// Bound is the number of a run's blocks that are kept: Blocks() of the depth choice Gene, minus Offset.
type Bound struct {
	Gene, Offset int
	Low, High    bool // the difference goes below zero, or above the length of the run
}

// Bound finds the run's bound, nil when its blocks are always kept.
func (r *Run) Bound(p *Package) (*Bound, error) {
	b := &Bound{Gene: -1}
	for _, i := range r.Instances {
		if i.Block.Live.Below > 0 {
			b.Gene = int(i.Block.Live.Choice)
		}
	}
	if b.Gene < 0 {
		return nil, nil
	}
	c := p.Choices[b.Gene]
	n := len(r.Instances)
	for b.Offset = 0; b.Offset <= int(c.Candidates[0]); b.Offset++ {
		b.Low, b.High = false, false
		fits := true
		for g, blocks := range c.Candidates {
			rest := int(blocks) - b.Offset
			b.Low, b.High = b.Low || rest < 0, b.High || rest > n
			kept, ok := r.kept(b.Gene, g)
			fits = fits && ok && kept == min(max(rest, 0), n)
		}
		if fits {
			return b, nil
		}
	}
	return nil, fmt.Errorf("internal error: %s does not keep the first blocks of its stage", c.Name)
}

// kept counts the run's blocks that candidate g of a depth choice keeps. ok tells whether they are the run's first blocks.
func (r *Run) kept(gene, g int) (n int, ok bool) {
	for k, i := range r.Instances {
		if l := i.Block.Live; l.Below > 0 && (int(l.Choice) != gene || g >= int(l.Below)) {
			continue
		}
		if k != n {
			return 0, false
		}
		n++
	}
	return n, true
}

// List is the expression of the list of blocks over which a run ranges, and the index of the run's first block in it. The expression is "" if there is no list.
func (r *Run) List(s *Stage) (list string, from int) {
	if r.Class.Type == nil || s == nil || s.Array == nil || r.Instances[0].Block.Index < 0 {
		return "", 0
	}
	return "s.Blocks", r.Instances[0].Block.Index
}

// Receiver is the expression for the choices of a run's only block, or for all its blocks if they have no choices of their own.
func (r *Run) Receiver(s *Stage) string {
	b := r.Instances[0].Block
	switch {
	case r.Class.Type == nil:
		return ""
	case b.Leader != nil:
		return "s." + s.BlockPath(b.Leader)
	case b.Index < 0:
		return r.Class.Type.Name + "{}"
	}
	return "s." + s.BlockPath(b)
}

// IsSide tells whether an extent is the choice's own value, in pixels.
func IsSide(d dim.Dim, c *Choice) bool {
	deps := d.Deps()
	if c.Kind != "resolution" || len(deps) != 1 {
		return false
	}
	for k, v := range d.Values() {
		if float64(v) != c.Candidates[k] {
			return false
		}
	}
	return true
}
