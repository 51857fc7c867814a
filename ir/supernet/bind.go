package supernet

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// binder gives the variables of the coupling their extents as functions of the config's choices.
type binder struct {
	config   Config
	graph    *ir.Graph
	flow     *Flow
	plain    *plain
	coupling *axis.Coupling
	net      *Net
	leaves   map[axis.Var]dim.Dim      // extents of bound variables
	tied     map[ChoiceKind]dim.Choice // choices that all stages share
	units    map[axis.Var]int          // channels of each group, of leaves that are groups
	inputs   map[ir.ValueID][]dim.Dim  // shapes of the model's inputs
	block    *Block                    // whose choices are made now
	places   map[ir.ValueID]positions  // of parameters, as far as asked for
	reading  map[ir.Identity][]int     // nodes that read a tensor, see readers
	known    *extents                  // what the last inference has found
	tried    map[float64]error         // what refused has found, by factor
	scores   map[ir.ValueID]bool       // see biasesScores
	skipped  map[*float64]map[int]bool // see skips, by the list's first element
	err      error                     // first failure of arithmetic on extents

	inference *op.Inference // of the shapes, while the net is updated
	disagrees error         // first extent of which inference and coupling tell different things
}

// keep remembers the first error of arithmetic on extents, so that formulas stay readable.
func (b *binder) keep(d dim.Dim, err error) dim.Dim {
	b.note(err)
	return d
}

func (b *binder) note(err error) {
	if b.err == nil {
		b.err = err
	}
}

// skips turns a list of stage indices, negative from the end, into a set. Each list is turned once: stages and blocks ask for it one by one.
func (b *binder) skips(list []float64) map[int]bool {
	if len(list) == 0 {
		return nil
	}
	set := b.skipped[&list[0]]
	if set == nil {
		set = map[int]bool{}
		for _, v := range list {
			i := int(v)
			if i < 0 {
				i += len(b.net.Stages)
			}
			set[i] = true
		}
		b.skipped[&list[0]] = set
	}
	return set
}

// skipsBlock tells whether a list of stages without choices of a block has the stage of one that it is for.
func (b *binder) skipsBlock(s *Stage, bl *Block) bool {
	return slices.ContainsFunc(b.config.BlocksSkipped, func(v Var) bool { return bl.is(v.Block) && b.skips(v.List)[s.Index] })
}

// A gene and its value are one byte each.
const (
	maxChoices    = 256
	maxCandidates = 255
)

// add appends a choice of the values of a list when it has more than one candidate, and returns its gene.
func (b *binder) add(c Choice, list []float64) (dim.Choice, bool) {
	c.Configured, c.Whole = len(list), whole(c, list)
	b.net.Modifications += c.Configured
	b.net.rawFactor(c.Configured)
	if len(c.Candidates) < 2 || b.isFrozen(c, b.block) {
		return 0, false
	}
	if len(c.Candidates) > maxCandidates || len(b.net.Choices) >= maxChoices {
		if b.err == nil {
			b.err = &tooManyError{c.Name}
		}
		return 0, false
	}
	b.net.Choices = append(b.net.Choices, c)
	return dim.Choice(len(b.net.Choices) - 1), true
}

// whole tells whether the candidates of c are exactly the values of a list. The original's share of itself is 1, listed or not.
func whole(c Choice, list []float64) bool {
	in := func(list []float64) func(v float64) bool {
		return func(v float64) bool {
			return slices.Contains(list, v) || v == 1 && slices.Contains([]ChoiceKind{Width, Ratio, Heads, QK}, c.Kind)
		}
	}
	out := func(list []float64) func(v float64) bool { return func(v float64) bool { return !in(list)(v) } }
	return !slices.ContainsFunc(c.Candidates, out(list)) && !slices.ContainsFunc(list, out(c.Candidates))
}

// resolution binds the last two axes of every image input (the last one of a sequence) to the resolution.
func (b *binder) resolution(asked Values) error {
	b.inputs = map[ir.ValueID][]dim.Dim{}
	for id, s := range b.plain.bind {
		b.inputs[id] = s
	}
	if len(asked.List) == 0 {
		return nil
	}
	id, side := b.image()
	if id == 0 {
		return fmt.Errorf("%s: resolution: the model has no input with two spatial axes; remove the key", asked.Pos)
	}
	list := b.sides(id, largestFirst(asked.List, float64(side)))
	g, ok := b.add(Choice{Name: "resolution", Kind: Resolution, Stage: -1, Block: -1, Candidates: list}, asked.List)
	if !ok {
		return nil
	}
	shape := append([]dim.Dim{}, b.inputs[id]...)
	for k := 2; k < len(shape); k++ {
		full, _ := shape[k].IsConst()
		shape[k] = dim.Var(g, scaled(list, float64(full)/float64(side)))
	}
	b.inputs[id] = shape
	return nil
}

