package supernet

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/op"
)

// Plan says what a model without a config offers, with a sensible config for it.
type Plan struct {
	Config Config
	Stages []*Stage
	Ratios map[string][]float64 // original expand ratios by name of the blocks, ascending
	Input  []int                // shape of the image input, nil when there is none
	Notes  []string             // choices that are not offered, each with the reason
}

// Detect proposes choices for a canonical graph: for everything that can vary, in steps that give multiples of the divisor.
func Detect(g *ir.Graph, c Config, templates []Template) (*Plan, error) {
	b, err := analyse(g, c, templates)
	if err != nil {
		return nil, err
	}
	p := &Plan{Config: c, Stages: b.net.Stages, Ratios: map[string][]float64{}}
	b.planResolution(p)
	b.planStages(p)
	for _, s := range b.net.Stages {
		for _, it := range s.Items {
			if it.Block != nil {
				b.planBlock(p, it)
			}
		}
	}
	for _, ratios := range p.Ratios {
		sort.Float64s(ratios)
	}
	for i := range p.Config.Vars {
		v := &p.Config.Vars[i]
		if v.Name == "expand" {
			v.List = ratioSteps(p.Ratios[v.Block])
		}
	}
	b.thin(p)
	b.unite(p)
	return p, b.planGeneric(p, templates)
}

// movers tell whether a block has anything that a list moves, by the name of the list.
func movers() map[string]func(bl *Block) bool {
	moves := map[string]func(bl *Block) bool{
		"kernel": func(bl *Block) bool { return len(bl.kernels) > 0 },
		"expand": func(bl *Block) bool { return len(bl.inner) > 0 },
	}
	for name := range attentionKinds {
		moves[name] = func(bl *Block) bool { return bl.scores > 0 }
	}
	return moves
}

// thin leaves out lists until the space has room for all choices. Each block of a list makes one choice, so the list with most blocks goes first. Inner
// widths then move with their stage's ratio.
func (b *binder) thin(p *Plan) {
	moves := movers()
	for {
		total, worst, most := b.shared(p), -1, 0
		for i, v := range p.Config.Vars {
			n := 0
			for _, s := range b.net.Stages {
				for _, bl := range s.Blocks() {
					if bl.GoName == v.Block && moves[v.Name] != nil && moves[v.Name](bl) {
						n++
					}
				}
			}
			if total += n; n > most {
				worst, most = i, n
			}
		}
		if total <= maxChoices || worst < 0 {
			return
		}
		v := p.Config.Vars[worst]
		p.Notes = append(p.Notes, fmt.Sprintf("%s.%s is left out: %d blocks would have a choice of it each, and a space has at most %d choices", v.Block, v.Name, most, maxChoices))
		p.Config.Vars = slices.Delete(p.Config.Vars, worst, worst+1)
	}
}

// shared is how many choices are no block's, at most: the resolution; width, depth and ratio of each stage, or one width and one ratio for all.
func (b *binder) shared(p *Plan) int {
	if each := 1 + 3*len(b.net.Stages); each <= maxChoices {
		return each
	}
	return 3 + min(len(b.net.Stages)-len(p.Config.DepthSkipped.List), mostDeep)
}

// unite replaces lists of block types by one list for all blocks, if all blocks that the list can move have the same values.
func (b *binder) unite(p *Plan) {
	moves := movers()
	var vars []Var
	for _, v := range p.Config.Vars {
		if moves[v.Name] != nil && b.sameForAll(p, v, moves[v.Name]) {
			v.Block = ""
		}
		if find(vars, v.Block, v.Name).List == nil {
			vars = append(vars, v)
		}
	}
	p.Config.Vars = vars
}

// sameForAll tells whether every block that moves has the list of v.
func (b *binder) sameForAll(p *Plan, v Var, moves func(bl *Block) bool) bool {
	for _, s := range b.net.Stages {
		for _, bl := range s.Blocks() {
			if moves(bl) && !slices.Equal(p.Config.Var(bl.GoName, v.Name).List, v.List) {
				return false
			}
		}
	}
	return true
}

// leastSide is the smallest side of an image for which other resolutions are offered.
const leastSide = 16

// planResolution offers five sides from the original down to half of it.
func (b *binder) planResolution(p *Plan) {
	id, side := b.image()
	if id == 0 || side < leastSide {
		return
	}
	p.Input = b.plain.sizes[id]
	list := b.sides(id, b.offered(id, side))
	p.Notes = append(p.Notes, b.net.Warnings...)
	if len(list) > 1 {
		sort.Float64s(list)
		p.Config.Resolution.List = list
	}
}

