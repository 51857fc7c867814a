package op

import (
	"errors"
	"fmt"
	"strings"

	"github.com/autotailor/autotailor/ir"
)

// together joins the errors of nodes. Of those that say the same of several nodes of one operator there is one, which counts the nodes.
func together(list []*NodeError) error {
	type kind struct{ op, text string }
	var kinds []kind
	nodes := map[kind][]*ir.Node{}
	first := map[kind]*NodeError{}
	for _, e := range list {
		k := kind{e.Node.Op, e.Err.Error()}
		if first[k] == nil {
			kinds, first[k] = append(kinds, k), e
		} else {
			nodes[k] = append(nodes[k], e.Node)
		}
	}
	var errs []error
	for _, k := range kinds {
		e := first[k]
		if n := len(nodes[k]); n > 0 {
			e = &NodeError{e.Node, fmt.Errorf("%w (and the same of %s)", e.Err, others(nodes[k]))}
		}
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// others names the first few nodes of a list and counts the rest.
func others(list []*ir.Node) string {
	const most = 3
	var names []string
	for _, n := range list[:min(most, len(list))] {
		names = append(names, fmt.Sprintf("%q", n.Name))
	}
	text := strings.Join(names, ", ")
	if more := len(list) - most; more > 0 {
		text += fmt.Sprintf(" and %d more nodes", more)
	}
	return text
}
