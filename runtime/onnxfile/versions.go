package onnxfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// groupNorm is the opset from which on the parameters of a GroupNormalization have an element for each channel; before they have one for each
// group.
const groupNorm = 21

// byGroup tells whether a GroupNormalization has parameters of groups that are not those of channels.
func byGroup(g *nn.Graph, n *nn.Node) bool {
	scale := g.Values[n.In[1]].Shape
	return int64(scale.Count()) == n.Int("num_groups", 1) && scale.Count() != g.Values[n.In[0]].Shape[1]
}

// opsetOf is the opset that a node of an operator whose meaning changed needs, since the operator is there.
func opsetOf(g *nn.Graph, n *nn.Node, since int) int {
	if o, _ := operators.Lookup(n.Domain, n.Type); len(n.In) < o.Required() {
		return since
	}
	mode, _ := n.Attr("mode")
	switch {
	case n.Type == "GroupNormalization" && int64(g.Values[n.In[1]].Shape.Count()) != n.Int("num_groups", 1):
		return groupNorm
	case n.Type == "GridSample" && (mode.String == "linear" || mode.String == "cubic" || len(g.Values[n.In[0]].Shape) != 4):
		return gridSample
	}
	return since
}

// gridSample is the opset from which on a GridSample has any number of axes and other names for its modes.
const gridSample = 20

// renamed gives the mode of a GridSample the name that it has in the opset.
func (b *writer) renamed(n *nn.Node, a nn.Attr) nn.Attr {
	if n.Type == "GridSample" && n.Domain == "" && a.Name == "mode" && b.opset >= gridSample {
		a.String = strings.TrimPrefix(a.String, "bi")
	}
	return a
}

// perChannel gives a GroupNormalization with parameters of groups such of channels, where the opset asks for them.
func (b *writer) perChannel(n *nn.Node, p *onnxpb.NodeProto) error {
	if n.Type != "GroupNormalization" || n.Domain != "" || len(n.In) != 3 || b.opset < groupNorm || !byGroup(b.g, n) {
		return nil
	}
	channels := b.g.Values[n.In[0]].Shape[1]
	for k, v := range n.In[1:3] {
		info := &b.g.Values[v]
		t := info.Const
		if info.Param != nil {
			picked, err := nn.Fetch(b.w, *info.Param)
			if err != nil {
				return err
			}
			t = &picked
		}
		if t == nil {
			return fmt.Errorf("%q is computed, and has an element for each group: opset %d wants one for each channel", info.Name, b.opset)
		}
		var wide []float32
		for _, x := range t.Float32s() {
			wide = append(wide, slices.Repeat([]float32{x}, channels/t.Shape.Count())...)
		}
		p.Input[k+1] = b.own(info.Name+"_by_channel", nn.FromFloat32s(nn.Shape{channels}, wide))
	}
	return nil
}
