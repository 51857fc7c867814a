package view

import (
	"testing"

	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestEmittedCodeIsDescribe: sections, runs, classes and tables make the same graph as the calls themselves, for every SubNet tried.
func TestEmittedCodeIsDescribe(t *testing.T) {
	eachModel(t, func(t *testing.T, _ *supernet.Net, p *Package) {
		for _, genes := range p.subnets(40) {
			tape := nn.NewTape()
			if err := p.Interpret(genes, tape); err != nil {
				t.Fatalf("SubNet %v: %v", genes, err)
			}
			g, err := tape.Graph()
			if err != nil {
				t.Fatalf("SubNet %v: %v", genes, err)
			}
			if got, want := text(g), text(described(t, p, genes)); got != want {
				t.Fatalf("SubNet %v is\n%s\nwant\n%s", genes, got, want)
			}
		}
	})
}
