package config

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/fusion"
	"github.com/autotailor/autotailor/internal/spell"
)

// key is one legal key. A path element "*" stands for a block name, "**" for any name.
type key struct {
	path string
	want string // what its value must be, for messages
	ok   func(x float64) bool
	set  func(r *reader, c *Config, e entry, k key)
}

// keys is the whole format.
var keys = append([]key{
	{path: "title", set: text(func(c *Config) *string { return &c.Title })},
	{path: "model", set: text(func(c *Config) *string { return &c.Model })},
	{path: "package", set: text(func(c *Config) *string { return &c.Package })},
	{path: "out", set: text(func(c *Config) *string { return &c.Out })},
	{path: "pytorch", set: text(func(c *Config) *string { return &c.PyTorch })},
	{path: "task", set: text(func(c *Config) *string { return &c.Task })},
	{path: "metric", set: text(func(c *Config) *string { return &c.Metric })},
	{path: "fusion", set: (*reader).fusion},
	{path: "input.**", set: (*reader).input},

	{path: "data.pad", want: "zero or a positive integer", ok: func(x float64) bool { return integer(x) && x >= 0 },
		set: number(func(c *Config) *int { return &c.Data.Pad })},
	{path: "data.resize", want: "zero or a positive integer", ok: func(x float64) bool { return integer(x) && x >= 0 },
		set: number(func(c *Config) *int { return &c.Data.Resize })},
	{path: "data.mean", want: "a number", ok: finite, set: channels(func(c *Config) *[]float64 { return &c.Data.Mean })},
	{path: "data.std", want: "above 0", ok: positive, set: channels(func(c *Config) *[]float64 { return &c.Data.Std })},
	{path: "data.label", set: text(func(c *Config) *string { return &c.Data.Label })},
	{path: "data.fill", want: "zero or a positive integer", ok: func(x float64) bool { return integer(x) && x >= 0 },
		set: number(func(c *Config) *int { return &c.Data.Fill })},
	{path: "data.window", want: "a positive integer", ok: positiveInt, set: number(func(c *Config) *int { return &c.Data.Window })},
	{path: "data.header", set: text(func(c *Config) *string { return &c.Data.Header })},

	{path: "arch.blocks", set: (*reader).blocks},
	{path: "arch.divisor", want: "a positive integer", ok: positiveInt, set: number(func(c *Config) *int { return &c.Divisor })},
	{path: "arch.*.expand_base", set: (*reader).base},

	{path: "var.global_vars.resolution", want: "a positive integer", ok: positiveInt,
		set: numbers(func(c *Config) *[]float64 { return &c.Resolution })},

	{path: "var.stage_vars.width", want: "above 0 and at most 1: a SubNet cannot be wider than the model", ok: share,
		set: numbers(func(c *Config) *[]float64 { return &c.Width })},
	{path: "var.stage_vars.width_skipped", want: stageIndex, ok: integer,
		set: indices(func(c *Config) *[]float64 { return &c.WidthSkipped })},
	{path: "var.stage_vars.depth", want: "zero or minus the number of blocks to drop", ok: dropped,
		set: numbers(func(c *Config) *[]float64 { return &c.Depth })},
	{path: "var.stage_vars.depth_skipped", want: stageIndex, ok: integer,
		set: indices(func(c *Config) *[]float64 { return &c.DepthSkipped })},
	{path: "var.stage_vars.depth_keep", want: "a positive integer", ok: positiveInt,
		set: number(func(c *Config) *int { return &c.DepthKeep })},
	{path: "var.stage_vars.*_skipped", want: stageIndex, ok: integer, set: (*reader).skipped},
}, append(forBlocks(lists), frozenKeys...)...)

// forBlocks are the keys of lists for all blocks and for those of one name.
func forBlocks(lists []key) []key {
	var out []key
	for _, prefix := range []string{"var.block_vars.*.", "var.block_vars."} {
		for _, k := range lists {
			out = append(out, key{prefix + k.path, k.want, k.ok, (*reader).blockVar})
		}
	}
	return out
}

// lists are what blocks can choose from.
var lists = []key{
	{path: "kernel", want: "a positive odd integer", ok: oddInt},
	{path: "expand", want: "above 0", ok: positive},
	{path: "heads", want: "above 0 and at most 1: a SubNet cannot have more heads than the model", ok: share},
	{path: "qk", want: "above 0 and at most 1: a SubNet's heads cannot be wider than the model's", ok: share},
	{path: "ratio", want: "above 0 and at most 1: a SubNet cannot be wider than the model", ok: share},
	{path: "value", want: "above 0", ok: positive},
}

