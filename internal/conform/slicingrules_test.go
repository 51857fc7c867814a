package conform

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// slicingRules say which positions of the results exist when some of the operands' do not.
var slicingRules = map[string]func(s *slicer, n nn.Node) ([]marks, error){
	"Shape": shapeMarks, "Conv": convMarks, "ConvTranspose": convTransposeMarks, "MatMul": productMarks, "Gemm": productMarks,
	"Reshape": reshapeMarks, "Flatten": reshapeMarks, "Squeeze": reshapeMarks, "Unsqueeze": reshapeMarks,
	"DepthToSpace": depthMarks, "Transpose": transposeMarks, "Concat": concatMarks, "Split": splitMarks,
	"BatchNormalization": firstMarks, "InstanceNormalization": firstMarks, "LayerNormalization": firstMarks, "Softmax": firstMarks, "LogSoftmax": firstMarks, "LpNormalization": firstMarks, "GroupNormalization": firstMarks, "RMSNormalization": firstMarks,
	"MaxPool": firstMarks, "AveragePool": firstMarks, "LpPool": firstMarks, "GlobalAveragePool": firstMarks, "GlobalMaxPool": firstMarks,
	"Slice": keptMarks, "Pad": keptMarks, "Expand": expandMarks, "Resize": keptMarks, "Upsample": keptMarks, "Gather": gatherMarks,
	"ReduceMean": reduceMarks, "ReduceSum": reduceMarks, "ReduceMax": reduceMarks, "ReduceL2": reduceMarks, "ReduceMin": reduceMarks, "ReduceSumSquare": reduceMarks,
	"ReduceL1": reduceMarks, "ReduceLogSum": reduceMarks, "ReduceLogSumExp": reduceMarks, "ReduceProd": reduceMarks, "Hardmax": firstMarks, "Trilu": firstMarks,
	"Add": elementMarks, "Sub": elementMarks, "Mul": elementMarks, "Div": elementMarks, "Pow": elementMarks, "Min": elementMarks, "Max": elementMarks,
	"PRelu": elementMarks, "Where": elementMarks, "Equal": elementMarks, "Less": elementMarks, "Greater": elementMarks, "Sum": elementMarks,
	"Relu": firstMarks, "Clip": firstMarks, "Sigmoid": firstMarks, "HardSigmoid": firstMarks, "HardSwish": firstMarks, "Tanh": firstMarks,
	"Elu": firstMarks, "LeakyRelu": firstMarks, "Softplus": firstMarks, "Mish": firstMarks, "Gelu": firstMarks, "Erf": firstMarks, "Exp": firstMarks,
	"Sqrt": firstMarks, "Reciprocal": firstMarks, "Abs": firstMarks, "Neg": firstMarks, "Identity": firstMarks, "Cast": firstMarks, "Swish": firstMarks,
	"Softsign": firstMarks, "Selu": firstMarks, "Celu": firstMarks, "Asin": firstMarks, "Acos": firstMarks, "Atan": firstMarks, "Tan": firstMarks,
	"Sinh": firstMarks, "Cosh": firstMarks, "Asinh": firstMarks, "Atanh": firstMarks, "IsNaN": firstMarks,
	"LessOrEqual": elementMarks, "GreaterOrEqual": elementMarks, "And": elementMarks, "Or": elementMarks, "Xor": elementMarks, "Mod": elementMarks,
	"BitwiseAnd": elementMarks, "BitwiseOr": elementMarks, "BitwiseXor": elementMarks,
	"LRN": firstMarks, "CumSum": firstMarks, "Tile": tileMarks, "SpaceToDepth": squareMarks, "ArgMax": argumentMarks, "ArgMin": argumentMarks, "TopK": sortedMarks,
	"GatherElements": elementsMarks, "ScatterElements": elementsMarks, "GatherND": placesMarks, "ScatterND": placesMarks, "OneHot": placeMarks,
	"GridSample": sampledMarks, "Einsum": letterMarks, "LSTM": recurrentMarks, "GRU": recurrentMarks, "RNN": recurrentMarks, "com.microsoft.GroupQueryAttention": groupQueryMarks, "com.microsoft.MoE": firstMarks,
	"Dropout": firstMarks, "Log": firstMarks, "Sin": firstMarks, "Cos": firstMarks, "Not": firstMarks, "Floor": firstMarks, "Sign": firstMarks,
}

