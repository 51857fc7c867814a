package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// Layout says where the emitted code for bodies of one form finds its records and extents.
type Layout struct {
	Args   []Arg     // choices from outside that are passed in
	Recs   []string  // by call: the name of the field that holds the record, "" if the record is written in the code
	Extent []*Extent // moving extents, in order of first use
	slots  [][]int   // by call, then position in dims(): index in Extent, or one of the constants below
}

// The kinds of slots that are not moving extents.
const (
	leftOut = -1 - iota // a cut that never cuts
	fixed               // a number that is written in the code
)

// Arg is a choice of another stage, or of the net, that a function needs.
type Arg struct {
	Name     string
	Type     *ChoiceType
	relation string
}

// Extent is a number that moves with choices, or differs between instances.
type Extent struct {
	Name   string
	Index  []Index // the indices of the table, outermost first
	Tables [][]int // by instance: dense, the last index fastest
}

// Index is one index of an Extent's table.
type Index struct {
	Arg   int    // index in Layout.Args, or -1
	Field string // own choice when Arg is -1
	Card  int
}

// place is the place of a body in the net. It determines which choices are the body's own.
type place struct {
	stage int
	name  string // of the block, "" for a section
	own   []int  // genes
	body  Body
	args  []int // filled in: gene for each Arg, -1 for none
}

// lay makes the class's layout.
func (c *Class) lay(p *Package) {
	places := make([]*place, len(c.Instances))
	for k, i := range c.Instances {
		places[k] = &place{stage: i.stage, name: i.Block.GoName, own: i.Block.Moving(), body: i.Body}
	}
	c.Layout = p.layout(places, c.Type)
	for k, i := range c.Instances {
		i.Args = places[k].args
	}
}

// layout lays out bodies of one form. own is the struct of their own choices, nil for a stage.
func (p *Package) layout(places []*place, own *BlockType) Layout {
	l := &layouter{p: p, places: places, own: own}
	return l.run()
}

func (l *layouter) run() Layout {
	l.slots()
	l.records()
	for _, e := range l.out.Extent {
		l.index(e)
	}
	l.nameArgs()
	for _, e := range l.out.Extent {
		l.tables(e)
	}
	for _, pl := range l.places {
		for len(pl.args) < len(l.out.Args) {
			pl.args = append(pl.args, -1)
		}
	}
	return l.out
}

type layouter struct {
	p       *Package
	places  []*place
	own     *BlockType
	section bool // the body is a section's own code
	out     Layout
	dims    [][]dim.Dim // by extent, then place
	names   scope
}

// slots assigns an Extent to each slot of each call. Slots whose extents are equal functions at all instances share one Extent.
func (l *layouter) slots() {
	first := l.places[0].body.Calls
	names := l.extentNames()
	l.names = scope{}
	for k := range first {
		var row []int
		for j, col := range l.columns(k) {
			row = append(row, l.slot(k, j, col, names))
		}
		l.out.slots = append(l.out.slots, row)
	}
}

// columns returns, for each slot of a call, its extents at all places.
func (l *layouter) columns(call int) [][]dim.Dim {
	out := make([][]dim.Dim, len(l.places[0].body.Calls[call].dims()))
	for _, pl := range l.places {
		for j, d := range pl.body.Calls[call].dims()[:len(out)] {
			out[j] = append(out[j], *d)
		}
	}
	return out
}

// slot finds or makes the Extent of slot j of a call. col has the slot's extents at all places.
func (l *layouter) slot(call, j int, col []dim.Dim, names func(call, j int, col []dim.Dim) []string) int {
	if l.neverCuts(call, j) {
		return leftOut
	}
	if c, ok := constant(col); ok && c {
		return fixed
	}
	for e, other := range l.dims {
		if slices.EqualFunc(col, other, dim.Dim.Equal) {
			return e
		}
	}
	l.dims = append(l.dims, col)
	l.out.Extent = append(l.out.Extent, &Extent{Name: l.names.first(names(call, j, col)...)})
	return len(l.dims) - 1
}

// constant tells whether a column is one number, or the open batch, at all places.
func constant(col []dim.Dim) (bool, bool) {
	for _, d := range col {
		_, fixed := d.IsConst()
		_, batch := d.Batches()
		if !fixed && !batch || !d.Equal(col[0]) {
			return false, false
		}
	}
	return true, true
}

