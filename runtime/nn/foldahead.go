package nn

import (
	"slices"
)

// foldAhead folds the normalisation i into the Gemm after it, if nothing else reads the normalisation.
func (f *folder) foldAhead(i int) error {
	norm := &f.g.Nodes[i]
	if !f.normalises(norm) || f.uses[norm.Out[0]] != 1 || !f.last(norm.Out[0], norm) {
		return nil
	}
	at := slices.IndexFunc(f.g.Nodes, func(n Node) bool { return slices.Contains(n.In, norm.Out[0]) })
	if at < 0 || !f.takes(&f.g.Nodes[at], norm) {
		return nil
	}
	p := f.g.Nodes[at]
	w, b, err := f.weightsAhead(&p, norm)
	if err != nil {
		return err
	}
	p.In = []Value{norm.In[0], w, b}
	f.instead[i], f.instead[at] = nil, []Node{p}
	return nil
}

// takes tells whether n is a Gemm that reads norm's result.
func (f *folder) takes(n, norm *Node) bool {
	return n.Type == "Gemm" && n.Domain == "" && n.In[0] == norm.Out[0] && f.params(n.In[1:]) && f.alone(n.In[1]) &&
		!slices.ContainsFunc(n.Attrs, func(a Attr) bool { return a.Name != "transB" })
}

// weightsAhead computes the weight and the bias of p with the normalisation before it multiplied in.
func (f *folder) weightsAhead(p, norm *Node) (weight, bias Value, err error) {
	data, scale, shift, err := f.operands(p, norm)
	if err != nil {
		return 0, 0, err
	}
	was, name := None, f.g.Values[norm.In[2]]
	if len(p.In) > 2 {
		was = p.In[2]
		name = f.g.Values[was]
	}
	n := len(data) / len(scale)
	b, err := f.bias(was, n)
	if err != nil {
		return 0, 0, err
	}
	sums := make([]float64, n)
	for k, v := range data {
		in, out := k/n, k%n
		if p.Int("transB", 0) != 0 {
			in, out = k%len(scale), k/len(scale)
		}
		sums[out] += shift[in] * float64(v)
		data[k] = float32(float64(v) * scale[in])
	}
	for c := range b {
		b[c] += float32(sums[c])
	}
	w := f.g.Values[p.In[1]]
	return f.param(w, w.Shape, data), f.param(name, Shape{n}, b), nil
}