// reducing lists operators that reduce axes.
var reducing = map[string]bool{"ReduceMean": true, "ReduceSum": true, "ReduceMax": true, "ReduceL2": true, "ReduceMin": true, "ReduceSumSquare": true, "ReduceL1": true, "ReduceLogSum": true,
	"ReduceLogSumExp": true, "ReduceProd": true}

// rigid is for operators without rule: all of their operands have to be there in full.
func rigid(s *slicer, n nn.Node) ([]marks, error) {
	for _, v := range n.In {
		if v != nn.None && !s.have[v].whole() {
			return nil, fmt.Errorf("operand %q is cut, and no rule says what that means", s.full.Values[v].Name)
		}
	}
	var out []marks
	for _, v := range n.Out {
		out = append(out, make(marks, len(s.shape(v))))
	}
	return out, nil
}

// shapeMarks is for extents: the reference keeps the original's, and everything there is of them.
func shapeMarks(s *slicer, n nn.Node) ([]marks, error) {
	return []marks{make(marks, len(s.shape(n.Out[0])))}, nil
}

func firstMarks(s *slicer, n nn.Node) ([]marks, error) {
	var out []marks
	for _, v := range n.Out {
		m := slices.Clone(s.have[n.In[0]])
		for a := range m {
			if s.shape(v)[a] != s.shape(n.In[0])[a] {
				m[a] = nil
			}
		}
		out = append(out, m)
	}
	return out, nil
}

func convMarks(s *slicer, n nn.Node) ([]marks, error) {
	m := make(marks, len(s.shape(n.Out[0])))
	m[1] = s.have[n.In[1]][0]
	for k, cut := range s.have[n.In[0]] {
		if k > 1 && cut != nil { // a filter over channels, of which the first are left: behind them are zeros, as behind all
			m[k] = cut
		}
	}
	return []marks{m}, nil
}

// recurrentMarks has the units that are left of a recurrent layer: those that its own state is read from.
func recurrentMarks(s *slicer, n nn.Node) ([]marks, error) {
	var out []marks
	for _, v := range n.Out {
		if v == nn.None {
			out = append(out, nil)
			continue
		}
		m := make(marks, len(s.shape(v)))
		m[len(m)-1] = s.have[n.In[2]][2]
		out = append(out, m)
	}
	return out, nil
}

// groupQueryMarks has the elements of queries that are left, and of further results, which are all keys and all values, the heads.
func groupQueryMarks(s *slicer, n nn.Node) ([]marks, error) {
	out := []marks{s.have[n.In[0]]}
	for _, v := range n.Out[1:] {
		m, keys := make(marks, 4), s.have[n.In[1]][2]
		for h := range s.shape(v)[1] {
			if keys != nil {
				m[1] = append(m[1], keys[h*s.shape(v)[3]])
			}
		}
		out = append(out, m)
	}
	return out, nil
}

func convTransposeMarks(s *slicer, n nn.Node) ([]marks, error) {
	m := make(marks, len(s.shape(n.Out[0])))
	w := s.have[n.In[1]]
	groups := int(n.Int("group", 1))
	if w[1] != nil && groups > 1 {
		return nil, fmt.Errorf("the groups' channels are cut")
	}
	m[1] = w[1]
	if groups > 1 && w[0] != nil {
		in, each := s.shape(n.In[1])[0]/groups, s.shape(n.In[1])[1]
		m[1] = make([]bool, groups*each)
		for i := range m[1] {
			m[1][i] = w[0][i/each*in]
		}
	}
	return []marks{m}, nil
}

