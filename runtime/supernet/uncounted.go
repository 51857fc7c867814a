package supernet

import (
	"fmt"
	"strings"
)

// Uncounted is an operator whose multiply-accumulates are in no count, because nobody knows them, and how many nodes there are of it.
type Uncounted struct {
	Op    string `json:"op"` // with its domain where that is not ONNX's own
	Nodes int    `json:"nodes"`
}

// NotCounted lists operators for people: "Loop (1 node), com.example.Odd (2 nodes)"; "" when there are none.
func NotCounted(list []Uncounted) string {
	var parts []string
	for _, u := range list {
		nodes := "nodes"
		if u.Nodes == 1 {
			nodes = "node"
		}
		parts = append(parts, fmt.Sprintf("%s (%d %s)", u.Op, u.Nodes, nodes))
	}
	return strings.Join(parts, ", ")
}