// neverCuts tells whether slot j of a call belongs to a cut that takes nothing away anywhere.
func (l *layouter) neverCuts(call, j int) bool {
	for _, k := range l.places[0].body.Calls[call].Cuts {
		n := 1
		if k.Pick != nil {
			n = len(k.Pick.dims())
		}
		if j >= n {
			j -= n
			continue
		}
		return k.Pick == nil && !l.everMoves(call, k.Verb, k.Axis)
	}
	return false
}

func (l *layouter) everMoves(call int, verb string, axis int) bool {
	for _, pl := range l.places {
		for _, k := range pl.body.Calls[call].Cuts {
			if k.Verb == verb && k.Axis == axis && k.moves() {
				return true
			}
		}
	}
	return false
}

// cutSlot is the slot of the j-th cut of a call.
func cutSlot(c Call, j int) int {
	n := 0
	for _, k := range c.Cuts[:j] {
		if k.Pick != nil {
			n += len(k.Pick.dims())
		} else {
			n++
		}
	}
	return n
}

// records names the fields for records that differ between instances or that name tensors.
func (l *layouter) records() {
	calls := l.places[0].body.Calls
	roles, base := rolesOf(calls), make([]string, len(calls))
	count := map[string]int{}
	for k, c := range calls {
		if !c.Rec.set() || !c.Rec.hasParams() && l.sameRecord(k) {
			continue
		}
		base[k] = recordName(&calls[k], roles)
		count[base[k]]++
	}
	seen := map[string]int{}
	for _, n := range base {
		if count[n] > 1 {
			seen[n]++
			n = fmt.Sprintf("%s%d", n, seen[n])
		}
		if n != "" {
			n = l.names.first(n)
		}
		l.out.Recs = append(l.out.Recs, n)
	}
}

func (l *layouter) sameRecord(call int) bool {
	want := l.places[0].body.Calls[call].Rec.text()
	for _, pl := range l.places[1:] {
		if pl.body.Calls[call].Rec.text() != want {
			return false
		}
	}
	return true
}

// text identifies a record without parameters.
func (r Rec) text() string {
	switch {
	case r.Act != nil:
		return fmt.Sprintf("%+v", *r.Act)
	case r.Pool != nil:
		return fmt.Sprintf("%+v", *r.Pool)
	case r.Resize != nil:
		return fmt.Sprintf("%+v", *r.Resize)
	case r.Op != nil:
		return fmt.Sprintf("%+v", *r.Op)
	}
	return ""
}

// rolesOf are the roles of what makes each value alone.
func rolesOf(calls []Call) map[ir.ValueID]string {
	out := map[ir.ValueID]string{}
	for _, c := range calls {
		if c.Role != "" && len(c.Out) == 1 && out[c.Out[0]] == "" {
			out[c.Out[0]] = c.Role
		}
	}
	return out
}

// recordName proposes a field name: the call's role, that of the layer before a normalisation, or what the layer is.
func recordName(c *Call, roles map[ir.ValueID]string) string {
	if c.Role != "" {
		return unexported(Exported(c.Role))
	}
	if c.Method == BatchNorm || c.Method == LayerNorm {
		if role := roles[c.In[0]]; role != "" {
			return unexported(Exported(role)) + "Norm"
		}
		return "norm"
	}
	if c.Method == Op {
		return unexported(Exported(c.Rec.Op.Type))
	}
	return strings.ToLower(c.Method.String())
}

// Slot is a place in a call that takes an extent.
type Slot struct {
	Extent  int  // index in Layout.Extent, or -1
	LeftOut bool // its cut never removes anything
	Batch   bool // Fixed times the open batch
	Fixed   int
}

// Slots returns the slots of call k of the layout, in order. c is the call.
func (l *Layout) Slots(c *Call, k int) []Slot {
	var out []Slot
	for j, d := range c.dims() {
		s := Slot{Extent: -1}
		switch e := l.slots[k][j]; {
		case e >= 0:
			s.Extent = e
		case e == leftOut:
			s.LeftOut = true
		default:
			s.Fixed, s.Batch = d.Original(), d.IsBatch()
		}
		out = append(out, s)
	}
	return out
}

// Extents lists the moving extents that call k takes.
func (l *Layout) Extents(k int) []int {
	var out []int
	for _, e := range l.slots[k] {
		if e >= 0 {
			out = append(out, e)
		}
	}
	return out
}

// Slots is the number of extents that the pick takes.
func (p *Pick) Slots() int { return len(p.dims()) }
