package model

import (
	"errors"
	"fmt"
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// Prove runs SubNets of the package with the weights of a model file, and compares them with the model. The error joins all mistakes. If the file cannot be
// opened, the error is the file's, so that a test can be skipped without it.
func (n *Net[S]) Prove(file string, r Runner, missing func(g *nn.Graph) []string) (*Proof, error) {
	w, err := onnxfile.Open(file)
	if err != nil {
		return nil, err
	}
	if want := n.definition.Source.SHA256; want != "" && w.SHA256 != want {
		return nil, fmt.Errorf("%s is not the model that the package was generated from; generate the package again", file)
	}
	p, err := NewProver(n.definition, w, ProofOptions{Runner: r, Missing: missing, More: "`prove --full`"})
	if err != nil {
		return nil, err
	}
	proof := p.Run()
	var wrong []string
	for _, m := range proof.Wrong {
		wrong = append(wrong, m.Error())
	}
	if wrong != nil {
		err = errors.New(strings.Join(wrong, "\n"))
	}
	return proof, err
}
