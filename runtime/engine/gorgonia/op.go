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

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// kernelOp is one operator of a network, computed by the embedded engine.
type kernelOp struct {
	name    string // unique in the graph
	session engine.Session
	in      []nn.Shape
	shape   tensor.Shape
}

var _ g.Op = (*kernelOp)(nil)

// Arity is the number of data operands; parameters are the Op's own.
func (o *kernelOp) Arity() int { return len(o.in) }

// Type is the Op's type in Gorgonia's type system.
func (o *kernelOp) Type() hm.Type {
	types := make([]hm.Type, 0, len(o.in)+1)
	for _, s := range o.in {
		types = append(types, typeOf(tensor.Float32, len(s)))
	}
	return hm.NewFnType(append(types, typeOf(tensor.Float32, len(o.shape)))...)
}

func typeOf(element tensor.Dtype, rank int) hm.Type {
	if rank == 0 {
		return element
	}
	return g.TensorType{Dims: rank, Of: element}
}

// InferShape returns the output's shape, which the network's graph has told.
func (o *kernelOp) InferShape(...g.DimSizer) (tensor.Shape, error) { return o.shape.Clone(), nil }

// Do computes the output.
func (o *kernelOp) Do(in ...g.Value) (g.Value, error) {
	args := make([]nn.Tensor, len(in))
	for i, v := range in {
		data, err := floats(v)
		if err != nil {
			return nil, err
		}
		args[i] = nn.FromFloat32s(o.in[i], data)
	}
	out, err := o.session.Run(args...)
	if err != nil {
		return nil, err
	}
	return dense(out[0]), nil
}

// ReturnsPtr is false: the output is memory of its own.
func (o *kernelOp) ReturnsPtr() bool { return false }

// CallsExtern is false: there is no cgo.
func (o *kernelOp) CallsExtern() bool { return false }

// OverwritesInput is -1: inputs stay.
func (o *kernelOp) OverwritesInput() int { return -1 }

// WriteHash identifies the Op.
func (o *kernelOp) WriteHash(h hash.Hash) { _, _ = io.WriteString(h, o.name) } // a hash's Write never fails

// Hashcode identifies the Op.
func (o *kernelOp) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// String names the Op.
func (o *kernelOp) String() string { return fmt.Sprintf("autotailor %s", o.name) }