// refused returns the first reason against an image that is smaller by a factor. It takes an inference of the whole graph, so it is found once for each
// factor, before other choices are made: these move values that are read together with constants.
func (b *binder) refused(id ir.ValueID, by float64) error {
	if len(b.leaves) > 0 {
		return b.trial(id, by)
	}
	err, known := b.tried[by]
	if !known {
		err = b.trial(id, by)
		b.tried[by] = err
	}
	return err
}

// trial infers the graph of an image that is smaller by a factor.
func (b *binder) trial(id ir.ValueID, by float64) error {
	bind := maps.Clone(b.plain.bind)
	shape := slices.Clone(bind[id])
	for k := 2; k < len(shape); k++ {
		full, _ := shape[k].IsConst()
		shape[k] = dim.Const(int(math.Round(float64(full) * by)))
	}
	bind[id] = shape
	after := b.infer(bind)
	if err := after.Run(); err != nil {
		if all := op.NodeErrors(err); len(all) > 0 {
			return all[0]
		}
		return err
	}
	k := baked{b, after}
	if err := k.computed(id, bind); err != nil {
		return err
	}
	return k.check()
}

// image returns the first input with spatial axes and the extent of its last axis.
func (b *binder) image() (ir.ValueID, int) {
	for _, id := range b.graph.Inputs {
		if s := b.plain.sizes[id]; len(s) == 4 {
			return id, s[3]
		}
	}
	return 0, 0
}

func scaled(list []float64, by float64) []int {
	out := make([]int, len(list))
	for i, v := range list {
		out[i] = int(math.Round(v * by))
	}
	return out
}

// largestFirst lists the original value, and then the candidates from the largest to the smallest, each once.
func largestFirst(list []float64, orig float64) []float64 {
	out := []float64{orig}
	sorted := append([]float64{}, list...)
	sort.Sort(sort.Reverse(sort.Float64Slice(sorted)))
	for _, v := range sorted {
		if v != orig && v != out[len(out)-1] {
			out = append(out, v)
		}
	}
	return out
}

// channel returns the variable of a value's channel axis.
func (b *binder) channel(id ir.ValueID) axis.Var {
	axes := b.coupling.Axes(id)
	return axes[channelAxis(len(axes), b.plain.signals[id])]
}

// made returns the variable of the channels that node i makes: the last axis of a product's result.
func (b *binder) made(i int) axis.Var { return b.channelAt(i, b.graph.Nodes[i].Out[0]) }

// read returns the variable of the channels that node i reads.
func (b *binder) read(i int) axis.Var { return b.channelAt(i, b.graph.Nodes[i].In[0]) }

func (b *binder) channelAt(i int, id ir.ValueID) axis.Var {
	axes := b.coupling.Axes(id)
	if n := b.graph.Nodes[i]; (n.Op == "MatMul" || n.Op == "Gemm") && len(axes) > 0 {
		return axes[len(axes)-1]
	}
	return b.channel(id)
}

// hasChannel tells whether a value has a channel axis.
func (b *binder) hasChannel(id ir.ValueID) bool { return len(b.coupling.Axes(id)) > 1 }

// movable returns the leaves of v that may be bound: those that are neither frozen nor bound nor spatial. If v is a product, one of its factors moves, and
// the product moves in proportion. That factor is the groups of a convolution, so that whole groups go, or else the largest factor.
func (b *binder) movable(v axis.Var) []axis.Var {
	if ts := b.coupling.Terms(v); ts != nil {
		var out []axis.Var
		for _, t := range ts {
			for _, l := range b.movable(t) {
				if !hasVar(out, l) {
					out = append(out, l)
				}
			}
		}
		return out
	}
	if fs := b.coupling.Factors(v); fs != nil {
		return b.movableFactor(v, fs)
	}
	l := b.coupling.Find(v)
	if b.moved(l) || b.coupling.Frozen(l) != nil || b.net.fixed(l) {
		return nil
	}
	return []axis.Var{l}
}

// moved tells whether a choice already moves the leaf l. A leaf that should follow another width, but is too small to do so, is free.
func (b *binder) moved(l axis.Var) bool {
	d, bound := b.leaves[b.coupling.Find(l)]
	return bound && len(d.Deps()) > 0
}

