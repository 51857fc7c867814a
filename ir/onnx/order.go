package onnx

import (
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
)

// ordered returns the nodes so that each stands after those that it reads from. Nodes that are in order stay as they are;
// for a cycle the error names its nodes.
func (d *decoder) ordered(nodes []*onnxpb.NodeProto) []*onnxpb.NodeProto {
	maker := map[string]int{}
	for i, n := range nodes {
		for _, out := range n.GetOutput() {
			if out != "" {
				maker[out] = i
			}
		}
	}
	sorted := true
	waits := make([]int, len(nodes)) // operands that are not made yet
	readers := make([][]int, len(nodes))
	for i, n := range nodes {
		for _, in := range append(slices.Clone(n.GetInput()), onnx.Captures(n)...) {
			if k, ok := maker[in]; ok && in != "" {
				sorted = sorted && k < i
				waits[i]++
				readers[k] = append(readers[k], i)
			}
		}
	}
	if sorted {
		return nodes
	}
	var out []*onnxpb.NodeProto
	var ready []int
	for i := range nodes {
		if waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		i := slices.Min(ready)
		ready = slices.DeleteFunc(ready, func(k int) bool { return k == i })
		out = append(out, nodes[i])
		for _, k := range readers[i] {
			if waits[k]--; waits[k] == 0 {
				ready = append(ready, k)
			}
		}
	}
	if len(out) < len(nodes) {
		d.cycle(nodes, waits)
	}
	return out
}

// maxNamed is how many nodes of a cycle an error names.
const maxNamed = 5

func (d *decoder) cycle(nodes []*onnxpb.NodeProto, waits []int) {
	var names []string
	for i, n := range nodes {
		if waits[i] > 0 && len(names) < maxNamed {
			names = append(names, onnx.NodeName(n, i))
		}
	}
	d.errorf("nodes %s read from each other in a cycle, or from nodes that do", strings.Join(names, ", "))
}
