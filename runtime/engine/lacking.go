package engine

import (
	"errors"
	"fmt"
	"slices"
)

// NoOperatorError says that an engine does not have the operator of a node.
type NoOperatorError struct{ Engine, Node, Op string }

// Error names the node and its operator.
func (e *NoOperatorError) Error() string {
	return fmt.Sprintf("node %q: the %s engine has no operator %s", e.Node, e.Engine, e.Op)
}

// Lacking lists the operators that an engine does not have, each once, sorted; nil where err, or a part of it, says something else.
func Lacking(err error) []string {
	var list []string
	if !lacking(err, &list) {
		return nil
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func lacking(err error, list *[]string) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if !lacking(e, list) {
				return false
			}
		}
		return true
	}
	var none *NoOperatorError
	if next := errors.Unwrap(err); next != nil {
		return lacking(next, list)
	}
	if !errors.As(err, &none) {
		return false
	}
	*list = append(*list, none.Op)
	return true
}
