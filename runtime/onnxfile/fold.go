package onnxfile

import (
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// FoldBatchNorm returns g without the normalisations that directly follow a convolution or Gemm, and the weights of those
// with the normalisation multiplied in: w' = w*s, b' = (b-mean)*s + bias with s = scale/sqrt(var+epsilon).
// The new weights belong to this SubNet only.
func FoldBatchNorm(g *nn.Graph, w nn.Weights) (*nn.Graph, nn.Weights, error) {
	f := &folder{g: g, w: w, over: map[string]nn.Tensor{}, readers: map[string]int{}, names: map[string]bool{}}
	out := *g
	out.Values = slices.Clone(g.Values)
	f.out = &out
	uses, producer := map[nn.Value]int{}, map[nn.Value]int{}
	for _, i := range g.Values {
		f.names[i.Name] = true
	}
	for i, n := range g.Nodes {
		for _, v := range n.In {
			uses[v]++
			if p := g.Values[v].Param; p != nil {
				f.readers[p.Source()]++
			}
		}
		for _, v := range n.Out {
			producer[v] = i
		}
	}
	out.Nodes = nil
	position := map[int]int{} // in out.Nodes
	for i, n := range g.Nodes {
		p, made := 0, false
		if n.Type == "BatchNormalization" && n.Domain == "" {
			p, made = producer[n.In[0]]
		}
		if at, kept := position[p]; made && kept && uses[n.In[0]] == 1 && !slices.Contains(g.Outputs, n.In[0]) && f.folds(&g.Nodes[p], &n) {
			folded, err := f.fold(out.Nodes[at], &n)
			if err != nil {
				return nil, nil, fmt.Errorf("node %q: %w", n.Name, err)
			}
			out.Nodes[at] = folded
			continue
		}
		position[i] = len(out.Nodes)
		out.Nodes = append(out.Nodes, n)
	}
	return &out, nn.Overlay(w, f.over), nil
}

type folder struct {
	g, out  *nn.Graph
	w       nn.Weights
	over    map[string]nn.Tensor
	readers map[string]int  // operands that a stored tensor is
	names   map[string]bool // of values
}

// folds tells whether all tensors that folding needs are parameters.
func (f *folder) folds(p, norm *nn.Node) bool {
	if p.Domain != "" || p.Type != "Conv" && (p.Type != "Gemm" || p.Int("transB", 0) == 0 || len(p.Attrs) > 1) || len(norm.Out) > 1 {
		return false
	}
	for _, v := range slices.Concat(p.In[1:], norm.In[1:]) {
		if f.g.Values[v].Param == nil {
			return false
		}
	}
	return true
}

func (f *folder) fold(p nn.Node, norm *nn.Node) (nn.Node, error) {
	var parts [5][]float32 // weight, scale, bias, mean, variance
	for k, v := range []nn.Value{p.In[1], norm.In[1], norm.In[2], norm.In[3], norm.In[4]} {
		t, err := nn.Fetch(f.w, *f.g.Values[v].Param)
		if err != nil {
			return p, err
		}
		if parts[k] = slices.Clone(t.Float32s()); parts[k] == nil {
			return p, fmt.Errorf("weights %q are not of type float32", f.g.Values[v].Name)
		}
	}
	weight, bias := parts[0], make([]float32, len(parts[1]))
	if len(p.In) > 2 {
		t, err := nn.Fetch(f.w, *f.g.Values[p.In[2]].Param)
		if err != nil {
			return p, err
		}
		copy(bias, t.Float32s())
	}
	epsilon := float32(1e-5)
	if a, ok := norm.Attr("epsilon"); ok {
		epsilon = a.Float
	}
	each := len(weight) / len(bias)
	for c := range bias {
		s := float32(float64(parts[1][c]) / math.Sqrt(float64(parts[4][c])+float64(epsilon)))
		for k := range each {
			weight[c*each+k] *= s
		}
		bias[c] = (bias[c]-parts[3][c])*s + parts[2][c]
	}
	w, b := f.g.Values[p.In[1]], f.g.Values[norm.In[2]]
	if len(p.In) > 2 {
		b = f.g.Values[p.In[2]]
	}
	p.In = []nn.Value{p.In[0], f.param(w, w.Shape, weight), f.param(b, nn.Shape{len(bias)}, bias)}
	p.Out = norm.Out
	return p, nil
}

// param adds a parameter that is stored as it is, under the name of the one that it stands for where that has no other readers.
func (f *folder) param(old nn.Info, s nn.Shape, data []float32) nn.Value {
	name := old.Name
	if old.Param.From != "" || f.readers[old.Param.Source()] > 1 {
		name += "_folded"
		for k := 1; f.names[name]; k++ {
			name = fmt.Sprintf("%s_folded_%d", old.Name, k)
		}
		f.names[name] = true
	}
	f.over[name] = nn.FromFloat32s(s, data)
	f.out.Values = append(f.out.Values, nn.Info{Name: name, Type: nn.Float32, Shape: s, Param: &nn.Param{Name: name, Shape: s}})
	return nn.Value(len(f.out.Values) - 1)
}
