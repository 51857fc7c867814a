package supernet

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// Update deduces every feature of the net from its choices, module by module in execution order. The error names each node whose operator cannot work on
// its shapes.
func (n *Net) Update() error {
	b := n.binder
	if b == nil {
		return errCompiled
	}
	b.inference, b.disagrees = b.infer(b.bound()), nil
	n.Shapes = b.inference.Shapes()
	var errs []error
	for _, s := range n.Stages {
		errs = append(errs, s.Update(n))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("shapes under the config's choices: %w", err)
	}
	n.lives()
	return b.disagrees
}

// lives deduces when the share of a stage's inner widths matters: as long as any block that has such a width is present.
func (n *Net) lives() {
	needs := map[dim.Choice][]Need{}
	for _, o := range n.Nodes {
		live := o.Feature(n).Live
		for _, p := range o.Params {
			for _, d := range n.Shapes[p.Value] {
				for _, g := range d.Deps() {
					needs[g] = append(needs[g], live)
				}
			}
		}
	}
	for g := range n.Choices {
		if n.Choices[g].Kind == Ratio {
			n.Choices[g].Live, _ = either(needs[dim.Choice(g)])
		}
	}
}

// Update deduces which blocks each choice of the stage's depth keeps, and the features of the stage's blocks and operators.
func (s *Stage) Update(n *Net) error {
	if n.binder == nil {
		return errCompiled
	}
	for _, g := range s.Choices {
		if c := n.Choices[g]; c.Kind == Depth {
			s.keep(dim.Choice(g), c.Candidates)
		}
	}
	var errs []error
	for _, it := range s.Items {
		if it.Block != nil {
			errs = append(errs, it.Block.Update(n))
		} else {
			errs = append(errs, n.update(it.Nodes))
		}
	}
	return errors.Join(errs...)
}

// keep deduces when each block of the stage is present. The candidates of choice g are numbers of kept blocks, from the largest to the smallest.
func (s *Stage) keep(g dim.Choice, numbers []float64) {
	for place, bl := range s.Blocks() {
		below := 0
		for _, n := range numbers {
			if int(n) > place {
				below++
			}
		}
		if below < len(numbers) {
			bl.Live = Need{g, uint8(below)}
		}
	}
}

// Update deduces the features of the block's operators, and that the block's choices matter only if the block is present.
func (bl *Block) Update(n *Net) error {
	if n.binder == nil {
		return errCompiled
	}
	for _, g := range bl.Choices {
		n.Choices[g].Live = bl.Live
	}
	return n.update(n.item(bl).Nodes)
}

func (n *Net) update(nodes []int) error {
	var errs []error
	for _, i := range nodes {
		errs = append(errs, n.Nodes[i].Update(n))
	}
	return errors.Join(errs...)
}

// Update deduces the attributes that follow the operator's operands, the shapes of its results, and the positions of its parameters that are kept. Shapes on which the
// operator cannot work are an error.
func (o *Op) Update(n *Net) error {
	b := n.binder
	if b == nil {
		return errCompiled
	}
	b.overrideGroup(o)
	b.overrideSplit(o)
	live := Need{}
	if o.Block != nil {
		live = o.Block.Live
	}
	err := b.inference.StepWhile(o.Node, o.Attrs, op.Live(live))
	for _, id := range slices.Concat(o.Node.In, o.Node.Out) {
		n.Shapes[id] = b.inference.Shape(id)
	}
	if err != nil {
		return err
	}
	if b.disagrees == nil {
		b.disagrees = b.agree(o)
	}
	o.Params = nil
	for k, id := range o.Node.In {
		if id != 0 && n.Graph.Values[id].Const != nil {
			o.Params = append(o.Params, b.param(k, id))
		}
	}
	return nil
}
