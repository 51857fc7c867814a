//go:build !riscv64

package gorgonia

import (
	"errors"
	"fmt"

	onnx "github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend/x/gorgonnx"

	"github.com/autotailor/autotailor/runtime/nn"
)

// ignored are attributes that onnx-go v0.5.0 does not read, though they change results: the value that is harmless, of each operator.
var ignored = map[string]map[string]int64{
	"Conv":    {"group": 1},
	"MaxPool": {"ceil_mode": 0},
}

// onnxGoLacks tells why onnx-go cannot compute a node, "" when it can as far as is known before it runs.
func onnxGoLacks(n *nn.Node) string {
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return "it has no operators of domain " + n.Domain
	}
	for name, harmless := range ignored[n.Type] {
		if v := n.Int(name, harmless); v != harmless {
			return "it ignores " + name
		}
	}
	return probe(n)
}

// probe asks onnx-go to set a node of its own up, without operands: it says what is not implemented before it misses them.
func probe(n *nn.Node) string {
	err := safely(func() error {
		g := gorgonnx.NewGraph()
		node := g.NewNode()
		g.AddNode(node)
		if err := g.ApplyOperation(onnx.Operation{Name: n.Type, Attributes: attributes(n)}, node); err != nil {
			return err
		}
		_, err := g.GetExprGraph()
		return err
	})
	var missing *onnx.ErrNotImplemented
	switch {
	case !errors.As(err, &missing):
		return ""
	case missing.AttributeName != "":
		return fmt.Sprintf("%s %v is not implemented (%s)", missing.AttributeName, missing.AttributeValue, missing.Message)
	}
	return "not implemented"
}

// attributes are a node's, in the types that onnx-go decodes them to.
func attributes(n *nn.Node) map[string]any {
	out := map[string]any{}
	for _, a := range n.Attrs {
		switch a.Kind {
		case nn.AttrInt:
			out[a.Name] = a.Int
		case nn.AttrInts:
			out[a.Name] = a.Ints
		case nn.AttrFloat:
			out[a.Name] = a.Float
		case nn.AttrString:
			out[a.Name] = a.String
		}
	}
	return out
}