func productMarks(s *slicer, n nn.Node) ([]marks, error) {
	a, b := slices.Clone(s.have[n.In[0]]), slices.Clone(s.have[n.In[1]])
	if n.Int("transA", 0) != 0 {
		a[0], a[1] = a[1], a[0]
	}
	if n.Int("transB", 0) != 0 {
		b[0], b[1] = b[1], b[0]
	}
	out := make(marks, len(s.shape(n.Out[0])))
	for k := range out[:len(out)-2] {
		for _, x := range []struct {
			m marks
			v nn.Value
		}{{a, n.In[0]}, {b, n.In[1]}} {
			if at := k - len(out) + len(x.m); at >= 0 && s.shape(x.v)[at] == s.shape(n.Out[0])[k] {
				out[k] = both(out[k], x.m[at])
			}
		}
	}
	out[len(out)-2], out[len(out)-1] = a[len(a)-2], b[len(b)-1]
	return []marks{out}, nil
}

func both(a, b []bool) []bool {
	if a == nil || b == nil {
		return append(slices.Clone(a), b...)
	}
	out := make([]bool, len(a))
	for i := range a {
		out[i] = a[i] && b[i]
	}
	return out
}

func elementMarks(s *slicer, n nn.Node) ([]marks, error) {
	shape := s.shape(n.Out[0])
	out := make(marks, len(shape))
	for _, v := range n.In {
		if v == nn.None {
			continue
		}
		for a, m := range s.have[v] {
			at := a - len(s.have[v]) + len(out)
			if m != nil && s.shape(v)[a] == shape[at] {
				out[at] = both(out[at], m)
			}
		}
	}
	return []marks{out}, nil
}

// expandMarks keeps what there is of axes that stay. Of the positions of a repeated axis, which are all alike, the first exist: as many as in the SubNet.
func expandMarks(s *slicer, n nn.Node) ([]marks, error) {
	shape, x := s.shape(n.Out[0]), s.have[n.In[0]]
	out := make(marks, len(shape))
	for a, size := range shape {
		from := a - len(shape) + len(x)
		if from >= 0 && s.shape(n.In[0])[from] == size {
			out[a] = x[from]
			continue
		}
		if kept := s.sub.Values[s.now.Out[0]].Shape[a]; kept < size {
			out[a] = make([]bool, size)
			for i := range kept {
				out[a][i] = true
			}
		}
	}
	return []marks{out}, nil
}

// keptMarks is for operators that change the extents of some axes, which have to be there in full, and leave the others alone.
func keptMarks(s *slicer, n nn.Node) ([]marks, error) {
	out := slices.Clone(s.have[n.In[0]])
	for a, m := range out {
		if m != nil && s.shape(n.In[0])[a] != s.shape(n.Out[0])[a] {
			return nil, fmt.Errorf("axis %d is cut and changed", a)
		}
	}
	return []marks{out}, nil
}

func gatherMarks(s *slicer, n nn.Node) ([]marks, error) {
	x := s.have[n.In[0]]
	axis := (int(n.Int("axis", 0)) + len(x)) % len(x)
	if x[axis] != nil {
		return nil, fmt.Errorf("axis %d is cut, and its positions are asked for by number", axis)
	}
	out := append(marks{}, x[:axis]...)
	out = append(out, s.have[n.In[1]]...)
	return []marks{append(out, x[axis+1:]...)}, nil
}

func reducedAxes(s *slicer, n nn.Node) []int {
	rank := len(s.shape(n.In[0]))
	list := n.Ints("axes")
	if len(n.In) > 1 && n.In[1] != nn.None {
		list = s.full.Values[n.In[1]].Const.Int64s()
	}
	var out []int
	for _, a := range list {
		out = append(out, (int(a)+rank)%rank)
	}
	if len(list) == 0 {
		for a := range rank {
			out = append(out, a)
		}
	}
	return out
}

func reduceMarks(s *slicer, n nn.Node) ([]marks, error) {
	out := marks{}
	axes := reducedAxes(s, n)
	for a, m := range s.have[n.In[0]] {
		switch {
		case !slices.Contains(axes, a):
			out = append(out, m)
		case n.Int("keepdims", 1) != 0:
			out = append(out, nil)
		}
	}
	return []marks{out}, nil
}

func transposeMarks(s *slicer, n nn.Node) ([]marks, error) {
	x := s.have[n.In[0]]
	out := make(marks, len(x))
	perm := n.Ints("perm")
	for k := range out {
		from := len(x) - 1 - k
		if perm != nil {
			from = int(perm[k])
		}
		out[k] = x[from]
	}
	return []marks{out}, nil
}

