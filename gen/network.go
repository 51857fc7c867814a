package gen

import (
	"fmt"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/onnx"
	"github.com/autotailor/autotailor/ir/pass"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/templates"
)

// Network reads an ONNX model as a network for the engines, without choices. Its weights are the file's, see package onnxfile.
func Network(path string) (*nn.Graph, error) {
	j := Job{Model: path}
	g, _, err := j.read(path, config.Default())
	if err != nil {
		return nil, err
	}
	n, err := network(g)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// ParseNetwork is Network for a model in memory.
func ParseNetwork(data []byte) (*nn.Graph, error) {
	g, err := onnx.Decode(data, "")
	if err != nil {
		return nil, err
	}
	if err := pass.Canonicalise(g, pass.Options{}); err != nil {
		return nil, err
	}
	return network(g)
}

func network(g *ir.Graph) (*nn.Graph, error) {
	net, err := supernet.Compile(g, supernet.Config{Divisor: 1, DepthKeep: 1}, templates.All())
	if err != nil {
		return nil, err
	}
	p, err := view.New(net, "network")
	if err != nil {
		return nil, err
	}
	tape := nn.NewTape()
	if err := p.Describe(nil, tape); err != nil {
		return nil, err
	}
	return tape.Graph()
}
