package supernet

import (
	"fmt"
	"strconv"
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
	r, err := n.rules(name)
	if err != nil {
		return nil, err
	}
	return r.Sites, nil
}

// rules returns the rule set called name.
func (n *Net) rules(name string) (Rules, error) {
	var have, want []string
	for _, r := range n.Rules {
		if r.Name == name {
			return r, nil
		}
		have = append(have, r.Name)
		if r.Name != Unfused {
			want = append(want, strconv.Quote(r.Name))
		}
	}
	return Rules{}, fmt.Errorf("%s: the package has no fusion rules %q, only %s: write `fusion = [%s]` into its autotailor.toml (a file of yours by its name, such as \"%s.rules\") "+
		"and run `go generate` in its folder; or profile with --rules %s, as if the device ran each operator alone",
		n.Package, name, strings.Join(have, ", "), strings.Join(append(want, strconv.Quote(name)), ", "), name, Unfused)
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