const stageIndex = "a stage index (an integer, negative from the end)"

// words are our names of keys by those of the paper's authors. Both may stand in a file; ours are those of choices in texts and in Go.
var words = map[string]string{
	"var.stage_vars.width_mult":           "var.stage_vars.width",
	"var.stage_vars.width_mult_skipped":   "var.stage_vars.width_skipped",
	"var.stage_vars.reduce_depth":         "var.stage_vars.depth",
	"var.stage_vars.reduce_depth_skipped": "var.stage_vars.depth_skipped",
	"var.stage_vars.reduce_depth_keep":    "var.stage_vars.depth_keep",
	"var.block_vars.kernel_size":          "var.block_vars.kernel",
	"var.block_vars.expand_ratio":         "var.block_vars.expand",
	"var.block_vars.head_ratio":           "var.block_vars.heads",
	"var.block_vars.qk_ratio":             "var.block_vars.qk",
	"var.block_vars.v_scale":              "var.block_vars.value",
	"var.block_vars.width_ratio":          "var.block_vars.ratio",
}

// ours returns a path with our names of keys.
func ours(path []string) []string {
	n := len(path)
	if n < 3 {
		return path
	}
	if word, ok := words[strings.Join([]string{path[0], path[1], path[n-1]}, ".")]; ok {
		return append(slices.Clone(path[:n-1]), word[strings.LastIndexByte(word, '.')+1:])
	}
	return path
}

// blocks are the block types that a config may name, with the names that the paper's authors give them. Theirs say how a block is found, ours
// what it is: their BottleneckBlock is a Bottleneck or an InvertedResidual without a skip connection.
var blocks = []struct {
	name    string
	authors []string
}{
	{"InvertedResidual", bottlenecks},
	{"Bottleneck", bottlenecks},
	{"BasicBlock", []string{"ConvResidualBlock"}},
	{"DepthwiseResidual", []string{"ConvResidualBlock"}},
	{"ConvResidual", []string{"ConvResidualBlock"}},
	{"DepthwiseSeparable", []string{"MBBlock"}},
	{"SEResidual", []string{"SEResidualBlock"}},
	{"Residual", []string{"ResidualBlock"}},
	{"DenseLayer", []string{"DenseLayerBlock"}},
	{"ConvNeXt", []string{"CNResidualBlock"}},
	{"Attention", []string{"AttentionBlock"}},
	{"FFN", []string{"FFNBlock"}},
	{"Transformer", []string{"TransformerBlock"}},
	{"Generic", []string{"GenericBlock"}},
}

var bottlenecks = []string{"BottleneckResidualBlock", "BottleneckBlock"}

// unused are names of the authors' for what no model has.
var unused = []string{"LinearMatMulOp", "QKVBlock"}

// names lists the names of blocks, ours before the authors'.
func names() []string {
	var ours, theirs []string
	for _, b := range blocks {
		ours, theirs = append(ours, b.name), append(theirs, b.authors...)
	}
	slices.Sort(theirs)
	return slices.Concat(ours, slices.Compact(theirs), unused)
}

// ourNames lists our names of blocks.
func ourNames() []string { return names()[:len(blocks)] }

// Forms lists the templates that find blocks of a name, ours or the authors', by the names of the authors.
func Forms(name string) ([]string, error) {
	if name == "Generic" || name == "GenericBlock" {
		return nil, fmt.Errorf("%s is the name of blocks without a template: there is no topology to compare with", name)
	}
	if !slices.Contains(names(), name) {
		return nil, fmt.Errorf("there is no template for blocks called %q%s; there are %s, or the names of the paper", name,
			spell.Suggest(name, names()), strings.Join(ourNames()[:len(blocks)-1], ", "))
	}
	return authors(name), nil
}

// authors returns what the paper's authors call a block.
func authors(name string) []string {
	for _, b := range blocks {
		if b.name == name {
			return b.authors
		}
	}
	return []string{name}
}

// fusionNames are the built-in fusion rule sets.
var fusionNames = fusion.Names()

func finite(x float64) bool      { return !math.IsInf(x, 0) && !math.IsNaN(x) }
func integer(x float64) bool     { return x == math.Trunc(x) && math.Abs(x) <= math.MaxInt32 }
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
