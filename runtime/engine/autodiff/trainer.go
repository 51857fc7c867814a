// Package autodiff has each ONNX operator as steps over plain buffers, forward and backward, and trains networks with them: reverse-mode
// automatic differentiation over nn.Graph on the kernels of package kernel.
//
// An operator stands once, for inference and for training (see Plan and Step). The engine behind a Plan decides where tensors are, at which batch
// size steps run, and whether they run backward. Package embedded leaves the backward functions out. Operators that an engine fuses with their
// neighbours are the engine's: those of the trainer are in table.go.
//
// A graph is planned at the batch size of its first Forward: one step for each operator, with a function for the forward pass and one for
// the backward pass (Griewank and Walther, "Evaluating Derivatives", chapter 3). Activations are channels-last, as in package embedded, and
// stay in memory until Backward has used them; BatchNormalization uses its batch's statistics, and Relu or Clip after it run in the same step.
// Training is bound by memory more than by arithmetic, so that results of a normalisation that a single convolution reads are not kept: it
// normalises them anew where it needs them, forward and backward.
//
// Parameters are linear functions of the SuperNet's tensors: slices, crops, interpolations. Derivatives go back through the
// transposed function into Trainable.Grad; a parameter that is a whole tensor is used without copying.
//
// Results are the same bits for any number of threads: sums over pixels are cut in parts that depend on extents alone.
//
// How a tuner uses it: make an embedded.Engine once. For every SubNet of a step record its graph, call Train (which plans nothing yet),
// Forward, compute the loss and its gradient with respect to the outputs, Backward, Close. Gradients add up in Grad over the SubNets of a step, so the
// tuner clears Grad after its solver has used it. Close gives memory back to the engine for the next SubNet.
package autodiff

import (
	"errors"
	"fmt"
	"sync"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Trainer prepares networks for training and keeps their memory for the next ones. It is safe for concurrent use.
type Trainer struct {
	isa     *kernel.ISA
	threads int
	mutex   sync.Mutex
	idle    []*memory
}

// New returns a Trainer for so many threads.
func New(isa *kernel.ISA, threads int) *Trainer { return &Trainer{isa: isa, threads: threads} }

// Train prepares g for training; see engine.Trainer. Operators without derivatives, parameters that p does not have and those of
// another shape are reported all at once.
func (t *Trainer) Train(g *nn.Graph, p engine.Params) (engine.Training, error) {
	var errs []error
	for i, idle := range g.Idle() {
		if idle {
			continue
		}
		n := &g.Nodes[i]
		op, ok := makers[n.Type]
		if !ok || n.Domain != "" && n.Domain != "ai.onnx" {
			errs = append(errs, fmt.Errorf("node %q: operator %s cannot be trained", n.Name, operators.Qualified(n.Domain, n.Type)))
			continue
		}
		if len(n.In) < op.operands {
			errs = append(errs, fmt.Errorf("node %q (%s): got %d operands, want %d", n.Name, n.Type, len(n.In), op.operands))
		}
		for k, v := range n.In {
			info := &g.Values[v]
			if info.Param == nil || n.Type == "BatchNormalization" && k > 2 {
				continue
			}
			_, err := lookUp(p, info.Param)
			if _, _, err2 := transform(p, info.Param); err == nil {
				err = err2
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("node %q (%s): %w", n.Name, n.Type, err))
			}
		}
		if len(errs) >= 20 {
			break
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &training{trainer: t, graph: g, params: p}, nil
}

// borrow returns memory that is not in use.
func (t *Trainer) borrow() *memory {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if last := len(t.idle) - 1; last >= 0 {
		m := t.idle[last]
		t.idle = t.idle[:last]
		return m
	}
	return &memory{team: kernel.NewTeam(t.threads)}
}

func (t *Trainer) giveBack(m *memory) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	m.reset()
	t.idle = append(t.idle, m)
}

// memory is what one training at a time needs.
type memory struct {
	team       *kernel.Team
	slabs      [][]float32
	slab, used int
	scratch    []float32
	windows    kernel.Windows // of all plans that had the memory
}

// slabFloats is the least size of a slab; every slab is at least as large as all before.
const slabFloats = 1 << 16

// reset makes all memory available again.
func (m *memory) reset() { m.slab, m.used = 0, 0 }

// floats returns n floats of any value.
func (m *memory) floats(n int) []float32 {
	n = (n + 15) &^ 15 // cache lines
	for ; m.slab < len(m.slabs); m.slab, m.used = m.slab+1, 0 {
		if s := m.slabs[m.slab]; m.used+n <= len(s) {
			m.used += n
			return s[m.used-n : m.used : m.used]
		}
	}
	total := slabFloats
	for _, s := range m.slabs {
		total += len(s)
	}
	m.slabs = append(m.slabs, make([]float32, max(n, total)))
	m.used = n
	return m.slabs[m.slab][:n:n]
}

// temporary returns n floats of any value that are used before the next call.
func (m *memory) temporary(n int) []float32 {
	if cap(m.scratch) < n {
		m.scratch = make([]float32, n)
	}
	return m.scratch[:n]
}
