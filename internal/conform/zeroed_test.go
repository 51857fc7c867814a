package conform

import (
	"math"
	"os"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
)

// zeroed writes the original model with zeros instead of the weights that an exported SubNet lacks. What the SubNet has is found by its numbers: no code of the
// compiler says what was cut. It tells which weights of the SubNet were not found in the original.
func zeroed(t *testing.T, original, subnet, to string) (lost []string) {
	t.Helper()
	m, sub := readModel(t, original), readModel(t, subnet)
	weights := floats(t, m.GetGraph())
	kept := map[string][]bool{}
	for name, s := range floats(t, sub.GetGraph()) {
		if !keep(weights, kept, name, s) && len(s.numbers) >= few {
			lost = append(lost, name)
		}
	}
	for name, w := range weights {
		if kept[name] == nil && len(w.numbers) < few {
			continue // a number of the model's own, such as an epsilon, which the SubNet may have as an attribute
		}
		for k := range w.numbers {
			if kept[name] == nil || !kept[name][k] {
				w.numbers[k] = 0
			}
		}
		onnx.FromFloat32s(w.shape, w.numbers).Store(w.stored, w.stored.GetName())
	}
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o666); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lost)
	return lost
}

// few is the number of elements from which a constant is a weight.
const few = 4

func readModel(t *testing.T, path string) *onnxpb.ModelProto {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Unmarshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// numbered is a tensor of a file.
type numbered struct {
	stored  *onnxpb.TensorProto
	shape   []int
	numbers []float32
}

// floats are the float32 tensors of a graph, of initializers and Constant nodes.
func floats(t *testing.T, g *onnxpb.GraphProto) map[string]*numbered {
	t.Helper()
	out := map[string]*numbered{}
	add := func(name string, p *onnxpb.TensorProto) {
		if p.GetDataType() != int32(onnx.Float32) {
			return
		}
		x, err := new(onnx.Model).Tensor(p)
		if err != nil {
			t.Fatal(err)
		}
		n := &numbered{stored: p, shape: x.Shape}
		for k := 0; k < len(x.Raw); k += 4 {
			n.numbers = append(n.numbers, math.Float32frombits(uint32(x.Raw[k])|uint32(x.Raw[k+1])<<8|uint32(x.Raw[k+2])<<16|uint32(x.Raw[k+3])<<24))
		}
		out[name] = n
	}
	for _, i := range g.GetInitializer() {
		add(i.GetName(), i)
	}
	for _, n := range g.GetNode() {
		for _, a := range n.GetAttribute() {
			if n.GetOpType() == "Constant" && a.GetName() == "value" {
				add(n.GetOutput()[0], a.GetT())
			}
		}
	}
	return out
}

// keep marks what a tensor of a SubNet has of the weights: of the one of its name, else of any, which may lie the other way round.
func keep(weights map[string]*numbered, kept map[string][]bool, name string, s *numbered) bool {
	if w := weights[name]; w != nil && mark(kept, name, w, s) {
		return true
	}
	if len(s.numbers) < few {
		return false
	}
	for name, w := range weights {
		if mark(kept, name, w, s) || len(s.shape) == 2 && mark(kept, name, w, s.turned()) {
			return true
		}
	}
	return false
}

// turned is a matrix whose rows are the columns.
func (n *numbered) turned() *numbered {
	rows, columns := n.shape[0], n.shape[1]
	out := &numbered{shape: []int{columns, rows}}
	for c := range columns {
		for r := range rows {
			out.numbers = append(out.numbers, n.numbers[r*columns+c])
		}
	}
	return out
}

// mark finds the positions along each axis of w whose crossings are s, and notes the crossings.
func mark(kept map[string][]bool, name string, w, s *numbered) bool {
	places := located(w, s)
	if places == nil {
		return false
	}
	if kept[name] == nil {
		kept[name] = make([]bool, len(w.numbers))
	}
	for k := range s.numbers {
		kept[name][place(w.shape, s.shape, places, k)] = true
	}
	return true
}

// place is where element k of the smaller tensor is in the larger one.
func place(large, small []int, places [][]int, k int) int {
	at, stride := 0, 1
	for a := len(small) - 1; a >= 0; a-- {
		at += places[a][k%small[a]] * stride
		k /= small[a]
		stride *= large[a]
	}
	return at
}

// located returns the positions, nil where s is no part of w. The first positions are tried before those that lines of numbers tell.
func located(w, s *numbered) [][]int {
	if len(w.shape) != len(s.shape) || len(s.numbers) == 0 {
		return nil
	}
	first := make([][]int, len(s.shape))
	for a, n := range s.shape {
		if n > w.shape[a] {
			return nil
		}
		for k := range n {
			first[a] = append(first[a], k)
		}
	}
	if crosses(w, s, first) {
		return first
	}
	for start, x := range w.numbers {
		if x == s.numbers[0] {
			if places := alongLines(w, s, start); places != nil && crosses(w, s, places) {
				return places
			}
		}
	}
	return nil
}

// alongLines looks for the first line of s along each axis in the line of w through start.
func alongLines(w, s *numbered, start int) [][]int {
	places := make([][]int, len(s.shape))
	strideW, strideS := 1, 1
	for a := len(s.shape) - 1; a >= 0; a-- {
		own := start / strideW % w.shape[a]
		for k := range s.shape[a] {
			at := 0
			for at < w.shape[a] && w.numbers[start+(at-own)*strideW] != s.numbers[k*strideS] {
				at++
			}
			if at == w.shape[a] {
				return nil
			}
			places[a] = append(places[a], at)
		}
		strideW, strideS = strideW*w.shape[a], strideS*s.shape[a]
	}
	return places
}

func crosses(w, s *numbered, places [][]int) bool {
	for k, x := range s.numbers {
		if w.numbers[place(w.shape, s.shape, places, k)] != x {
			return false
		}
	}
	return true
}
