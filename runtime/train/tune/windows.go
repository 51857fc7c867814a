package tune

import (
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// addTransforms makes a kernel transform of every smaller window that a SubNet may have a tensor of the store: that of the weights, or, if learn
// says that new ones are wanted, one that keeps the middle (once-for-all, Cai et al. 2020).
func (s *store) addTransforms(learn bool) error {
	list, err := s.net.Windows()
	if err != nil {
		return err
	}
	for _, p := range list {
		m, known, err := nn.Transform(s.base, p)
		switch w, _ := p.Window(); {
		case err != nil:
			return err
		case known:
			s.addTransform(w.Name, m)
		case learn:
			s.addTransform(w.Name, w.Middle())
		}
	}
	return nil
}

func (s *store) addTransform(name string, m nn.Tensor) {
	v := m.Float32s()
	s.params[name] = &engine.Trainable{Shape: m.Shape, Value: v, Grad: make([]float32, len(v))}
	s.info[name], s.transforms[name] = nn.Param{Name: name, Shape: m.Shape}, true
	s.names, s.trains = append(s.names, name), append(s.trains, name)
}

// uses adds the names of the tensors that a graph uses.
func (s *store) uses(g *nn.Graph, used map[string]bool) {
	for _, v := range g.Values {
		if v.Param == nil {
			continue
		}
		used[v.Param.Name] = true
		if w, ok := v.Param.Window(); ok && s.transforms[w.Name] {
			used[w.Name] = true
		}
	}
}
