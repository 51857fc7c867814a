package nn

import (
	"fmt"
	"math"
	"slices"
)

// FoldBatchNorm returns g without the normalisations next to a convolution, Gemm or MatMul, and weights into which these normalisations are multiplied. Let
// s = scale/sqrt(var+epsilon). If the normalisation follows a product, w' = w*s and b' = (b-mean)*s + bias. Between a matrix product and its normalisation there may be
// reshapes that keep the last axis, as in LeViT's Linear_BN; ONNX Runtime does not fold those. If the normalisation precedes a Gemm, as in LeViT's BN_Linear,
// w' = s*w and b' = b + (bias-mean*s)*w. The new weights belong to this SubNet only.
func FoldBatchNorm(g *Graph, w Weights) (*Graph, Weights, error) {
	for _, pass := range []func(f *folder, i int) error{(*folder).foldBack, (*folder).foldAhead} {
		f := newFolder(g, w)
		for i := range g.Nodes {
			if err := pass(f, i); err != nil {
				return nil, nil, fmt.Errorf("node %q: %w", g.Nodes[i].Name, err)
			}
		}
		g, w = f.result()
	}
	return g, w, nil
}

// foldBack folds the normalisation i into the product before it, if there is one.
func (f *folder) foldBack(i int) error {
	if path := f.path(i); path != nil {
		return f.fold(path)
	}
	return nil
}

type folder struct {
	g, out  *Graph
	w       Weights
	over    map[string]Tensor
	readers map[string]int  // number of operands that read a stored tensor
	names   map[string]bool // of values
	reads   map[string]int  // number of operands that read a parameter, by name
	uses    map[Value]int   // as operand or output
	maker   map[Value]int   // node
	instead map[int][]Node  // of a node of g
}

func newFolder(g *Graph, w Weights) *folder {
	out := *g
	out.Values = slices.Clone(g.Values)
	f := &folder{
		g: g, out: &out, w: w, over: map[string]Tensor{}, readers: map[string]int{}, names: map[string]bool{}, reads: map[string]int{},
		uses: map[Value]int{}, maker: map[Value]int{}, instead: map[int][]Node{},
	}
	f.index()
	return f
}

// result is the graph with its replaced nodes, and its weights.
func (f *folder) result() (*Graph, Weights) {
	f.out.Nodes = nil
	for i, n := range f.g.Nodes {
		if nodes, ok := f.instead[i]; ok {
			f.out.Nodes = append(f.out.Nodes, nodes...)
		} else {
			f.out.Nodes = append(f.out.Nodes, n)
		}
	}
	return f.out, Overlay(f.w, f.over)
}

func (f *folder) index() {
	for _, i := range f.g.Values {
		f.names[i.Name] = true
	}
	for i, n := range f.g.Nodes {
		for _, v := range n.In {
			f.uses[v]++
			if p := f.g.Values[v].Param; p != nil {
				f.readers[p.Source()]++
				f.reads[p.Name]++
			}
		}
		for _, v := range n.Out {
			f.maker[v] = i
		}
	}
	for _, v := range f.g.Outputs {
		f.uses[v]++
	}
}

// folded says which axis of the weight has the output channels, for the operators into which a normalisation folds.
var folded = map[string]struct {
	weight int    // axis of the weight, counted from its end when the product is one of matrices
	attr   string // the only attribute that may be set, "" for any
}{
	"Conv":   {},
	"Gemm":   {weight: 1, attr: "transB"},
	"MatMul": {weight: 1, attr: "none"},
}

// path lists the nodes from a product to the normalisation i, if nothing else reads them. It is nil if i cannot be folded.
func (f *folder) path(i int) []int {
	norm := &f.g.Nodes[i]
	if !f.normalises(norm) {
		return nil
	}
	path, biased := []int{i}, false
	for v := norm.In[0]; f.uses[v] == 1; {
		at, made := f.maker[v]
		if !made {
			return nil
		}
		n := &f.g.Nodes[at]
		path = slices.Insert(path, 0, at)
		switch {
		case n.Domain != "":
			return nil
		case n.Type == "Conv" && len(path) == 2, f.matrices(n, norm) && !(biased && n.Type == "Gemm"):
			if f.params(n.In[1:]) && f.alone(n.In[1]) {
				return path
			}
			return nil
		case f.reshapes(n, norm):
			v = n.In[0]
		case f.biases(n, norm) && !biased:
			v, biased = n.In[0], true
		default:
			return nil
		}
	}
	return nil
}

