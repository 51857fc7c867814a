package supernet

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Counts are a network's costs at batch 1: the oracle of the sums that generated tables give.
type Counts struct {
	MACs   int64 // multiply-accumulates of products, see MACs
	Params int64 // weights and tables, each once; a normalisation that belongs to a convolution or product counts as its bias
}

// Count walks a recorded network.
func Count(g *nn.Graph) Counts {
	g = g.Bind(1)
	var c Counts
	seen := map[string]bool{}
	add := func(v nn.Value) {
		if id := Identity(g.Values[v]); !seen[id] {
			c.Params += elementsOf(g, v)
			seen[id] = true
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		c.MACs += MACs(g, n)
		if product := absorber(g, i); product != nil {
			if !hasBias(product) {
				add(n.In[1])
			}
			continue
		}
		for _, v := range n.In {
			if v != nn.None && isParam(g.Values[v]) {
				add(v)
			}
		}
	}
	return c
}

// Identity tells which tensor a parameter or constant is: one that several operators use is counted once.
func Identity(i nn.Info) string {
	if i.Param != nil {
		return "parameter " + i.Param.Name
	}
	return fmt.Sprint("constant ", i.Type, i.Shape) + string(i.Const.Raw)
}

func elementsOf(g *nn.Graph, v nn.Value) int64 { return g.Values[v].Shape.Elements() }

// hasBias tells whether a product adds a bias of its own.
func hasBias(n *nn.Node) bool { return len(n.In) > 2 || n.Type == "Add" }

// absorber returns the convolution or product that node i, a normalisation, belongs to; nil when it stands alone.
func absorber(g *nn.Graph, i int) *nn.Node {
	n := &g.Nodes[i]
	if n.Type != "BatchNormalization" {
		return nil
	}
	product := source(g, n.In[0])
	if product == nil {
		return nil
	}
	switch product.Type {
	case "Conv", "ConvTranspose", "Gemm":
		return product
	case "Add": // a MatMul and its bias
		for k, v := range product.In {
			if of := source(g, v); g.Values[product.In[len(product.In)-1-k]].Param != nil && of != nil && of.Type == "MatMul" && isMatrix(g, n) {
				return product
			}
		}
	case "MatMul": // of more than two axes, another one than the product's last is normalised
		if isMatrix(g, n) {
			return product
		}
	}
	return nil
}

func isMatrix(g *nn.Graph, n *nn.Node) bool { return len(g.Values[n.Out[0]].Shape) == 2 }

// source returns the node that makes v, when v has one reader and is no output.
func source(g *nn.Graph, v nn.Value) *nn.Node {
	var made *nn.Node
	readers := 0
	for k := range g.Nodes {
		if slices.Contains(g.Nodes[k].Out, v) {
			made = &g.Nodes[k]
		}
		if slices.Contains(g.Nodes[k].In, v) {
			readers++
		}
	}
	if readers != 1 || slices.Contains(g.Outputs, v) {
		return nil
	}
	return made
}
