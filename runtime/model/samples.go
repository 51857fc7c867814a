package model

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// amount is the size of a proof: least is the number of SubNets, if the package has so many; alike is how many of them have the original's resolution; forms is the
// number of SubNets without a reference that are also proved in another form.
type amount struct{ least, alike, forms int }

var (
	quick = amount{8, 3, 3}
	full  = amount{60, 30, 20}
)

// Limits of a quick proof. Larger models are not run.
const (
	quickBytes = 1 << 30 // of weights
	quickRun   = 1 << 30 // of what a run keeps at its peak, without weights
	quickMACs  = 60e9    // of one run
	quickNodes = 10_000
)

// tooMuch says why the model is too large for a quick proof, "" if it is not.
func (p *Prover) tooMuch() string {
	if p.options.Full {
		return ""
	}
	original := make(space.Genes, len(p.net.Choices))
	bytes, macs := float64(4*p.tables.Params.At(original)), float64(p.tables.MACs.At(original))
	switch n := len(p.tables.Original.Nodes); {
	case bytes > quickBytes:
		return fmt.Sprintf("weights are %.1f GB, use %s", bytes/1e9, p.options.More)
	case p.tables.Peak.Activations.At(original) > quickRun:
		return fmt.Sprintf("a run takes %.1f GB beside the weights, use %s", float64(p.tables.Peak.Activations.At(original))/1e9, p.options.More)
	case macs > quickMACs:
		return fmt.Sprintf("a run takes %.0f billion multiply-accumulates, use %s", macs/1e9, p.options.More)
	case n > quickNodes:
		return fmt.Sprintf("the network has %d operators, use %s", n, p.options.More)
	}
	return ""
}

// missing finds the operators that the engine lacks.
func (p *Prover) missing(r *Proof) {
	if p.options.Missing != nil {
		r.Missing = append(r.Missing, p.options.Missing(p.tables.Original)...)
	}
}

// samples are the SubNets that are proved: the original; the smallest one; the smallest one with all blocks at the original's resolution; one for each resolution; and
// random ones. If a SubNet has no reference because a cut axis is normalised, a second form of it is proved as well, in which the choices that cut such axes are the
// original's.
func (p *Prover) samples() []space.Genes {
	d := &drawer{choices: p.net.Choices, rng: rand.New(rand.NewPCG(1, 2)), seen: map[string]bool{}}
	original, smallest := space.Ends(p.net.Choices)
	d.add(original)
	d.add(smallest)
	thin := slices.Clone(original)
	for i, c := range p.net.Choices {
		if c.Kind != "depth" && c.Kind != "resolution" {
			thin[i] = uint8(len(c.Values) - 1)
		}
	}
	d.add(thin)
	n := quick
	if p.options.Full {
		n = full
	}
	resolution := slices.IndexFunc(p.net.Choices, func(c space.Choice) bool { return c.Kind == "resolution" })
	if resolution >= 0 {
		for v := 1; v < len(p.net.Choices[resolution].Values); v++ {
			g := space.Random(p.net.Choices, d.rng)
			g[resolution] = uint8(v)
			d.add(g)
		}
	}
	const tries = 20 // there may be fewer SubNets than are asked for
	for k := 0; k < n.alike*tries && (k < n.alike || len(d.out) < n.least); k++ {
		g := space.Random(p.net.Choices, d.rng)
		if resolution >= 0 {
			g[resolution] = 0
		}
		d.add(g)
	}
	normalised := p.normalising()
	most := len(d.out) + n.forms
	for _, g := range slices.Clone(d.out) {
		plain := slices.Clone(g)
		for _, c := range normalised {
			plain[c] = 0
		}
		if len(d.out) < most && (resolution < 0 || g[resolution] == 0) {
			d.add(plain)
		}
	}
	return d.out
}

// drawer collects SubNets, each once.
type drawer struct {
	choices []space.Choice
	rng     *rand.Rand
	seen    map[string]bool
	out     []space.Genes
}

func (d *drawer) add(g space.Genes) {
	g = slices.Clone(g)
	space.Canonical(d.choices, g)
	if !d.seen[string(g)] {
		d.seen[string(g)] = true
		d.out = append(d.out, g)
	}
}

// maxRecorded bounds the operators that are recorded to find the choices that cut a normalised axis.
const maxRecorded = 500_000

// normalising lists the choices that cut an axis which is normalised or reduced.
func (p *Prover) normalising() []int {
	original := make(space.Genes, len(p.net.Choices))
	base := p.tables.Original
	if len(base.Nodes)*len(p.net.Choices) > maxRecorded {
		return nil
	}
	var out []int
	for i, c := range p.net.Choices {
		g := slices.Clone(original)
		if g[i] = uint8(len(c.Values) - 1); c.Kind == "resolution" {
			continue
		}
		graph, err := p.net.Record(g)
		if err == nil && whyNot(base, graph) != "" {
			out = append(out, i)
		}
	}
	return out
}

// base is the original at the resolution of g.
func (p *Prover) base(g space.Genes) (*nn.Graph, error) {
	at := make(space.Genes, len(g))
	for i, c := range p.net.Choices {
		if c.Kind == "resolution" {
			at[i] = g[i]
		}
	}
	if b := p.bases[string(at)]; b != nil {
		return b, nil
	}
	b, err := p.net.Record(at)
	if err == nil {
		b = b.Bind(1)
		p.bases[string(at)] = b
	}
	return b, err
}
