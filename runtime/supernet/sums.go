package supernet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/runtime/space"
)

// Unfused is the name of the rule set under which each operator is its own kernel.
const Unfused = "none"

// Cards returns the number of candidates of every gene.
func (n *Net) Cards() []uint8 { return space.Cards(n.Choices) }

// Parse reads the text form of a SubNet and returns its genes.
func (n *Net) Parse(text string) (space.Genes, error) { return space.Parse(n.Choices, text) }

// Sites returns the sites under the rule set called name.
func (n *Net) Sites(name string) ([]Site, error) {
	i := slices.IndexFunc(n.Rules, func(r Rules) bool { return r.Name == name })
	if i < 0 {
		var have []string
		for _, r := range n.Rules {
			have = append(have, r.Name)
		}
		return nil, fmt.Errorf("%s: no fusion rules %q, the package has %s: regenerate it with this rule set", n.Package, name, strings.Join(have, " "))
	}
	return n.Rules[i].Sites, nil
}

// Terms returns the terms of sites when operator id costs cost(id).
// Sites with the same genes and condition share a term.
func Terms(sites []Site, cards []uint8, cost func(ID) int64) []space.Term {
	return terms(sites, func(_ *Site, id ID) int64 { return cost(id) })
}

// terms is Terms where costs depend on the site, too.
func terms(sites []Site, cost func(*Site, ID) int64) []space.Term {
	type class struct {
		deps string
		live space.Need
	}
	at := make(map[class]int)
	var ts []space.Term
	for k := range sites {
		site := &sites[k]
		c := class{string(site.Deps), site.Live}
		i, ok := at[c]
		if !ok || len(ts[i].Table) != len(site.Ops) {
			i = len(ts)
			at[c] = i
			ts = append(ts, space.Term{Deps: site.Deps, Live: site.Live, Table: make([]int64, len(site.Ops))})
		}
		for j, id := range site.Ops {
			ts[i].Table[j] += cost(site, id)
		}
	}
	return ts
}

// Sum returns the sum over n's sites under the rule set called rules, when operator id costs cost(id).
func (n *Net) Sum(rules string, cost func(ID) int64) (*space.Sum, error) {
	return n.sum(rules, func(_ *Site, id ID) int64 { return cost(id) })
}

// sum is Sum where costs depend on the site, too.
func (n *Net) sum(rules string, cost func(*Site, ID) int64) (*space.Sum, error) {
	sites, err := n.Sites(rules)
	if err != nil {
		return nil, err
	}
	s, err := space.NewSum(n.Cards(), 0, terms(sites, cost))
	if err != nil {
		return nil, fmt.Errorf("%s: rules %q: %w", n.Package, rules, err)
	}
	return s, nil
}

// MACs returns the multiply-accumulates of a SubNet at batch 1 as a function of its genes.
func (n *Net) MACs() (*space.Sum, error) {
	return n.Sum(Unfused, func(id ID) int64 { return n.Ops[id].MACs })
}

// Params returns the number of parameters of a SubNet as a function of its genes. Weights that several operators use count once.
// A BatchNormalization that belongs to a convolution counts as its bias.
func (n *Net) Params() (*space.Sum, error) {
	return n.sum(Unfused, func(s *Site, id ID) int64 { return n.Ops[id].ParamCount(s.Shared...) })
}
