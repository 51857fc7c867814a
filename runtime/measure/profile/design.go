package profile

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// design chooses SubNets in which each of the operators occurs in at least as many as contexts says: greedy set cover, where every
// candidate begins with an operator that is still wanted, at one of its sites, and is improved choice by choice. The rest of the SubNet is about
// as large as the operator: small ones are found in small SubNets more often than not, and run faster there, where caches are warmer. The
// same operators give the same design.
func (p *places) design(ids []supernet.ID, contexts int) []space.Genes {
	d := &designer{places: p, want: map[supernet.ID]int{}, rng: rand.New(rand.NewPCG(1, 2))}
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
	want map[supernet.ID]int
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

// level is how small the entry's operator is among those of its site: the mean of its choices' candidates, 0 for the original's and 1 for the last
// ones; at random where it depends on none.
func (d *designer) level(s *supernet.Site, at []uint8) float64 {
	if len(at) == 0 {
		return d.rng.Float64()
	}
	sum := 0.0
	for i, v := range at {
		sum += float64(v) / float64(max(len(d.net.Choices[s.Deps[i]].Values)-1, 1))
	}
	return sum / float64(len(at))
}

// candidates of the entry's operator, by its site's choices.
func (d *designer) candidates(e entry) []uint8 {
	s := &d.sites[e.site]
	at := make([]uint8, len(s.Deps))
	for i := len(at) - 1; i >= 0; i-- {
		n := len(d.net.Choices[s.Deps[i]].Values)
		at[i] = uint8(e.index % n)
		e.index /= n
	}
	return at
}

// reach is how far from the operator's level choices may go, as a share of their candidates, to add operators to its SubNet.
const reach = 0.8

// candidate is a SubNet with the entry's operator, about as large as that, improved.
func (d *designer) candidate(e entry) space.Genes {
	choices, fixed := d.net.Choices, make([]bool, len(d.net.Choices))
	s, at := &d.sites[e.site], d.candidates(e)
	level := d.level(s, at)
	g := space.SizedAt(choices, level, d.rng)
	set := func(gene, v uint8) { g[gene], fixed[gene] = v, true }
	for i, v := range at {
		set(s.Deps[i], v)
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
			last := float64(len(choices[i].Values) - 1)
			for v := range len(choices[i].Values) {
				if math.Abs(float64(v)-level*last) > reach*last {
					continue
				}
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
func (d *designer) ops(g space.Genes) []supernet.ID {
	var out []supernet.ID
	for i := range d.sites {
		if space.Holds(d.sites[i].Live, g) {
			out = append(out, d.op(i, g))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
