//go:build cgo

package ort

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unsafe"

	onnx "github.com/yalue/onnxruntime_go"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Session is a loaded model.
type Session struct {
	Inputs, Outputs []nn.Info // open axes are nn.Batch

	scalar  []bool // outputs that are returned as lists of one element, nil when none are
	session *onnx.DynamicAdvancedSession
	in, out []*tensor // of the last Run, used again while shapes stay
	elapsed time.Duration
}

// tensor is an operand in memory of ours that the library reads or writes in place.
type tensor struct {
	typ   nn.DType
	shape nn.Shape
	data  []byte
	value *onnx.CustomDataTensor
}

func newTensor(t nn.DType, s nn.Shape) (*tensor, error) {
	n, ok := elementSize(t)
	if !ok {
		return nil, fmt.Errorf("onnxruntime: element type %d is not supported", t)
	}
	shape := make([]int64, len(s))
	for i, e := range s {
		shape[i] = int64(e)
		n *= e
	}
	words := make([]uint64, (n+7)/8+1) // aligned for every element type, never empty
	data := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), max(n, 1))
	if len(shape) == 0 {
		shape = []int64{1} // the library takes no scalars from Go
	}
	v, err := onnx.NewCustomDataTensor(shape, data, onnx.TensorElementDataType(t))
	if err != nil {
		return nil, fmt.Errorf("onnxruntime: %w", err)
	}
	return &tensor{typ: t, shape: slices.Clone(s), data: data[:n], value: v}, nil
}

func elementSize(t nn.DType) (int, bool) {
	switch t {
	case nn.Uint8, nn.Int8, nn.Bool:
		return 1, true
	case nn.Float16, nn.BFloat16:
		return 2, true
	case nn.Float32, nn.Int32:
		return 4, true
	case nn.Int64, nn.Float64:
		return 8, true
	}
	return 0, false
}

// Run computes the outputs; the returned tensors are valid until the next Run.
func (s *Session) Run(in ...nn.Tensor) ([]nn.Tensor, error) {
	if s.session == nil {
		return nil, errors.New("onnxruntime: the session is closed")
	}
	if len(in) != len(s.Inputs) {
		return nil, fmt.Errorf("onnxruntime: got %d inputs, the model has %d", len(in), len(s.Inputs))
	}
	if !s.fits(in) {
		if err := s.prepare(in); err != nil {
			return nil, err
		}
	}
	for i, t := range in {
		if copy(s.in[i].data, t.Raw) != len(s.in[i].data) {
			return nil, fmt.Errorf("onnxruntime: input %q has %d bytes, its shape %v needs %d", s.Inputs[i].Name, len(t.Raw), t.Shape, len(s.in[i].data))
		}
	}
	if err := s.run(in); err != nil {
		return nil, err
	}
	result := make([]nn.Tensor, len(s.out))
	for i, t := range s.out {
		result[i] = nn.Tensor{Type: t.typ, Shape: t.shape, Raw: t.data}
		if s.scalar != nil && s.scalar[i] {
			result[i].Shape = nn.Shape{}
		}
	}
	return result, nil
}

// run runs the network once. How long results are may depend on the numbers, not on shapes alone (NonZero, NonMaxSuppression): where those of the run
// before do not fit, they are learnt anew.
func (s *Session) run(in []nn.Tensor) error {
	start := time.Now()
	err := s.session.Run(values(s.in), values(s.out))
	if err != nil && strings.Contains(err.Error(), "invalid dimensions for output") {
		if err := s.prepare(in); err != nil {
			return err
		}
		start = time.Now()
		err = s.session.Run(values(s.in), values(s.out))
	}
	if err != nil {
		return fmt.Errorf("onnxruntime: %w", err)
	}
	s.elapsed = time.Since(start)
	return nil
}

// Elapsed returns the time that the library took for the last Run, without copies of inputs.
func (s *Session) Elapsed() time.Duration { return s.elapsed }

// fits tells whether the operands of the last Run have the shapes of in.
func (s *Session) fits(in []nn.Tensor) bool {
	if len(s.in) != len(in) || len(s.out) != len(s.Outputs) {
		return false
	}
	for i, t := range in {
		if s.in[i].typ != t.Type || !slices.Equal(s.in[i].shape, t.Shape) {
			return false
		}
	}
	return true
}

// prepare allocates operands for inputs of new shapes.
func (s *Session) prepare(in []nn.Tensor) error {
	s.release()
	for _, t := range in {
		v, err := newTensor(t.Type, t.Shape)
		if err != nil {
			return err
		}
		s.in = append(s.in, v)
		copy(v.data, t.Raw)
	}
	shapes, types, err := s.results()
	if err != nil {
		s.release()
		return err
	}
	for i := range shapes {
		v, err := newTensor(types[i], shapes[i])
		if err != nil {
			s.release()
			return err
		}
		s.out = append(s.out, v)
	}
	return nil
}

// results learns the outputs' shapes and types by a run in which the library allocates them. Its Go binding has no memory for half floats: theirs
// is ours, in the shape that the network declares.
func (s *Session) results() ([]nn.Shape, []nn.DType, error) {
	outs := make([]onnx.Value, len(s.Outputs))
	for i, o := range s.Outputs {
		if o.Type.Fractional() && o.Type.Bytes() == 2 {
			t, err := newTensor(o.Type, s.bound(o.Shape))
			if err != nil {
				return nil, nil, err
			}
			outs[i] = t.value
		}
	}
	if err := s.session.Run(values(s.in), outs); err != nil {
		return nil, nil, fmt.Errorf("onnxruntime: %w", err)
	}
	var shapes []nn.Shape
	var types []nn.DType
	var errs []error
	for i, v := range outs {
		if v.GetONNXType() != onnx.ONNXTypeTensor {
			errs = append(errs, fmt.Errorf("onnxruntime: output %q is not a tensor", s.Outputs[i].Name))
		}
		shapes, types = append(shapes, shapeOf(v.GetShape())), append(types, nn.DType(v.DataType()))
		errs = append(errs, v.Destroy())
	}
	return shapes, types, errors.Join(errs...)
}

// bound is a declared shape at the batch of the inputs.
func (s *Session) bound(declared nn.Shape) nn.Shape {
	batch := 1
	for i, in := range s.Inputs {
		for a, n := range in.Shape {
			if n < 0 && a < len(s.in[i].shape) {
				batch = s.in[i].shape[a] / -n
			}
		}
	}
	out := slices.Clone(declared)
	for a, n := range out {
		if n < 0 {
			out[a] = -n * batch
		}
	}
	return out
}

func values(list []*tensor) []onnx.Value {
	to := make([]onnx.Value, len(list))
	for i, t := range list {
		to[i] = t.value
	}
	return to
}

// release frees the operands.
func (s *Session) release() {
	for _, t := range append(s.in, s.out...) {
		t.value.Destroy() // cannot fail
	}
	s.in, s.out = nil, nil
}

// Close frees the model.
func (s *Session) Close() error {
	if s.session == nil {
		return nil
	}
	s.release()
	err := s.session.Destroy()
	s.session = nil
	return err
}