// movableFactor returns the leaves of the factor of a product that moves.
func (b *binder) movableFactor(v axis.Var, fs []axis.Var) []axis.Var {
	var best axis.Var
	var leaves []axis.Var
	for _, f := range fs {
		for _, l := range b.coupling.Leaves(f) {
			if b.moved(l) {
				return nil
			}
		}
		own := b.movable(f)
		if len(own) > 0 && (leaves == nil || b.outranks(f, best)) {
			best, leaves = f, own
		}
	}
	// A factor below the divisor would never move by itself: like groups, it is rounded by the channels that it stands for.
	if leaves != nil && (b.coupling.Is(best, axis.Group) || b.coupling.Size(best) <= b.config.Divisor) {
		for _, l := range leaves {
			b.units[l] = b.coupling.Size(v) / b.coupling.Size(best)
		}
	}
	return leaves
}

// outranks tells whether factor f is preferred to another one: groups of a convolution first, repeated positions last, and otherwise the larger factor.
func (b *binder) outranks(f, other axis.Var) bool {
	for _, r := range []struct {
		role axis.Role
		wins bool
	}{{axis.Group, true}, {axis.Repeat, false}} {
		if mine, others := b.coupling.Is(f, r.role), b.coupling.Is(other, r.role); mine != others {
			return mine == r.wins
		}
	}
	return b.coupling.Size(f) > b.coupling.Size(other)
}

// span is the number of channels that a leaf stands for: its positions, or for groups the channels of all groups together.
func (b *binder) span(l axis.Var) int { return b.coupling.Size(l) * max(1, b.units[l]) }

// width binds the output channels of a stage to its width multiplier.
func (b *binder) width(s *Stage, list []float64) {
	out := s.end()
	var leaves []axis.Var
	if len(out) > 0 && b.hasChannel(out[0]) {
		leaves = b.movable(b.channel(out[0]))
	}
	b.multiply(s, Width, leaves, list)
}

// roundLeaf applies the width rule to a leaf. The original width is never changed or exceeded. Groups are rounded so that their channels together are a
// multiple of the divisor. A leaf that is too small to change that way uses a half, a quarter and so on of the divisor: the largest by which it can change.
func (b *binder) roundLeaf(v float64, l axis.Var) int {
	divisor, units := max(1, b.config.Divisor), max(1, b.units[l])
	for divisor > 1 && divisor/gcd(divisor, units) >= b.coupling.Size(l) {
		divisor /= 2
	}
	return roundTo(v, b.coupling.Size(l), divisor/gcd(divisor, units))
}

func roundTo(v float64, orig, divisor int) int {
	if v >= float64(orig) {
		return orig
	}
	return min(orig, Round(v, max(1, divisor)))
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// distinct drops candidates that give the same extents as an earlier one.
func distinct(list []float64, rows [][]int) ([]float64, [][]int) {
	var keep []float64
	var kept [][]int
	for i, v := range list {
		dup := len(rows[i]) == 0 && i > 0
		for _, r := range kept {
			dup = dup || equal(r, rows[i])
		}
		if !dup {
			keep, kept = append(keep, v), append(kept, rows[i])
		}
	}
	return keep, kept
}

func column(rows [][]int, k int) []int {
	out := make([]int, len(rows))
	for i, r := range rows {
		out[i] = r[k]
	}
	return out
}

// removable is the number of blocks at a stage's end that can go.
func (b *binder) removable(s *Stage) int {
	blocks := s.Blocks()
	n := 0
	for n < len(blocks)-max(1, b.config.DepthKeep) && blocks[len(blocks)-1-n].Skippable {
		n++
	}
	return n
}

// depth makes the choice of a stage's depth: how many of its blocks are kept, from the first. Only skippable blocks at its end can go.
func (b *binder) depth(s *Stage, list []float64) {
	blocks := s.Blocks()
	if len(blocks) == 0 {
		return
	}
	removable := b.removable(s)
	kept := map[int]bool{len(blocks): true}
	for _, r := range list {
		kept[len(blocks)-min(int(-r), removable)] = true
	}
	c := Choice{Name: fmt.Sprintf("stage%d.depth", s.Index), Kind: Depth, Stage: s.Index, Block: -1}
	for n := len(blocks); n >= 0; n-- {
		if kept[n] {
			c.Candidates = append(c.Candidates, float64(n))
		}
	}
	if g, ok := b.add(c, list); ok {
		s.Choices = append(s.Choices, int(g))
		b.shrink(s, g, c.Candidates)
	}
}
