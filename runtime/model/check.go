package model

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/space"
)

// Check compares the package's tables with its networks. For some SubNets it also checks that their genes, and their text, which parse reads, give the same SubNet
// again.
func (n *Net[S]) Check(parse func(text string) (S, error)) error {
	errs := []error{n.definition.Check()}
	for _, g := range n.definition.Samples() {
		if err := n.check(g, parse); err != nil {
			errs = append(errs, fmt.Errorf("%v: %w", n.subNet(g), err))
		}
	}
	return errors.Join(errs...)
}

func (n *Net[S]) check(g space.Genes, parse func(text string) (S, error)) error {
	s := n.subNet(g)
	if back := n.genes(s); !slices.Equal(back, g) {
		return fmt.Errorf("its genes are %v, not %v", back, g)
	}
	if back, err := parse(s.String()); err != nil || back != s {
		return fmt.Errorf("read back as %v, %v", back, err)
	}
	return nil
}
