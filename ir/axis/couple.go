package axis

import (
	"slices"
	"strconv"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/op"
)

// Coupling tells for every axis of every value of a graph which variable it is.
type Coupling struct {
	vars
	axes   [][]Var // by value, then axis; nil where the shape is not known
	groups map[*ir.Node]Var
	heads  map[*ir.Node][2]Var // of queries, and of keys that they share
}

// coupler is a Coupling under construction.
type coupler struct {
	*Coupling
	g      *ir.Graph
	shapes [][]int
}

// Couple finds the variables of g. shapes are the concrete shapes of its values, nil where unknown, with some extent
// greater than 1 instead of the open batch when batched is set: axis 0 of the inputs is the batch then.
// A parameter that several nodes read has one set of variables, and so have a matrix and what it is the other way round. Equal vectors that an
// exporter stored once must be values of their own, see supernet.Compile.
func Couple(g *ir.Graph, shapes [][]int, batched bool) *Coupling {
	c := &coupler{&Coupling{axes: make([][]Var, len(g.Values)), groups: map[*ir.Node]Var{}, heads: map[*ir.Node][2]Var{}}, g, shapes}
	c.constants()
	for _, id := range g.Inputs {
		c.input(id, batched)
	}
	for _, n := range g.Nodes {
		c.node(n)
	}
	for _, id := range g.Outputs {
		for _, v := range c.axes[id] {
			c.freeze(v, Reason{Node: c.g.Values[id].Name, Why: "is an output of the model", Given: true})
		}
	}
	return c.Coupling
}

// constants declares the axes of constants. A matrix and what it is the other way round have the same ones, as far as nodes read them.
func (c *coupler) constants() {
	for id, v := range c.g.Values {
		if v.Const == nil || c.shapes[id] == nil {
			continue
		}
		c.axes[id] = c.fresh(c.shapes[id], 0)
		if v.Const.Name == "" { // no tensor of the model that could be cut
			for _, a := range c.axes[id] {
				c.freeze(a, Reason{Node: v.Name, Why: "is a constant that was computed from others"})
			}
		}
	}
	first := map[ir.Identity]ir.ValueID{}
	for _, n := range c.g.Nodes {
		for _, id := range n.In {
			t := c.g.Values[id].Const
			if t == nil || c.axes[id] == nil {
				continue
			}
			key, named := t.Identity()
			other, ok := first[key]
			switch {
			case !named:
			case !ok:
				first[key] = id
			case c.g.Values[other].Const.Transposed != t.Transposed:
				c.axes[id] = slices.Clone(c.axes[other])
				slices.Reverse(c.axes[id])
			}
		}
	}
}

// input declares the axes of a graph input: batch, channels, then space.
func (c *coupler) input(id ir.ValueID, batched bool) {
	axes := c.fresh(c.shapes[id], Spatial)
	c.axes[id] = axes
	why := Reason{Node: c.g.Values[id].Name, Why: "is an input of the model", Given: true}
	for i, v := range axes {
		switch {
		case i == 0 && batched:
			c.list[v].roles = Batch
			c.freeze(v, why)
		case i <= 1 && len(axes) > 2:
			c.list[v].roles = 0
			c.freeze(v, why)
		}
	}
}

func (c *coupler) fresh(shape []int, roles Role) []Var {
	out := make([]Var, len(shape))
	for i, n := range shape {
		out[i] = c.add(n, roles)
	}
	return out
}

// node applies the rule of n's operator; what the rule does not say about an output is fresh and frozen.
func (c *coupler) node(n *ir.Node) {
	spec, ok := op.Lookup(n.Domain, n.Op)
	name := label(n)
	switch {
	case !ok || rules[spec.Axes] == nil:
		c.opaque(n, name)
	case slices.ContainsFunc(slices.Concat(n.In, n.Out), func(id ir.ValueID) bool { return id != 0 && c.shapes[id] == nil }):
		c.freezeOperands(n, Reason{Node: name, Why: "the shapes of its operands are not known"})
	default:
		rules[spec.Axes](c, n, name)
	}
	for _, id := range n.Out {
		if id != 0 && c.axes[id] == nil && c.shapes[id] != nil {
			c.axes[id] = c.fresh(c.shapes[id], 0)
			for _, v := range c.axes[id] {
				c.freeze(v, Reason{Node: name, Why: "makes it anew (" + n.Op + ")"})
			}
		}
	}
	c.settings(n, name)
}

