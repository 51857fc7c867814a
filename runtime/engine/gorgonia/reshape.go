//go:build !riscv64

package gorgonia

import (
	"fmt"
	"hash"
	"hash/fnv"
	"io"

	"github.com/chewxy/hm"
	g "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// reshapeOp copies a tensor to another shape. Gorgonia's own result shares its operand's memory, which the machine then overwrites while the
// result is still read (v0.9.18): gradients with respect to a matrix whose operand is reshaped and added to something else are wrong.
type reshapeOp struct {
	of       tensor.Dtype
	from, to tensor.Shape
}

// reshaped applies it.
func reshaped(x *g.Node, to tensor.Shape) (*g.Node, error) {
	return g.ApplyOp(reshapeOp{x.Dtype(), x.Shape().Clone(), to}, x)
}

var _ g.SDOp = reshapeOp{}

// Arity is one.
func (o reshapeOp) Arity() int { return 1 }

// Type is the Op's type in Gorgonia's type system.
func (o reshapeOp) Type() hm.Type {
	return hm.NewFnType(typeOf(o.of, len(o.from)), typeOf(o.of, len(o.to)))
}

// InferShape returns the result's shape.
func (o reshapeOp) InferShape(...g.DimSizer) (tensor.Shape, error) { return o.to.Clone(), nil }

// Do copies.
func (o reshapeOp) Do(in ...g.Value) (g.Value, error) {
	t, ok := in[0].(*tensor.Dense)
	if !ok {
		return nil, fmt.Errorf("gorgonia: a value of type %T where a tensor is expected", in[0])
	}
	var whole *tensor.Dense
	if t.IsView() {
		whole, ok = t.Materialize().(*tensor.Dense)
	} else {
		whole, ok = t.Clone().(*tensor.Dense)
	}
	if !ok {
		return nil, fmt.Errorf("gorgonia: a tensor of type %T cannot be copied", in[0])
	}
	return whole, whole.Reshape(o.to...)
}

// DiffWRT is true of the operand.
func (o reshapeOp) DiffWRT(int) []bool { return []bool{true} }

// SymDiff reshapes the gradient back.
func (o reshapeOp) SymDiff(_ g.Nodes, _, grad *g.Node) (g.Nodes, error) {
	n, err := reshaped(grad, o.from)
	return g.Nodes{n}, err
}

// ReturnsPtr is false: the result is memory of its own.
func (o reshapeOp) ReturnsPtr() bool { return false }

// CallsExtern is false: there is no cgo.
func (o reshapeOp) CallsExtern() bool { return false }

// OverwritesInput is -1: the operand stays.
func (o reshapeOp) OverwritesInput() int { return -1 }

// WriteHash identifies the Op.
func (o reshapeOp) WriteHash(h hash.Hash) { _, _ = io.WriteString(h, o.String()) } // a hash's Write never fails

// Hashcode identifies the Op.
func (o reshapeOp) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// String names the Op.
func (o reshapeOp) String() string { return fmt.Sprintf("autotailor reshape %v to %v", o.from, o.to) }