// normalises tells whether n is a batch normalisation by stored statistics.
func (f *folder) normalises(n *Node) bool {
	return n.Type == "BatchNormalization" && n.Domain == "" && len(n.Out) == 1 && f.params(n.In[1:])
}

// params tells whether all of vs are parameters.
func (f *folder) params(vs []Value) bool {
	return !slices.ContainsFunc(vs, func(v Value) bool { return f.g.Values[v].Param == nil })
}

// alone tells whether only one product uses a weight. Several products would multiply it by different numbers, so that it would have to be stored several times.
func (f *folder) alone(weight Value) bool { return f.reads[f.g.Values[weight].Param.Name] == 1 }

// last tells whether the channels of norm are the last axis of v.
func (f *folder) last(v Value, norm *Node) bool {
	s := f.g.Values[v].Shape
	return len(f.g.Values[norm.In[0]].Shape) == 2 && len(s) > 0 && s[len(s)-1] == f.channels(norm)
}

func (f *folder) channels(norm *Node) int { return f.g.Values[norm.In[1]].Shape[0] }

func (f *folder) matrices(n, norm *Node) bool {
	rule, ok := folded[n.Type]
	plain := !slices.ContainsFunc(n.Attrs, func(a Attr) bool { return a.Name != rule.attr })
	return ok && n.Type != "Conv" && plain && f.last(n.Out[0], norm) && len(f.g.Values[n.In[1]].Shape) == 2
}

func (f *folder) reshapes(n, norm *Node) bool {
	return (n.Type == "Reshape" || n.Type == "Flatten") && f.last(n.In[0], norm) && f.last(n.Out[0], norm)
}

// biases tells whether n adds one number to each channel.
func (f *folder) biases(n, norm *Node) bool {
	return n.Type == "Add" && f.params(n.In[1:]) && len(f.g.Values[n.In[1]].Shape) == 1 && f.last(n.In[1], norm) && f.last(n.In[0], norm)
}

// fold replaces the nodes of path.
func (f *folder) fold(path []int) error {
	p, norm := f.g.Nodes[path[0]], &f.g.Nodes[path[len(path)-1]]
	bias := None // as it was
	if len(p.In) > 2 {
		bias = p.In[2]
	}
	adder := -1
	for _, at := range path[1 : len(path)-1] {
		if f.g.Nodes[at].Type == "Add" {
			adder, bias = at, f.g.Nodes[at].In[1]
		}
	}
	w, b, err := f.weights(&p, norm, bias)
	if err != nil {
		return err
	}
	// The last remaining node makes the normalisation's result.
	ends := path[len(path)-2]
	out := func(at int) []Value {
		if at == ends {
			return norm.Out
		}
		return f.g.Nodes[at].Out
	}
	for _, at := range path[1 : len(path)-1] {
		n := f.g.Nodes[at]
		n.Out = out(at)
		if at == adder {
			n.In = []Value{n.In[0], b}
		}
		f.instead[at] = []Node{n}
	}
	f.instead[path[len(path)-1]] = nil
	made := out(path[0])
	switch {
	case p.Type != "MatMul":
		p.In, p.Out = []Value{p.In[0], w, b}, made
		f.instead[path[0]] = []Node{p}
	case adder >= 0:
		p.In = []Value{p.In[0], w}
		f.instead[path[0]] = []Node{p}
	default: // the product gets a bias
		product := f.value(f.g.Values[p.Out[0]], "_product")
		p.In, p.Out = []Value{p.In[0], w}, []Value{product}
		f.instead[path[0]] = []Node{p, {Type: "Add", Name: norm.Name, In: []Value{product, b}, Out: made}}
	}
	return nil
}

