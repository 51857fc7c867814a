package op

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// Unknown returns a NodeError for each node whose operands have shapes and whose results do not, though something reads them. Nodes behind it
// are not to blame.
func Unknown(g *ir.Graph, shapes [][]dim.Dim) error {
	read := make([]bool, len(g.Values))
	for _, n := range g.Nodes {
		for _, id := range n.In {
			read[id] = true
		}
	}
	for _, id := range g.Outputs {
		read[id] = true
	}
	none := func(id ir.ValueID) bool { return id != 0 && shapes[id] == nil }
	missed := func(id ir.ValueID) bool { return none(id) && read[id] }
	var errs []*NodeError
	for _, n := range g.Nodes {
		if !slices.ContainsFunc(n.In, none) && slices.ContainsFunc(n.Out, missed) {
			errs = append(errs, &NodeError{n, errors.New(WhyUnknown(n))})
		}
	}
	return together(errs)
}

// WhyUnknown says why nobody knows what a node makes, and what to do.
func WhyUnknown(n *ir.Node) string {
	name := operators.Qualified(n.Domain, n.Op)
	_, known := Lookup(n.Domain, n.Op)
	switch {
	case strings.Contains(n.Op, "Sequence"):
		return "it makes a list of tensors, which has no shape; export the model without lists (PyTorch's tensor_split makes one, split with sizes does not)"
	case strings.HasPrefix(n.Op, "Optional"):
		return "it makes a tensor that may be missing; export the model without optional values"
	case !known:
		return fmt.Sprintf("the shape of its result is not known: there is no rule for %s, and the model does not state it; run ONNX shape inference on the model (onnx.shape_inference) or state the shape in its value_info", name)
	}
	return "the shape of its result is not known, because it depends on numbers that are computed at run time, and the model does not state it; run ONNX shape inference on the model (onnx.shape_inference)"
}
