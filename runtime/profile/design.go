package profile

import (
	"math/rand/v2"
	"slices"

	"github.com/autotailor/autotailor/runtime/optable"
	"github.com/autotailor/autotailor/runtime/space"
)

// design chooses SubNets in which each of the operators occurs in at least as many as contexts says: greedy set cover, where every
// candidate begins with an operator that is still wanted, at one of its sites, and is improved choice by choice. The same operators give the same design.
func (p *places) design(ids []optable.ID, contexts int) []space.Genes {
	d := &designer{places: p, want: map[optable.ID]int{}, rng: rand.New(rand.NewPCG(1, 2))}
	for _, id := range ids {
		d.want[id] = contexts
	}
	var out []space.Genes
	for {
		open := d.open()
		if len(open) == 0 {
			return out
		}
		best, most := space.Genes(nil), 0
		for range 3 {
			g := d.candidate(open[d.rng.IntN(len(open))])
			if n := d.gain(g); n > most {
				best, most = g, n
			}
		}
		if best == nil { // no SubNet has what is left
			return out
		}
		d.take(best)
		out = append(out, best)
	}
}

type designer struct {
	*places
	want map[optable.ID]int
	rng  *rand.Rand
}

// entry is an operator that is wanted: an index into a site's table.
type entry struct{ site, index int }

func (d *designer) open() []entry {
	var out []entry
	for i, s := range d.sites {
		for k, id := range s.Ops {
			if d.want[id] > 0 {
				out = append(out, entry{i, k})
			}
		}
	}
	return out
}

// candidate is a random SubNet with the entry's operator, improved.
func (d *designer) candidate(e entry) space.Genes {
	choices := d.net.Choices
	g, fixed := space.Random(choices, d.rng), make([]bool, len(choices))
	s := &d.sites[e.site]
	set := func(gene, v uint8) { g[gene], fixed[gene] = v, true }
	for i := len(s.Deps) - 1; i >= 0; i-- {
		n := len(choices[s.Deps[i]].Values)
		set(s.Deps[i], uint8(e.index%n))
		e.index /= n
	}
	if s.Live.Below > 0 && !fixed[s.Live.Gene] {
		set(s.Live.Gene, 0)
	}
	best := d.gain(g)
	for range 2 {
		for _, i := range d.rng.Perm(len(g)) {
			if fixed[i] {
				continue
			}
			for v := range len(choices[i].Values) {
				was := g[i]
				g[i] = uint8(v)
				if n := d.gain(g); n > best {
					best = n
				} else {
					g[i] = was
				}
			}
		}
	}
	space.Canonical(choices, g)
	return g
}

// gain counts the wanted operators of a SubNet.
func (d *designer) gain(g space.Genes) int {
	n := 0
	for _, id := range d.ops(g) {
		if d.want[id] > 0 {
			n++
		}
	}
	return n
}

func (d *designer) take(g space.Genes) {
	for _, id := range d.ops(g) {
		d.want[id]--
	}
}

// ops lists the distinct operators of a SubNet.
func (d *designer) ops(g space.Genes) []optable.ID {
	var out []optable.ID
	for i := range d.sites {
		if space.Holds(d.sites[i].Live, g) {
			out = append(out, d.op(i, g))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