// offered are five sides from the original down to half of it. In place of one that the model refuses stands one near it that has more factors of two, if
// that fits: networks that halve maps and join them again want these.
func (b *binder) offered(id ir.ValueID, side int) []float64 {
	const most = 32
	grain := min(side&-side, most) // the power of two in it
	step := max(1, side/8)
	list := []float64{float64(side)}
	for k := 1; k <= 4; k++ {
		s := float64(side - k*step)
		for _, g := range []int{1, grain / 2, grain} {
			near := s
			if g > 1 {
				near = math.Round(s/float64(g)) * float64(g)
			}
			if fits := 2*near >= float64(side) && !slices.Contains(list, near) && b.refused(id, near/float64(side)) == nil; fits {
				s = near
				break
			}
		}
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// rigidInput says why the resolution is fixed, if the config lists none and no resolution that init offers would work.
func (b *binder) rigidInput() {
	id, side := b.image()
	if id == 0 || side < leastSide || b.has(Resolution) || len(b.config.Resolution.List) > 0 {
		return
	}
	var first error
	for _, s := range b.offered(id, side)[1:] {
		err := b.refused(id, s/float64(side))
		if err == nil {
			return // the config does not ask for it
		}
		if first == nil {
			first = err
		}
	}
	f := Frozen{Value: b.graph.Values[id].Name, Axis: 3, Size: side, Why: fmt.Sprintf("no smaller resolution: %v", first)}
	if all := op.NodeErrors(first); len(all) > 0 {
		f.Node = all[0].Node.Name
	}
	b.net.Frozen = append(b.net.Frozen, f)
}

// Bounds of what is offered.
const (
	mostDeep   = 200  // stages with a depth of their own
	mostListed = 4096 // numbers in a list of the config
)

// planStages offers widths and depths, and lists the stages that have none.
func (b *binder) planStages(p *Plan) {
	deepest := 0
	var narrow, shallow, deep []float64
	taken := map[axis.Var]bool{} // channels that an earlier stage ends with
	for _, s := range b.net.Stages {
		out := s.end()
		wide := len(out) > 0 && b.hasChannel(out[0])
		if !wide || taken[b.coupling.Find(b.channel(out[0]))] || len(b.movable(b.channel(out[0]))) == 0 {
			narrow = append(narrow, float64(s.Index))
		}
		if wide {
			taken[b.coupling.Find(b.channel(out[0]))] = true
		}
		removable := b.removable(s)
		if deepest = max(deepest, removable); removable == 0 {
			shallow = append(shallow, float64(s.Index))
		} else {
			deep = append(deep, float64(s.Index))
		}
	}
	if len(deep) > mostDeep {
		shallow = append(shallow, deep[mostDeep:]...)
		slices.Sort(shallow)
		p.Notes = append(p.Notes, fmt.Sprintf("depth is offered for the first %d of the %d stages that have blocks to drop: a space has at most %d choices", mostDeep, len(deep), maxChoices))
	}
	unlisted := func(what string, skipped []float64) bool {
		long := len(skipped) > mostListed
		if long {
			p.Notes = append(p.Notes, fmt.Sprintf("%s is not offered: %d of the %d stages have none, and a list of them has at most %d numbers", what, len(skipped), len(b.net.Stages), mostListed))
		}
		return long
	}
	if len(narrow) < len(b.net.Stages) && !unlisted("width", narrow) {
		p.Config.Width.List, p.Config.WidthSkipped.List = []float64{0.5, 0.75, 1}, narrow
	}
	if deepest > 0 && unlisted("depth", shallow) {
		deepest = 0
	}
	if deepest > 0 {
		for r := -min(deepest, mostDropped); r <= 0; r++ {
			p.Config.Depth.List = append(p.Config.Depth.List, float64(r))
		}
		p.Config.DepthSkipped.List = shallow
	}
}

// planBlock offers kernels and an attention's choices, and collects the expand ratios of a block's type.
func (b *binder) planBlock(p *Plan, it Item) {
	bl := it.Block
	side := 0
	for _, i := range bl.kernels {
		side = max(side, b.window(i)[0])
	}
	var sides []float64
	convs, free := b.windows(bl.kernels)
	for k := 3; free && k <= side; k += 2 {
		if b.croppable(convs, k) {
			sides = append(sides, float64(k))
		}
	}
	if len(sides) > 1 && len(sides) > len(p.Config.Var(bl.GoName, "kernel").List) {
		p.Config.setVar(bl.GoName, "kernel", sides)
	}
	if bl.scores > 0 {
		b.planAttention(p, bl)
	}
	if len(bl.inner) == 0 {
		return
	}
	leaves := b.movable(b.made(bl.inner[0]))
	if len(leaves) == 0 {
		return
	}
	ratio := b.innerSpan(bl.inner[0], leaves[0]) / float64(b.coupling.Size(b.base(it)))
	p.Ratios[bl.GoName] = append(p.Ratios[bl.GoName], math.Round(ratio*1000)/1000)
	p.Config.setVar(bl.GoName, "expand", nil)
}

func (c *Config) setVar(block, name string, list []float64) {
	for i := range c.Vars {
		if c.Vars[i].Block == block && c.Vars[i].Name == name {
			c.Vars[i].List = list
			return
		}
	}
	c.Vars = append(c.Vars, Var{Block: block, Name: name, Values: Values{List: list}})
}

// ratioSteps offers half, two thirds to three quarters, and all of each original ratio, in steps that people write.
func ratioSteps(orig []float64) []float64 {
	seen := map[float64]bool{}
	var out []float64
	top := orig[len(orig)-1]
	for _, share := range []float64{0.5, 0.7, 1} {
		r := top * share
		if share < 1 {
			r = nice(r)
		}
		if !seen[r] && r > 0 {
			seen[r] = true
			out = append(out, r)
		}
	}
	for _, r := range orig {
		if !seen[r] {
			seen[r] = true
			out = append(out, r)
		}
	}
	sort.Float64s(out)
	return out
}

// nice rounds ratios of 2 and more to whole numbers, ratios of 1 and more to quarters, and smaller ones to hundredths.
func nice(r float64) float64 {
	switch {
	case r >= 2:
		return math.Round(r)
	case r >= 1:
		return math.Round(r*4) / 4
	}
	return math.Round(r*100) / 100
}
