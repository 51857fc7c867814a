package tune

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// store holds the tensors of a SuperNet under training, as the model stores them.
type store struct {
	net    *supernet.Net
	base   nn.Weights
	graph  *nn.Graph // of the original, which uses every tensor
	names  []string  // of tensors, in the order of the graph
	trains []string  // those of names that are trained
	info   map[string]nn.Param
	turned map[string]bool // matrices that networks use the other way round
	params engine.Params

	transforms map[string]bool // tensors that are kernel transforms
}

// newStore copies the float32 tensors that the original uses. Trained are all of them but statistics and single numbers, which are
// factors and constants of the model. Kernel transforms that the weights have are trained, too, and if learn says so those that they lack.
func newStore(net *supernet.Net, w nn.Weights, learn bool) (*store, error) {
	g, err := net.Record(make([]uint8, len(net.Choices)))
	if err != nil {
		return nil, err
	}
	s := &store{net: net, base: w, graph: g, info: map[string]nn.Param{}, turned: map[string]bool{}, params: engine.Params{}, transforms: map[string]bool{}}
	fixed := averages(g)
	var errs []error
	for _, v := range g.Values {
		p := v.Param
		if p == nil {
			continue
		}
		if _, ok := s.info[p.Name]; ok { // a matrix that networks use in both forms
			s.turned[p.Name] = false
			continue
		}
		whole := nn.Param{Name: p.Name, From: p.From, Type: p.Type, Shape: p.Stored().Shape}
		t, err := nn.Fetch(w, whole)
		if err == nil && p.Type > nn.Float32 {
			s.addIntegers(p.Name, t)
			continue
		}
		if err == nil && t.Type != nn.Float32 {
			err = fmt.Errorf("weights %q have element type %d; float32 (1) can be tuned", p.Name, t.Type)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		x := &engine.Trainable{Shape: t.Shape, Value: t.Float32s()}
		if !fixed[p.Name] && len(x.Value) > 1 {
			x.Grad = make([]float32, len(x.Value))
			s.trains = append(s.trains, p.Name)
		}
		s.names, s.info[p.Name], s.params[p.Name], s.turned[p.Name] = append(s.names, p.Name), whole, x, p.Transposed
	}
	return s, errors.Join(append(errs, s.addTransforms(learn))...)
}

// addIntegers adds a table of indices, say, which networks read and nobody trains: files keep the model's own. Of what float32s cannot hold
// there is nothing, and the trainer names the node that reads it.
func (s *store) addIntegers(name string, t nn.Tensor) {
	if v, err := engine.Floats(t); err == nil {
		s.params[name] = &engine.Trainable{Shape: t.Shape, Value: v}
	}
}

// averages names the means and variances of batch normalisations.
func averages(g *nn.Graph) map[string]bool {
	out := map[string]bool{}
	for _, p := range supernet.Statistics(g) {
		out[p.Name] = true
	}
	return out
}

// weights returns the tensors as an engine reads them, with the values of what values has in the place of the store's own.
func (s *store) weights(values map[string][]float32) nn.Weights {
	return nn.Overlay(s.base, s.tensors(values))
}

// tensors are all tensors, values in the place of some.
func (s *store) tensors(values map[string][]float32) map[string]nn.Tensor {
	out := make(map[string]nn.Tensor, len(s.names))
	for _, name := range s.names {
		v, ok := values[name]
		if !ok {
			v = s.params[name].Value
		}
		out[name] = nn.FromFloat32s(s.info[name].Shape, v)
	}
	return out
}

// clone copies the values of what is trained.
func (s *store) clone() map[string][]float32 {
	out := make(map[string][]float32, len(s.trains))
	for _, name := range s.trains {
		out[name] = slices.Clone(s.params[name].Value)
	}
	return out
}

// clear sets all gradients to zero.
func (s *store) clear() {
	for _, name := range s.trains {
		clear(s.params[name].Grad)
	}
}
