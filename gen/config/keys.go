package config

import (
	"math"
	"strings"

	"github.com/autotailor/autotailor/internal/fusion"
)

// key is one legal key. A path element "*" stands for a block name, "**" for any name.
type key struct {
	path string
	want string // what its value must be, for messages
	ok   func(x float64) bool
	set  func(r *reader, c *Config, e entry, k key)
}

// keys is the whole format.
var keys = []key{
	{path: "title", set: text(func(c *Config) *string { return &c.Title })},
	{path: "model", set: text(func(c *Config) *string { return &c.Model })},
	{path: "package", set: text(func(c *Config) *string { return &c.Package })},
	{path: "out", set: text(func(c *Config) *string { return &c.Out })},
	{path: "pytorch", set: text(func(c *Config) *string { return &c.PyTorch })},
	{path: "fusion", set: (*reader).fusion},
	{path: "input.**", set: (*reader).input},

	{path: "data.pad", want: "zero or a positive integer", ok: func(x float64) bool { return integer(x) && x >= 0 },
		set: number(func(c *Config) *int { return &c.Data.Pad })},
	{path: "data.mean", want: "a number", ok: finite, set: channels(func(c *Config) *[]float64 { return &c.Data.Mean })},
	{path: "data.std", want: "above 0", ok: positive, set: channels(func(c *Config) *[]float64 { return &c.Data.Std })},

	{path: "arch.blocks", set: (*reader).blocks},
	{path: "arch.divisor", want: "a positive integer", ok: positiveInt, set: number(func(c *Config) *int { return &c.Divisor })},
	{path: "arch.*.expand_base", set: (*reader).base},

	{path: "var.global_vars.resolution", want: "a positive integer", ok: positiveInt,
		set: numbers(func(c *Config) *[]float64 { return &c.Resolution })},

	{path: "var.stage_vars.width_mult", want: "above 0 and at most 1: a SubNet cannot be wider than the model", ok: share,
		set: numbers(func(c *Config) *[]float64 { return &c.Width })},
	{path: "var.stage_vars.width_mult_skipped", want: stageIndex, ok: integer,
		set: indices(func(c *Config) *[]float64 { return &c.WidthSkipped })},
	{path: "var.stage_vars.reduce_depth", want: "zero or minus the number of blocks to drop", ok: dropped,
		set: numbers(func(c *Config) *[]float64 { return &c.Depth })},
	{path: "var.stage_vars.reduce_depth_skipped", want: stageIndex, ok: integer,
		set: indices(func(c *Config) *[]float64 { return &c.DepthSkipped })},
	{path: "var.stage_vars.reduce_depth_keep", want: "a positive integer", ok: positiveInt,
		set: number(func(c *Config) *int { return &c.DepthKeep })},
	{path: "var.stage_vars.*_skipped", want: stageIndex, ok: integer, set: (*reader).skipped},

	{path: "var.block_vars.*.kernel_size", want: "a positive odd integer", ok: oddInt, set: (*reader).blockVar},
	{path: "var.block_vars.*.expand_ratio", want: "above 0", ok: positive, set: (*reader).blockVar},
	{path: "var.block_vars.*.head_ratio", want: "above 0 and at most 1: a SubNet cannot have more heads than the model", ok: share, set: (*reader).blockVar},
	{path: "var.block_vars.*.qk_ratio", want: "above 0 and at most 1: a SubNet's heads cannot be wider than the model's", ok: share, set: (*reader).blockVar},
	{path: "var.block_vars.*.width_ratio", want: "above 0 and at most 1: a SubNet cannot be wider than the model", ok: share, set: (*reader).blockVar},
	{path: "var.block_vars.*.v_scale", want: "above 0", ok: positive, set: (*reader).blockVar},
}

const stageIndex = "a stage index (an integer, negative from the end)"

// blockNames are the block types that a config may name: those of the paper's authors.
var blockNames = []string{
	"BottleneckResidualBlock", "BottleneckBlock", "MBBlock", "CNResidualBlock", "ConvResidualBlock", "SEResidualBlock",
	"ResidualBlock", "AttentionBlock", "FFNBlock", "TransformerBlock", "LinearMatMulOp", "QKVBlock", "GenericBlock",
}

// fusionNames are the built-in fusion rule sets.
var fusionNames = fusion.Names()

func finite(x float64) bool      { return !math.IsInf(x, 0) && !math.IsNaN(x) }
func integer(x float64) bool     { return x == math.Trunc(x) }
func positiveInt(x float64) bool { return integer(x) && x > 0 }
func oddInt(x float64) bool      { return positiveInt(x) && int(x)%2 == 1 }
func dropped(x float64) bool     { return integer(x) && x <= 0 }
func positive(x float64) bool    { return x > 0 && !math.IsInf(x, 0) }
func share(x float64) bool       { return x > 0 && x <= 1 }

// match tells whether path has the key's form, and the block name in it ("" when it has none).
func (k key) match(path []string) (block string, ok bool) {
	want := strings.Split(k.path, ".")
	if len(want) != len(path) {
		return "", false
	}
	for i, w := range want {
		tail, wild := strings.CutPrefix(w, "*")
		switch {
		case !wild || w == "**":
			if w != path[i] && w != "**" {
				return "", false
			}
		default:
			if block, ok = strings.CutSuffix(path[i], tail); !ok {
				return "", false
			}
		}
	}
	return block, true
}

// lookup finds the key of a path. Exact keys stand before patterns that would match them too.
func lookup(path []string) (k key, block string, ok bool) {
	for _, k := range keys {
		if block, ok := k.match(path); ok {
			return k, block, true
		}
	}
	return key{}, "", false
}
