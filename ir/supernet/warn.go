package supernet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// warn lists the entries of the config that have no effect on this model: a wrong index, or a setting for another network. The settings of the paper's authors have
// many of these, so they are not errors.
func (b *binder) warn() {
	n := len(b.net.Stages)
	skipped := []Values{b.config.WidthSkipped, b.config.DepthSkipped}
	for _, v := range b.config.BlocksSkipped {
		skipped = append(skipped, v.Values)
	}
	for _, v := range skipped {
		for _, i := range v.List {
			if int(i) >= n || int(i) < -n {
				b.warning(v.Pos, "there is no stage %d; the model has stages 0 to %d", int(i), n-1)
			}
		}
	}
	if b.config.Tied {
		b.warning(b.config.Width.Pos, "all stages share their width choices: apart, there would be too many of them, or extents would depend on too many at once")
	}
	have := b.blockNames()
	for _, v := range b.config.Vars {
		if v.Name == "ratio" {
			if !b.has(Ratio) {
				b.warning(v.Pos, "no width belongs to a generic block alone")
			}
		} else if v.Block != "" && !slices.Contains(have, v.Block) && !b.hasType(v.Block) {
			b.warning(v.Pos, "the model has no %s; its blocks are %s", v.Block, strings.Join(have, ", "))
		} else if top := b.originalRatio(v.Block); v.Name == "expand" && top > 0 {
			b.warnRatios(v, top)
		} else if v.Name == "kernel" {
			b.warnKernels(v)
		} else if kind, ok := attentionKinds[v.Name]; ok && len(v.List) > 1 && !b.hasIn(v.Block, kind) {
			b.warnAttention(v, kind)
		}
	}
	b.warnWidths()
	b.warnDepths()
}

// warnWidths warns of multipliers that move nothing.
func (b *binder) warnWidths() {
	if slices.ContainsFunc(b.config.Width.List, func(m float64) bool { return m < 1 }) && !b.has(Width) {
		b.warning(b.config.Width.Pos, "no stage has a width that can change")
	}
}

// warnDepths warns of more blocks than any stage can drop.
func (b *binder) warnDepths() {
	if !slices.ContainsFunc(b.config.Depth.List, func(r float64) bool { return r < 0 }) {
		return
	}
	most := 0
	skipped := b.skips(b.config.DepthSkipped.List)
	for _, s := range b.net.Stages {
		if !skipped[s.Index] {
			most = max(most, b.removable(s))
		}
	}
	for _, r := range b.config.Depth.List {
		switch {
		case most == 0:
			b.warning(b.config.Depth.Pos, "no stage has a block that can be dropped")
			return
		case -r > float64(most):
			b.warning(b.config.Depth.Pos, "no stage can drop %.0f blocks; the most is %d", -r, most)
		}
	}
}

func (b *binder) has(kind ChoiceKind) bool {
	return slices.ContainsFunc(b.net.Choices, func(c Choice) bool { return c.Kind == kind })
}

// warnKernels warns of windows that no block can have.
func (b *binder) warnKernels(v Var) {
	var have []float64 // windows that some block has
	for _, s := range b.net.Stages {
		for _, bl := range s.Blocks() {
			if !bl.is(v.Block) {
				continue
			}
			for _, i := range bl.kernels {
				have = append(have, float64(slices.Max(b.window(i))))
			}
			for _, g := range bl.Choices {
				if c := b.net.Choices[g]; c.Kind == Kernel {
					have = append(have, c.Candidates...)
				}
			}
		}
	}
	slices.Sort(have)
	for _, k := range v.List {
		if !slices.Contains(have, k) {
			b.warning(v.Pos, "%s: no block can have a window of %s; there are %v", v.key(), number(k), slices.Compact(slices.Clone(have)))
		}
	}
}

func (b *binder) warning(pos, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if pos != "" {
		text = pos + ": " + text
	}
	b.net.Warnings = append(b.net.Warnings, text)
}

// hasType tells whether the model has a block that the paper's authors call name.
func (b *binder) hasType(name string) bool {
	return slices.ContainsFunc(b.net.Stages, func(s *Stage) bool {
		return slices.ContainsFunc(s.Blocks(), func(bl *Block) bool { return bl.Type == name })
	})
}

// blockNames lists the names of the blocks that templates found.
func (b *binder) blockNames() []string {
	var out []string
	for _, s := range b.net.Stages {
		for _, bl := range s.Blocks() {
			if bl.Type != "" && !slices.Contains(out, bl.GoName) {
				out = append(out, bl.GoName)
			}
		}
	}
	slices.Sort(out)
	return out
}

// originalRatio is the largest expand ratio that blocks of a type have in the model.
func (b *binder) originalRatio(block string) float64 {
	top := 0.0
	for _, s := range b.net.Stages {
		for _, it := range s.Items {
			if bl := it.Block; bl != nil && bl.is(block) && len(bl.inner) > 0 {
				inner := b.coupling.Size(b.made(bl.inner[0]))
				top = max(top, float64(inner)/float64(b.coupling.Size(b.base(it))))
			}
		}
	}
	return top
}

// warnRatios warns of ratios that no block can have. Ratios a little above the original one stand for it.
func (b *binder) warnRatios(v Var, top float64) {
	for _, r := range v.List {
		if r > 1.25*top {
			b.warning(v.Pos, "%s: no block has a ratio of %s; the largest is %s", v.key(), number(r), number(top))
		}
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
