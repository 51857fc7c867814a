package space

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
)

// Genes hold the candidate index of every choice, in the order of the choices.
type Genes = []uint8

// Holds reports whether n holds for g.
func Holds(n Need, g Genes) bool {
	return n.Below == 0 || g[n.Gene] < n.Below
}

// Canonical sets the genes that mean nothing, those of removed blocks, to the original, in place.
// Two genes describe the same network exactly when their canonical forms are equal.
func Canonical(cs []Choice, g Genes) {
	for i := range cs {
		if !Holds(cs[i].Live, g) {
			g[i] = 0
		}
	}
}

// Ends returns the original, which is the largest SubNet, and the smallest one.
func Ends(cs []Choice) (largest, smallest Genes) {
	largest, smallest = make(Genes, len(cs)), make(Genes, len(cs))
	for i, c := range cs {
		smallest[i] = uint8(len(c.Values) - 1)
	}
	Canonical(cs, smallest)
	return largest, smallest
}

// Cards returns the number of candidates of every choice.
func Cards(cs []Choice) []uint8 {
	cards := make([]uint8, len(cs))
	for i := range cs {
		cards[i] = uint8(len(cs[i].Values))
	}
	return cards
}

// Check reports everything that makes cs unusable as a space.
func Check(cs []Choice) error {
	var errs []error
	if len(cs) > 256 {
		errs = append(errs, fmt.Errorf("space: %d choices, but genes are numbered with a byte (at most 256)", len(cs)))
	}
	names := make(map[string]int, len(cs))
	for i, c := range cs {
		if j, dup := names[c.Name]; dup {
			errs = append(errs, fmt.Errorf("choice %q: choices %d and %d have this name", c.Name, j, i))
		}
		names[c.Name] = i
		if n := len(c.Values); n < 1 || n > 255 {
			errs = append(errs, fmt.Errorf("choice %q: %d candidates, want 1 to 255", c.Name, n))
		}
		errs = append(errs, checkLive(cs, i))
	}
	return errors.Join(errs...)
}

// checkLive keeps liveness one level deep, which Canonical and Count rely on.
func checkLive(cs []Choice, i int) error {
	n := cs[i].Live
	switch {
	case n.Below == 0:
		return nil
	case int(n.Gene) >= len(cs) || int(n.Gene) == i:
		return fmt.Errorf("choice %q: lives by gene %d, which is not another choice", cs[i].Name, n.Gene)
	case cs[n.Gene].Live.Below != 0:
		return fmt.Errorf("choice %q: depends on %q, which itself is not always live", cs[i].Name, cs[n.Gene].Name)
	}
	return nil
}

// Random returns canonical genes drawn uniformly from the raw space.
func Random(cs []Choice, rng *rand.Rand) Genes {
	g := make(Genes, len(cs))
	for i := range cs {
		g[i] = uint8(rng.IntN(len(cs[i].Values)))
	}
	Canonical(cs, g)
	return g
}

// Sized draws a SubNet of a random size, because uniform draws of many choices all have about the middle size. First it draws one distance from the original for all
// choices, then it varies each choice around this distance.
func Sized(cs []Choice, rng *rand.Rand) Genes {
	return SizedAt(cs, rng.Float64(), rng)
}

// SizedAt is Sized with a given size, from 0 (the original) to 1 (the smallest SubNet).
func SizedAt(cs []Choice, size float64, rng *rand.Rand) Genes {
	g := make(Genes, len(cs))
	for i, c := range cs {
		last := float64(len(c.Values) - 1)
		g[i] = uint8(math.Round(min(last, max(0, last*(size+0.2*rng.NormFloat64())))))
	}
	Canonical(cs, g)
	return g
}

// Probes returns, for every candidate but the original's of every choice, the genes that differ from
// the original in that candidate only; in the order of choices, then candidates.
func Probes(cs []Choice) []Genes {
	var probes []Genes
	for i := range cs {
		for v := 1; v < len(cs[i].Values); v++ {
			g := make(Genes, len(cs))
			g[i] = uint8(v)
			probes = append(probes, g)
		}
	}
	return probes
}

// Raw returns the number of combinations of candidates. Combinations that describe the same network count separately.
func Raw(cs []Choice) *big.Int {
	n := big.NewInt(1)
	for i := range cs {
		n.Mul(n, big.NewInt(int64(len(cs[i].Values))))
	}
	return n
}

// Count returns the number of distinct networks: of canonical genes.
func Count(cs []Choice) *big.Int {
	followers := make([][]int, len(cs)) // by the gene on which their condition depends
	for i := range cs {
		if cs[i].Live.Below != 0 {
			followers[cs[i].Live.Gene] = append(followers[cs[i].Live.Gene], i)
		}
	}
	total := big.NewInt(1)
	for i := range cs {
		if cs[i].Live.Below == 0 {
			total.Mul(total, countWith(cs, i, followers[i]))
		}
	}
	return total
}

// countWith counts the settings of a choice that is always live, together with the choices whose condition depends on it.
func countWith(cs []Choice, i int, followers []int) *big.Int {
	sum := new(big.Int)
	for v := range cs[i].Values {
		n := big.NewInt(1)
		for _, f := range followers {
			if v < int(cs[f].Live.Below) {
				n.Mul(n, big.NewInt(int64(len(cs[f].Values))))
			}
		}
		sum.Add(sum, n)
	}
	return sum
}
