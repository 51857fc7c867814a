package conform

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
)

// The slicing reference works for any model. It takes the network at its original widths, marks which positions of each parameter a
// SubNet keeps, and follows through the operators, by rules of its own, which positions of each value that leaves. Positions that are
// gone are set to zero after every operator; operators that look at a whole axis (normalisations, Softmax, reductions) are given only the
// positions that are there. Nothing of the coupling or of the cut extents is used: the SubNet has to come to the same extents and numbers.

// marks tells, for each axis of a value, which positions exist; a nil axis exists in full.
type marks [][]bool

func (m marks) whole() bool { return !slices.ContainsFunc(m, func(a []bool) bool { return a != nil }) }

// marked is the number of marked positions out of n.
func marked(axis []bool, n int) int {
	if axis == nil {
		return n
	}
	n = 0
	for _, b := range axis {
		if b {
			n++
		}
	}
	return n
}

func positions(axis []bool) []int64 {
	var out []int64
	for i, b := range axis {
		if b {
			out = append(out, int64(i))
		}
	}
	return out
}

// tidy makes an axis that exists in full nil.
func tidy(axis []bool) []bool {
	if !slices.Contains(axis, false) {
		return nil
	}
	return axis
}

// slicer makes the reference of one SubNet.
type slicer struct {
	full, sub *nn.Graph
	w         nn.Weights
	have      []marks // by value of full
	twin      []nn.Value
	now       nn.Node // the SubNet's counterpart of the node that a rule looks at
	out       *nn.Graph
	at        []nn.Value // by value of full: the value of out
}

