package adapt

import (
	"errors"
	"fmt"

	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// load compiles the SubNets of b and returns the workers.
func (s *Service) load(net *supernet.Net, b *bundle.Bundle, e engine.Engine, workers int) ([]engine.Worker, error) {
	nets := networksOf(e, b.Model, workers)
	var errs []error
	for k, sub := range b.SubNets {
		l, err := s.add(net, b, k, nets)
		if err != nil {
			errs = append(errs, fmt.Errorf("SubNet %s: %w", sub.SubNet, err))
			continue
		}
		s.levels = append(s.levels, l)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	all := make([]engine.Worker, workers)
	for i := range all {
		all[i] = nets.Worker()
	}
	return all, nil
}

func (s *Service) add(net *supernet.Net, b *bundle.Bundle, k int, to engine.Shared) (Level, error) {
	genes, err := net.Parse(b.SubNets[k].SubNet)
	if err != nil {
		return Level{}, err
	}
	g, err := net.Record(genes)
	if err != nil {
		return Level{}, err
	}
	if len(g.Inputs) != 1 {
		return Level{}, fmt.Errorf("it has %d inputs, requests have one", len(g.Inputs))
	}
	over, err := b.Statistics(g, k)
	if err != nil {
		return Level{}, err
	}
	if _, err := to.Add(g, over); err != nil {
		return Level{}, err
	}
	if s.bound = 0; data.EndOf(g) != "" {
		s.bound = 0.5
	}
	s.outputs = nil
	for _, v := range g.Outputs {
		s.outputs = append(s.outputs, g.Values[v].Name)
	}
	in := g.Values[g.Inputs[0]]
	return Level{b.SubNets[k], in.Shape.Bind(1), in.Type}, nil
}

func networksOf(e engine.Engine, w nn.Weights, workers int) engine.Shared {
	if s, ok := e.(engine.Sharer); ok {
		return s.Share(w)
	}
	return &separate{engine: e, weights: w, workers: make([]sessions, workers)}
}

// separate makes a session of every network for every worker.
type separate struct {
	engine  engine.Engine
	weights nn.Weights
	workers []sessions
	given   int
}

// sessions are those of one worker.
type sessions []engine.Session

func (s *separate) Add(g *nn.Graph, over map[string]nn.Tensor) (int, error) {
	for i := range s.workers {
		c, err := s.engine.Compile(g, nn.Overlay(s.weights, over))
		if err != nil {
			return 0, err
		}
		s.workers[i] = append(s.workers[i], c)
	}
	return len(s.workers[0]) - 1, nil
}

func (s *separate) Worker() engine.Worker {
	s.given++
	return s.workers[s.given-1]
}

func (s sessions) Run(network int, in ...nn.Tensor) ([]nn.Tensor, error) {
	return s[network].Run(in...)
}