// filled returns an axis with all its positions.
func filled(axis []bool, n int) []bool {
	if axis != nil {
		return axis
	}
	return slices.Repeat([]bool{true}, n)
}

func concatMarks(s *slicer, n nn.Node) ([]marks, error) {
	out := slices.Clone(s.have[n.In[0]])
	axis := (int(n.Int("axis", 0)) + len(out)) % len(out)
	var joined []bool
	for _, v := range n.In {
		for a, m := range s.have[v] {
			if a != axis {
				out[a] = both(out[a], m)
			}
		}
		joined = append(joined, filled(s.have[v][axis], s.shape(v)[axis])...)
	}
	out[axis] = tidy(joined)
	return []marks{out}, nil
}

func splitMarks(s *slicer, n nn.Node) ([]marks, error) {
	x := s.have[n.In[0]]
	axis := (int(n.Int("axis", 0)) + len(x)) % len(x)
	rest := filled(x[axis], s.shape(n.In[0])[axis])
	var outs []marks
	for _, v := range n.Out {
		m := slices.Clone(x)
		m[axis] = tidy(rest[:s.shape(v)[axis]])
		rest = rest[s.shape(v)[axis]:]
		outs = append(outs, m)
	}
	return outs, nil
}

// reshapeMarks matches runs of axes with the same number of elements; what exists of a run has to be a block in both of its forms.
func reshapeMarks(s *slicer, n nn.Node) ([]marks, error) {
	in, out := s.shape(n.In[0]), s.shape(n.Out[0])
	have := s.have[n.In[0]]
	res := make(marks, len(out))
	i, j := 0, 0
	for i < len(in) || j < len(out) {
		i0, j0, a, b := i, j, 1, 1
		for i == i0 && j == j0 || a != b {
			if i < len(in) && (a <= b || j >= len(out)) {
				a, i = a*in[i], i+1
			} else if j < len(out) {
				b, j = b*out[j], j+1
			} else {
				return nil, fmt.Errorf("cannot match %v with %v", in, out)
			}
		}
		if have[i0:i].whole() {
			continue
		}
		if err := spread(have[i0:i], in[i0:i], res[j0:j], out[j0:j]); err != nil {
			return nil, err
		}
	}
	return []marks{res}, nil
}

// spread carries what exists of a run of axes over to another run with as many elements.
func spread(have marks, in []int, res marks, out []int) error {
	exists := func(m marks, shape []int, e int) bool {
		for a := len(shape) - 1; a >= 0; a-- {
			if m[a] != nil && !m[a][e%shape[a]] {
				return false
			}
			e /= shape[a]
		}
		return true
	}
	total := nn.Shape(in).Count()
	for k, d := range out {
		res[k] = make([]bool, d)
	}
	for e := range total {
		if !exists(have, in, e) {
			continue
		}
		rest := e
		for k := len(out) - 1; k >= 0; k-- {
			res[k][rest%out[k]] = true
			rest /= out[k]
		}
	}
	for e := range total {
		if exists(have, in, e) != exists(res, out, e) {
			return fmt.Errorf("what is cut of %v is not a block of %v", in, out)
		}
	}
	for k := range res {
		res[k] = tidy(res[k])
	}
	return nil
}

// depthMarks takes the channels apart into squares of positions, which have to be there in full.
func depthMarks(s *slicer, n nn.Node) ([]marks, error) {
	x, all := s.have[n.In[0]], s.shape(n.In[0])[1]
	out := make(marks, len(x))
	if x[1] == nil {
		return []marks{out}, nil
	}
	channels := s.shape(n.Out[0])[1]
	square := all / channels
	out[1] = make([]bool, channels)
	mode, _ := n.Attr("mode")
	for i, there := range x[1] {
		k := i % channels
		if mode.String == "CRD" {
			k = i / square
		}
		if i < channels && mode.String != "CRD" || mode.String == "CRD" && i%square == 0 {
			out[1][k] = there
		}
		if out[1][k] != there {
			return nil, fmt.Errorf("a part of the positions of channel %d is cut", k)
		}
	}
	return []marks{out}, nil
}