// slicingReference writes the reference of a SubNet to a file; kept tells what the outputs of it have to be cut to.
func slicingReference(t *testing.T, p *view.Package, choices []space.Choice, genes space.Genes, w nn.Weights) (path string, cut func([][]float32) []float32) {
	t.Helper()
	wide := make(space.Genes, len(genes))
	for i, c := range choices {
		if c.Kind == "depth" || c.Kind == "resolution" {
			wide[i] = genes[i]
		}
	}
	full, _ := described(t, p, wide)
	sub, _ := described(t, p, genes)
	s := &slicer{full: full.Bind(1), sub: sub.Bind(1), w: w}
	if err := s.run(); err != nil {
		t.Fatalf("reference of %s: %v", space.Format(choices, genes), err)
	}
	path = filepath.Join(t.TempDir(), "reference.onnx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	opset := 17
	if m, ok := w.(*onnxfile.Model); ok {
		opset = m.Opset
	}
	if err := onnxfile.Write(f, s.out, w, onnxfile.WriteOptions{Opset: opset}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path, s.cut
}

// cut keeps the existing positions of the outputs.
func (s *slicer) cut(outs [][]float32) []float32 {
	var result []float32
	for k, v := range s.full.Outputs {
		shape := s.full.Values[v].Shape
		for i, x := range outs[k] {
			keep, rest := true, i
			for a := len(shape) - 1; a >= 0; a-- {
				if m := s.have[v]; m[a] != nil && !m[a][rest%shape[a]] {
					keep = false
				}
				rest /= shape[a]
			}
			if keep {
				result = append(result, x)
			}
		}
	}
	return result
}

func (s *slicer) run() error {
	if len(s.full.Nodes) != len(s.sub.Nodes) {
		return fmt.Errorf("%d operators at full width, %d in the SubNet", len(s.full.Nodes), len(s.sub.Nodes))
	}
	s.have = make([]marks, len(s.full.Values))
	s.at = make([]nn.Value, len(s.full.Values))
	s.twin = make([]nn.Value, len(s.full.Values))
	s.out = &nn.Graph{Values: make([]nn.Info, 1), Outputs: slices.Clone(s.full.Outputs)}
	for k, v := range s.full.Inputs {
		s.have[v] = make(marks, len(s.full.Values[v].Shape))
		s.twin[v] = s.sub.Inputs[k]
		s.at[v] = s.value(s.full.Values[v])
		s.out.Inputs = append(s.out.Inputs, s.at[v])
	}
	for i := range s.full.Nodes {
		n := s.full.Nodes[i]
		if err := s.node(n, s.sub.Nodes[i]); err != nil {
			return fmt.Errorf("node %q (%s): %w", n.Name, n.Type, err)
		}
	}
	for k, v := range s.full.Outputs {
		s.out.Outputs[k] = s.at[v]
	}
	return nil
}

func (s *slicer) value(i nn.Info) nn.Value {
	s.out.Values = append(s.out.Values, i)
	return nn.Value(len(s.out.Values) - 1)
}

func (s *slicer) shape(v nn.Value) nn.Shape { return s.full.Values[v].Shape }

func (s *slicer) node(n, twin nn.Node) error {
	for k, v := range n.In {
		if v == nn.None || s.have[v] != nil {
			continue
		}
		s.twin[v] = twin.In[k]
		if err := s.known(v, twin.In[k]); err != nil {
			return err
		}
	}
	if len(n.Type) == 0 || n.Type != twin.Type {
		return fmt.Errorf("the SubNet has %s here", twin.Type)
	}
	rule, ok := slicingRules[operators.Qualified(n.Domain, n.Type)]
	if !ok {
		rule = rigid
	}
	s.now = twin
	made, err := rule(s, n)
	if err != nil {
		return err
	}
	for k, v := range n.Out {
		if v == nn.None {
			continue
		}
		s.have[v] = made[k]
		for a, size := range s.shape(v) {
			if have := s.sub.Values[twin.Out[k]].Shape; len(have) != len(s.shape(v)) || marked(made[k][a], size) != have[a] {
				return fmt.Errorf("axis %d keeps %d of %d positions, the SubNet has %v", a, marked(made[k][a], size), size, have)
			}
		}
	}
	return s.emit(n)
}

// known adds a parameter, with zeros where the SubNet keeps nothing, or a constant.
func (s *slicer) known(v, twin nn.Value) error {
	info := s.full.Values[v]
	if !info.Known() {
		return fmt.Errorf("operand %q is made by no operator", info.Name)
	}
	m := make(marks, len(info.Shape))
	s.have[v] = m
	if info.Param == nil {
		s.at[v] = s.value(info)
		return nil
	}
	t, err := nn.Fetch(s.w, *info.Param)
	if err != nil {
		return err
	}
	raw := slices.Clone(t.Raw)
	if q := s.sub.Values[twin].Param; q != nil {
		for a := range q.Picks {
			if q.Picks[a].Full() == 0 {
				continue
			}
			m[a] = tidy(among(q.Picks[a].Indices(), wholeOr(*info.Param, a)))
		}
		if err := transformed(raw, s.w, *q); err != nil {
			return err
		}
	}
	size := len(raw) / max(1, info.Shape.Count())
	for i := range info.Shape.Count() {
		rest := i
		for a := len(info.Shape) - 1; a >= 0; a-- {
			if m[a] != nil && !m[a][rest%info.Shape[a]] {
				clear(raw[i*size : (i+1)*size])
			}
			rest /= info.Shape[a]
		}
	}
	t.Raw = raw
	s.at[v] = s.value(nn.Info{Name: info.Name, Type: t.Type, Shape: t.Shape, Const: &t})
	return nil
}

// transformed sets the taps of a kernel's whole windows that a SubNet's p keeps to what a learned kernel transform makes of them, if w has one.
func transformed(raw []byte, w nn.Weights, p nn.Param) error {
	m, ok, err := nn.Transform(w, p)
	if err != nil || !ok {
		return err
	}
	window, _ := p.Window()
	by, kernel := m.Float32s(), nn.Tensor{Type: nn.Float32, Raw: raw}.View()
	for from := 0; from < len(kernel); from += window.All {
		whole := slices.Clone(kernel[from : from+window.All])
		for i, tap := range window.Taps {
			sum := 0.0
			for k, v := range whole {
				sum += float64(by[i*window.All+k]) * float64(v)
			}
			kernel[from+tap] = float32(sum)
		}
	}
	return nil
}

// wholeOr lists the positions that p itself has of an axis: a resolution may leave some out.
func wholeOr(p nn.Param, axis int) []int {
	if axis < len(p.Picks) && p.Picks[axis].Full() > 0 {
		return p.Picks[axis].Indices()
	}
	return nn.Prefix(p.Shape[axis], p.Shape[axis]).Indices()
}

// among tells which elements of list are among kept.
func among(kept, list []int) []bool {
	out := make([]bool, len(list))
	for i, at := range list {
		out[i] = slices.Contains(kept, at)
	}
	return out
}

// emit adds the operator to the reference, with what is needed around it.
func (s *slicer) emit(n nn.Node) error {
	in := make([]nn.Value, len(n.In))
	for k, v := range n.In {
		in[k] = s.at[v]
	}
	looked := lookedAt(s, n)
	var gone []int // axes along which only the existing positions are looked at
	for _, a := range looked {
		if s.have[n.In[0]][a] == nil {
			continue
		}
		gone = append(gone, a)
		for k, v := range n.In {
			if k > 0 && n.Type == "InstanceNormalization" {
				break // scale and bias belong to axis 1
			}
			at := a - len(s.shape(n.In[0])) + len(s.shape(v))
			if k > 0 && n.Type == "GroupNormalization" {
				at = a - 1 // one element for each channel
			}
			if v != nn.None && at >= 0 && at < len(s.shape(v)) && s.have[v][at] != nil {
				in[k] = s.gather(in[k], at, positions(s.have[v][at]))
			}
		}
	}
	copied := n
	copied.In, copied.Out = in, nil
	var results []nn.Value
	for _, v := range n.Out {
		o := s.value(s.full.Values[v])
		copied.Out = append(copied.Out, o)
		results = append(results, o)
	}
	s.out.Nodes = append(s.out.Nodes, copied)
	for k, v := range n.Out {
		s.at[v] = results[k]
		if v == nn.None {
			continue
		}
		for _, a := range gone {
			if len(s.shape(v)) == len(s.shape(n.In[0])) && s.have[v][a] != nil {
				s.at[v] = s.scatter(s.at[v], a, s.have[v][a])
			}
		}
		s.mask(v)
	}
	return nil
}

func (s *slicer) constant(t nn.Tensor) nn.Value {
	return s.value(nn.Info{Name: fmt.Sprintf("slicer_%d", len(s.out.Values)), Type: t.Type, Shape: t.Shape, Const: &t})
}

func (s *slicer) op(op string, like nn.Value, shape nn.Shape, attrs []nn.Attr, in ...nn.Value) nn.Value {
	name := fmt.Sprintf("slicer_%d", len(s.out.Values))
	o := s.value(nn.Info{Name: name, Type: s.out.Values[like].Type, Shape: shape})
	s.out.Nodes = append(s.out.Nodes, nn.Node{Type: op, Name: name, Attrs: attrs, In: in, Out: []nn.Value{o}})
	return o
}

func (s *slicer) gather(v nn.Value, axis int, list []int64) nn.Value {
	shape := slices.Clone(s.out.Values[v].Shape)
	shape[axis] = len(list)
	at := []nn.Attr{{Name: "axis", Kind: nn.AttrInt, Int: int64(axis)}}
	return s.op("Gather", v, shape, at, v, s.constant(nn.FromInt64s(nn.Shape{len(list)}, list)))
}

// scatter puts what is left of an axis back to where it was; the rest is zero: the last of one more position.
func (s *slicer) scatter(v nn.Value, axis int, have []bool) nn.Value {
	shape := slices.Clone(s.out.Values[v].Shape)
	kept := marked(have, 0)
	shape[axis] = kept + 1
	pads := make([]int64, 2*len(shape))
	pads[len(shape)+axis] = 1
	padded := s.op("Pad", v, shape, []nn.Attr{{Name: "pads", Kind: nn.AttrInts, Ints: pads}}, v)
	list, next := make([]int64, len(have)), int64(0)
	for i, b := range have {
		list[i] = int64(kept)
		if b {
			list[i], next = next, next+1
		}
	}
	return s.gather(padded, axis, list)
}

// mask sets the positions of a result that do not exist to zero.
func (s *slicer) mask(v nn.Value) {
	info := s.full.Values[v]
	if info.Type != nn.Float32 {
		return
	}
	for a, have := range s.have[v] {
		if have == nil {
			continue
		}
		shape := slices.Repeat(nn.Shape{1}, len(info.Shape))
		shape[a] = len(have)
		raw := make([]byte, len(have))
		for i, b := range have {
			if b {
				raw[i] = 1
			}
		}
		zero := s.constant(nn.FromFloat32s(nn.Shape{}, []float32{0}))
		is := s.constant(nn.Tensor{Type: nn.Bool, Shape: shape, Raw: raw})
		s.at[v] = s.op("Where", s.at[v], info.Shape, nil, is, s.at[v], zero)
	}
}

// lookedAt lists the axes of the first operand that an operator looks at as a whole.
func lookedAt(s *slicer, n nn.Node) []int {
	rank := len(s.shape(n.In[0]))
	axis := func(a int64) int { return (int(a) + rank) % max(1, rank) }
	switch {
	case n.Type == "Softmax" || n.Type == "LogSoftmax":
		return []int{axis(n.Int("axis", -1))}
	case n.Type == "GroupNormalization":
		return axesFrom(1, rank)
	case n.Type == "InstanceNormalization":
		return axesFrom(2, rank)
	case n.Type == "LayerNormalization" || n.Type == "RMSNormalization":
		return axesFrom(axis(n.Int("axis", -1)), rank)
	case reducing[n.Type]:
		return reducedAxes(s, n)
	}
	return nil
}

func axesFrom(first, rank int) []int {
	var out []int
	for a := first; a < rank; a++ {
		out = append(out, a)
	}
	return out
}

// evaluateParts runs an ONNX file and returns each of its outputs.
func evaluateParts(t *testing.T, e *ort.Engine, path string, in ...nn.Tensor) [][]float32 {
	t.Helper()
	m, err := e.OpenModel(path)
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.Run(in...)
	if err != nil {
		t.Fatal(err)
	}
	var parts [][]float32
	for _, o := range out {
		parts = append(parts, slices.Clone(o.Float32s()))
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return parts
}
