package supernet

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
)

// Generic is the name in configs for widths that belong to no stage and no template. GenericBlock is the paper's name.
const (
	Generic      = "Generic"
	GenericBlock = "GenericBlock"
)

// rest lists the axes of a stage's parameters that can still move after all other choices were made: widths inside regions that no template knows, widths of
// all layers of a plain chain except the last, and the width of a squeeze in a block. Each axis belongs to the first stage that has it.
func (b *binder) rest(s *Stage) []axis.Var {
	var out, products []axis.Var
	seen := map[axis.Var]bool{}
	add := func(v axis.Var) {
		for _, l := range b.movable(v) {
			if !seen[l] {
				seen[l] = true
				out = append(out, l)
			}
		}
	}
	for _, i := range s.nodes() {
		for _, id := range b.graph.Nodes[i].In {
			if id == 0 || b.graph.Values[id].Const == nil || b.net.integers(id) {
				continue
			}
			for _, v := range b.coupling.Axes(id) {
				switch {
				case b.coupling.Factors(v) != nil:
					products = append(products, v)
				case !b.coupling.Is(v, axis.Member): // the number of groups moves, not the channels of each
					add(v)
				}
			}
		}
	}
	for _, v := range products { // of which one factor is enough
		if !slices.ContainsFunc(b.coupling.Leaves(v), func(l axis.Var) bool { return b.moved(l) || seen[l] }) {
			add(v)
		}
	}
	return out
}

// nodes lists the stage's nodes in execution order.
func (s *Stage) nodes() []int {
	var out []int
	for _, it := range s.Items {
		out = append(out, it.Nodes...)
	}
	return out
}

// generic makes one choice for each stage: the share that is kept of all widths that no other choice moves.
func (b *binder) generic() error {
	generic := &Block{GoName: Generic, Type: GenericBlock}
	list := b.config.list(generic, string(Ratio))
	if len(list.List) == 0 {
		return nil
	}
	for _, s := range b.net.Stages {
		if b.skipsBlock(s, generic) {
			continue
		}
		if err := s.Transform(b.net, list); err != nil {
			return err
		}
	}
	return nil
}

// multiply makes a choice of multipliers for leaves, or lets them follow the choice that all stages share.
func (b *binder) multiply(s *Stage, kind ChoiceKind, leaves []axis.Var, list []float64) {
	c := Choice{Name: fmt.Sprintf("stage%d.%s", s.Index, kind), Kind: kind, Stage: s.Index, Block: -1}
	stated := list
	list = largestFirst(list, 1)
	rows := make([][]int, len(list)) // widths of the leaves for each candidate
	for i, m := range list {
		for _, l := range leaves {
			rows[i] = append(rows[i], b.roundLeaf(float64(b.coupling.Size(l))*m, l))
		}
	}
	if b.config.Tied {
		b.follow(kind, leaves, list, rows)
		return
	}
	c.Candidates, rows = distinct(list, rows)
	g, ok := b.add(c, stated)
	if !ok {
		return
	}
	s.Choices = append(s.Choices, int(g))
	for k, l := range leaves {
		b.leaves[l] = dim.Var(g, column(rows, k))
	}
}

// follow binds leaves to the net's choice of a kind. The choice is made with the first leaves.
func (b *binder) follow(kind ChoiceKind, leaves []axis.Var, list []float64, rows [][]int) {
	if kept, _ := distinct(list, rows); len(kept) < 2 {
		return
	}
	g, ok := b.tied[kind]
	if !ok {
		g, ok = b.add(Choice{Name: string(kind), Kind: kind, Stage: -1, Block: -1, Candidates: list}, list)
		if !ok {
			return
		}
		b.tied[kind] = g
	}
	for k, l := range leaves {
		b.leaves[l] = dim.Var(g, column(rows, k))
	}
}

// maxTable is the largest number of combinations of choices that an extent may depend on. Beyond it stages share their widths. This happens in dense networks,
// where the width of a layer is the sum of all before it. Larger tables would make large packages.
const maxTable = 4096

// errTooMany says that extents depend on too many choices.
var errTooMany = errors.New("the extents depend on too many choices at once")

// tooManyError refuses more choices than genes can be. Stages that share their widths may do with fewer.
type tooManyError struct{ choice string }

// Error names the first choice that is too many.
func (e *tooManyError) Error() string {
	return fmt.Sprintf("%s: a space has at most %d choices of %d candidates; leave some out or skip some stages", e.choice, maxChoices, maxCandidates)
}

// Is tells that stages may share their widths.
func (e *tooManyError) Is(target error) bool { return target == errTooMany }

// entangled returns errTooMany if an error, or an extent, is too large a table, so that stages must share their widths.
func (b *binder) entangled(err error) error {
	var large *dim.TooLargeError
	if errors.As(err, &large) {
		return errTooMany
	}
	if err != nil {
		return err
	}
	for _, s := range b.net.Shapes {
		for _, d := range s {
			n := 1
			for _, g := range d.Deps() {
				n *= len(b.net.Choices[g].Candidates)
			}
			if n > maxTable {
				return errTooMany
			}
		}
	}
	return nil
}

// tie lets all stages share their widths.
func (c *Config) tie() bool {
	if c.Tied {
		return false
	}
	c.Tied = true
	return true
}

// planGeneric offers shares of the widths that no choice of the plan moves. To find these widths it makes the planned choices.
func (b *binder) planGeneric(p *Plan, templates []Template) error {
	b.config = p.Config
	err := b.transform()
	if errors.Is(err, errTooMany) && b.config.tie() {
		if b, err = analyse(b.graph, b.config, templates); err == nil {
			err = b.transform()
		}
	}
	if err != nil {
		return err
	}
	for _, s := range b.net.Stages {
		for _, l := range b.rest(s) {
			if size := b.coupling.Size(l); b.roundLeaf(float64(size)/2, l) < size {
				p.Config.setVar(Generic, "ratio", []float64{0.5, 0.75, 1})
				return nil
			}
		}
	}
	return nil
}
