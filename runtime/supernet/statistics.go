package supernet

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// Normalisations lists the nodes of g that normalise by means and variances among its parameters.
func Normalisations(g *nn.Graph) []int {
	var out []int
	for i, n := range g.Nodes {
		if n.Type == "BatchNormalization" && n.Domain == "" && len(n.In) >= 5 && slices.ContainsFunc(n.In[3:5], func(v nn.Value) bool { return g.Values[v].Param != nil }) {
			out = append(out, i)
		}
	}
	return out
}

// Borrowed names the nodes of the SubNet of g that would normalise by statistics that are not theirs. The weights of a SuperNet have the means and
// variances of what the original normalises. A SubNet normalises something else behind the first place where it differs, and classifies far worse
// with these means and variances, until it is recalibrated. Nothing is borrowed by the original and by networks without such normalisations.
func (n *Net) Borrowed(g space.Genes) ([]string, error) {
	original, err1 := n.Record(make(space.Genes, len(n.Choices)))
	sub, err2 := n.Record(g)
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("%s: a SubNet cannot be recorded: %w", n.Package, firstError(err1, err2))
	}
	known := numbering{}
	of := known.values(original)
	theirs := map[string][]int{} // what the original normalises, by the parameter with its means
	for _, i := range Normalisations(original) {
		in := original.Nodes[i].In
		means := original.Values[in[3]].Name
		theirs[means] = append(theirs[means], of[in[0]])
	}
	of = known.values(sub)
	var names []string
	for _, i := range Normalisations(sub) {
		in := sub.Nodes[i].In
		if !slices.Contains(theirs[sub.Values[in[3]].Name], of[in[0]]) {
			names = append(names, sub.Nodes[i].Name)
		}
	}
	return names, nil
}

func firstError(errs ...error) error {
	return errs[slices.IndexFunc(errs, func(err error) bool { return err != nil })]
}

// numbering gives values of several graphs the same number where the same operators compute them from the same inputs and parameters.
type numbering map[string]int

func (k numbering) number(what string) int {
	if _, ok := k[what]; !ok {
		k[what] = len(k)
	}
	return k[what]
}

// values returns the number of each value of g.
func (k numbering) values(g *nn.Graph) []int {
	of := make([]int, len(g.Values))
	of[nn.None] = k.number("nothing")
	for v, i := range g.Values {
		switch {
		case i.Param != nil: // parameters of one name and shape are equal: what cuts one changes its shape
			of[v] = k.number(fmt.Sprintf("parameter %q %v %v %v", i.Param.Name, i.Param.Transposed, i.Shape, i.Param.Grids))
		case i.Const != nil:
			of[v] = k.number(fmt.Sprintf("constant %v %v %x", i.Type, i.Shape, i.Const.Raw))
		}
	}
	for j, v := range g.Inputs {
		of[v] = k.number(fmt.Sprintf("input %d %v %v", j, g.Values[v].Type, g.Values[v].Shape))
	}
	for _, n := range g.Nodes {
		var in []int
		for _, v := range n.In {
			in = append(in, of[v])
		}
		for j, v := range n.Out {
			of[v] = k.number(fmt.Sprintf("result %d %s %s %v %v %v", j, n.Domain, n.Type, n.Attrs, g.Values[v].Shape, in))
		}
	}
	return of
}
