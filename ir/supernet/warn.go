package supernet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// warn lists what in the config has no effect on this model: a misspelt index or a setting for another network. The settings of the
// paper's authors are full of such, so they are no errors.
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
	have := b.blockTypes()
	for _, v := range b.config.Vars {
		if !slices.Contains(have, v.Block) {
			b.warning(v.Pos, "the model has no %s; its blocks are %s", v.Block, strings.Join(have, ", "))
		} else if top := b.originalRatio(v.Block); v.Name == "expand_ratio" && top > 0 {
			b.warnRatios(v, top)
		}
	}
	if len(b.config.Depth.List) > 0 && !slices.ContainsFunc(b.net.Choices, func(c Choice) bool { return c.Kind == Depth }) {
		b.warning(b.config.Depth.Pos, "no stage has a block that can be dropped")
	}
}

func (b *binder) warning(pos, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if pos != "" {
		text = pos + ": " + text
	}
	b.net.Warnings = append(b.net.Warnings, text)
}

// blockTypes lists the types of blocks that templates found.
func (b *binder) blockTypes() []string {
	var out []string
	for _, s := range b.net.Stages {
		for _, bl := range s.Blocks() {
			if bl.Type != "" && !slices.Contains(out, bl.Type) {
				out = append(out, bl.Type)
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
			if bl := it.Block; bl != nil && bl.Type == block && len(bl.inner) > 0 {
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
			b.warning(v.Pos, "%s.%s: no block has a ratio of %s; the largest is %s", v.Block, v.Name, number(r), number(top))
		}
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