// settings freezes the constants whose axes n's rule leaves alone: the factors of a Resize, the bounds of a Clip.
func (c *coupler) settings(n *ir.Node, name string) {
	met := map[Var]bool{}
	for _, id := range slices.Concat(n.In, n.Out) {
		if v := c.g.Values[id]; id != 0 && v.Const == nil {
			for _, a := range c.axes[id] {
				for _, l := range c.Leaves(a) {
					met[l] = true
				}
			}
		}
	}
	for k, id := range n.In {
		if k == 0 || id == 0 || c.g.Values[id].Const == nil {
			continue
		}
		for _, a := range c.axes[id] {
			if c.at(a).roles == 0 && c.at(a).frozen == nil && !slices.ContainsFunc(c.Leaves(a), func(l Var) bool { return met[l] }) && !c.contracted(n, a) {
				c.freeze(a, Reason{Node: name, Why: "is a setting of the operator, operand " + strconv.Itoa(k) + " of " + n.Op, Given: true})
			}
		}
	}
}

// contracted tells whether another operand has the axis: the first one, a constant too, or the weights of another layer of the same operator.
func (c *coupler) contracted(n *ir.Node, a Var) bool {
	same := func(b Var) bool { return c.find(a) == c.find(b) }
	others := 0
	for _, id := range n.In {
		if len(c.axes[id]) > 1 && slices.ContainsFunc(c.axes[id], same) {
			others++
		}
	}
	return others > 1 || slices.ContainsFunc(c.axes[n.In[0]], same)
}

// opaque freezes everything that n reads, which no rule covers.
func (c *coupler) opaque(n *ir.Node, name string) {
	c.freezeOperands(n, Reason{Node: name, Why: "operator " + n.Op + " has no axis rule"})
}

func (c *coupler) freezeOperands(n *ir.Node, why Reason) {
	for _, id := range n.In {
		for _, v := range c.axes[id] {
			c.freeze(v, why)
		}
	}
}

func label(n *ir.Node) string {
	if n.Name != "" {
		return n.Name
	}
	return n.Op
}

// Axes returns the variables of a value's axes.
func (c *Coupling) Axes(id ir.ValueID) []Var { return c.axes[id] }

// Groups returns the variable of a convolution's groups, when it has more than one.
func (c *Coupling) Groups(n *ir.Node) (Var, bool) {
	v, ok := c.groups[n]
	return v, ok
}

// Heads returns the variables of an attention's heads of queries and of keys, where its attributes have their numbers.
func (c *Coupling) Heads(n *ir.Node) (queries, keys Var, ok bool) {
	h, ok := c.heads[n]
	return h[0], h[1], ok
}

// Find returns the representative of v's class.
func (c *Coupling) Find(v Var) Var { return c.find(v) }

// Size reports the extent of v.
func (c *Coupling) Size(v Var) int { return c.at(v).size }

// Is reports whether v has any of the roles. What is made of positions is space, too, also where these were known to be so later.
func (c *Coupling) Is(v Var, r Role) bool {
	return c.at(v).roles&r != 0 || r&Spatial != 0 && slices.ContainsFunc(c.at(v).of, func(p Var) bool { return c.Is(p, Spatial) })
}

// Frozen returns why v is fixed, or nil.
func (c *Coupling) Frozen(v Var) *Reason { return c.at(v).frozen }

// Freeze fixes v and everything that it is made of.
func (c *Coupling) Freeze(v Var, why Reason) { c.freeze(v, why) }

// Factors returns the factors of a product, outermost first, or nil.
func (c *Coupling) Factors(v Var) []Var {
	if c.at(v).form == product {
		return c.parts(v, product)
	}
	return nil
}

// Terms returns the terms of a sum in order, or nil.
func (c *Coupling) Terms(v Var) []Var {
	if c.at(v).form == sum {
		return c.parts(v, sum)
	}
	return nil
}

// Leaves returns the unrefined variables that v is made of, each once.
func (c *Coupling) Leaves(v Var) []Var {
	if v = c.find(v); c.list[v].form == leaf {
		return []Var{v}
	}
	var out []Var
	seen := map[Var]bool{}
	var walk func(Var)
	walk = func(v Var) {
		v = c.find(v)
		if seen[v] {
			return
		}
		seen[v] = true
		if c.list[v].form == leaf {
			out = append(out, v)
			return
		}
		for _, p := range c.list[v].of {
			walk(p)
		}
	}
	walk(v)
	return out
}
