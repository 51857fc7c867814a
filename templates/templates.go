// Package templates recognises blocks by their topology (paper, section 4.1.2; the names are the authors'). Each template has a file, which says what the template matches,
// what can vary in it, and the name of its Go type.
package templates

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/supernet"
)

// All returns the templates in the order in which they are tried.
func All() []supernet.Template {
	return []supernet.Template{
		{Name: "TransformerBlock", Chain: true, Match: transformer, Why: whyNotTransformer},
		{Name: "AttentionBlock", Chain: true, Match: attention, Why: whyNotAttention},
		{Name: "FFNBlock", Chain: true, Match: ffn, Why: whyNotFFN},
		{Name: "CNResidualBlock", Chain: true, Match: convNeXt, Why: whyNotConvNeXt},
		{Name: "BottleneckResidualBlock", Match: bottleneckResidual, Why: whyNotBottleneckResidual},
		{Name: "SEResidualBlock", Match: seResidual, Why: whyNotSEResidual},
		{Name: "ConvResidualBlock", Match: convResidual, Why: whyNotConvResidual},
		{Name: "ResidualBlock", Match: residual, Why: whyNotAnyResidual},
		{Name: "DenseLayerBlock", Match: denseLayer, Why: whyNotDenseLayer},
		{Name: "BottleneckBlock", Chain: true, Match: bottleneck, Why: whyNotBottleneckChain},
		{Name: "MBBlock", Chain: true, Match: depthwiseSeparable, Why: whyNotDepthwiseSeparable},
	}
}

// convolution has the properties of a Conv node that templates compare.
type convolution struct {
	node      int
	kernel    int // largest extent of the window
	in, out   int // channels
	depthwise bool
}

// convAt describes node i when it is a convolution with constant weights.
func convAt(f *supernet.Flow, i int) (convolution, bool) {
	n := f.Node(i)
	w := f.Const(i, 1)
	if n.Op != "Conv" || n.Domain != "" || w == nil || len(w.Shape) < 3 {
		return convolution{}, false
	}
	group := int(n.Int("group", 1))
	c := convolution{node: i, kernel: slices.Max(w.Shape[2:]), in: w.Shape[1] * group, out: w.Shape[0]}
	c.depthwise = group > 1 && group == c.in
	return c, true
}

// convs lists the convolutions among nodes, in order.
func convs(f *supernet.Flow, nodes []int) []convolution {
	var out []convolution
	for _, i := range nodes {
		if c, ok := convAt(f, i); ok {
			out = append(out, c)
		}
	}
	return out
}

// windows returns the convolutions whose kernel can shrink.
func windows(cs []convolution) []int {
	var out []int
	for _, c := range cs {
		if c.kernel > 1 {
			out = append(out, c.node)
		}
	}
	return out
}

// isBottleneck tells whether cs are 1x1, kxk, 1x1.
func isBottleneck(cs []convolution) bool {
	return len(cs) == 3 && cs[0].kernel == 1 && cs[1].kernel != 1 && cs[2].kernel == 1
}

// bottleneckMatch is the match of three bottleneck convolutions.
func bottleneckMatch(cs []convolution) supernet.Match {
	m := supernet.Match{
		Items:   1,
		GoName:  "Bottleneck",
		Doc:     "is a 1x1 reduction, kxk convolution and 1x1 expansion (ResNet, He et al. 2016)",
		Roles:   map[int]string{cs[0].node: "reduce", cs[1].node: "conv", cs[2].node: "restore"},
		Inner:   []int{cs[0].node, cs[1].node},
		Kernels: windows(cs[1:2]),
	}
	if cs[1].depthwise {
		m.GoName, m.Widens = "InvertedResidual", true
		m.Doc = "is a 1x1 expansion, kxk depthwise convolution and 1x1 projection (MobileNetV2, Sandler et al. 2018)"
		m.Roles = map[int]string{cs[0].node: "expand", cs[1].node: "depthwise", cs[2].node: "project"}
	}
	return m
}

// passive tells whether a node may be between the convolutions of a chain: it has no weights that vary by themselves, and keeps the width.
func passive(n *ir.Node) bool {
	o, _ := operators.Lookup(n.Domain, n.Op)
	return o.Activation || o.Name == "PRelu" || o.Name == "BatchNormalization"
}