// weights computes the weight and the bias with the normalisation in them.
func (f *folder) weights(p, norm *Node, was Value) (weight, bias Value, err error) {
	data, scale, shift, err := f.operands(p, norm)
	if err != nil {
		return 0, 0, err
	}
	old, err := f.bias(was, len(scale))
	if err != nil {
		return 0, 0, err
	}
	b := make([]float32, len(scale))
	for c := range b {
		b[c] = float32(float64(old[c])*scale[c] + shift[c])
	}
	w := f.g.Values[p.In[1]]
	each := 1 // consecutive numbers that belong to one channel
	if folded[p.Type].weight == 0 || p.Int("transB", 0) != 0 {
		each = len(data) / len(b)
	}
	for k := range data {
		data[k] *= float32(scale[k/each%len(b)])
	}
	name := f.g.Values[norm.In[2]]
	if was != None && len(f.g.Values[was].Shape) == 1 {
		name = f.g.Values[was]
	}
	return f.param(w, w.Shape, data), f.param(name, Shape{len(b)}, b), nil
}

// operands returns the weight of p, and for each channel the factor and the summand of norm.
func (f *folder) operands(p, norm *Node) (weight []float32, scale, shift []float64, err error) {
	if scale, shift, err = f.affine(norm); err == nil {
		weight, err = f.fetch(p.In[1])
	}
	return weight, scale, shift, err
}

// affine returns for each channel the factor by which a normalisation multiplies, and the number that it then adds.
func (f *folder) affine(norm *Node) (scale, shift []float64, err error) {
	var parts [4][]float32 // scale, bias, mean, variance
	for k, v := range norm.In[1:5] {
		if parts[k], err = f.fetch(v); err != nil {
			return nil, nil, err
		}
	}
	epsilon := float32(1e-5)
	if a, ok := norm.Attr("epsilon"); ok {
		epsilon = a.Float
	}
	for c := range parts[0] {
		s := float64(parts[0][c]) / math.Sqrt(float64(parts[3][c])+float64(epsilon))
		scale, shift = append(scale, s), append(shift, float64(parts[1][c])-float64(parts[2][c])*s)
	}
	return scale, shift, nil
}

// bias returns the bias v of n channels, zeros if there is none. The bias of a Gemm may be one number for all channels.
func (f *folder) bias(v Value, n int) ([]float32, error) {
	out := make([]float32, n)
	if v == None {
		return out, nil
	}
	old, err := f.fetch(v)
	if err != nil {
		return nil, err
	}
	for c := range out {
		out[c] = old[c*len(old)/n]
	}
	return out, nil
}

func (f *folder) fetch(v Value) ([]float32, error) {
	t, err := Fetch(f.w, *f.g.Values[v].Param)
	if err != nil {
		return nil, err
	}
	data := slices.Clone(t.Float32s())
	if data == nil {
		return nil, fmt.Errorf("weights %q are not of type float32", f.g.Values[v].Name)
	}
	return data, nil
}

// param adds a parameter that is stored as it is. It has the name of the parameter old if nothing else reads old.
func (f *folder) param(old Info, s Shape, data []float32) Value {
	name := old.Name
	if old.Param.From != "" || f.readers[old.Param.Source()] > 1 {
		name = f.unused(name + "_folded")
	}
	f.over[name] = FromFloat32s(s, data)
	p := &Param{Name: name, Shape: s}
	if name != old.Param.Source() {
		p.From = old.Param.Source()
	}
	f.out.Values = append(f.out.Values, Info{Name: name, Type: Float32, Shape: s, Param: p})
	return Value(len(f.out.Values) - 1)
}

// value adds a value like old with a new name.
func (f *folder) value(old Info, suffix string) Value {
	old.Name = f.unused(old.Name + suffix)
	f.out.Values = append(f.out.Values, old)
	return Value(len(f.out.Values) - 1)
}

// unused returns name, with a number if it is taken, and marks the result as taken.
func (f *folder) unused(name string) string {
	free := name
	for k := 1; f.names[free]; k++ {
		free = fmt.Sprintf("%s_%d", name, k)
	}
	f.names[free] = true
	return free
}
