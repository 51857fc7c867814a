package conform

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
)

// setting is a SubNet as text: choice name to value.
type setting map[string]float64

func parseSetting(t *testing.T, text string) setting {
	t.Helper()
	s := setting{}
	if text == "original" {
		return s
	}
	for _, part := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		s[name] = v
	}
	return s
}

func (s setting) get(name string, original float64) float64 {
	if v, ok := s[name]; ok {
		return v
	}
	return original
}

// round is the rule of the paper's authors for widths, written down again here.
func round(v float64) int {
	n := max(8, 8*int(math.Floor(math.Floor(v+4)/8)))
	if float64(n) < 0.9*v {
		n += 8
	}
	return n
}

// reference is the original model, edited in place to compute what a SubNet computes: channels that the SubNet lacks are
// zero, blocks that it lacks are bypassed. Nothing is cut.
type reference struct {
	t *testing.T
	m *onnxpb.ModelProto
	g *onnxpb.GraphProto
	// In execution order.
	convs, linears, norms []*onnxpb.NodeProto
	init                  map[string]*onnxpb.TensorProto
	made                  map[string]*onnxpb.NodeProto
	count                 int
}

func openReference(t *testing.T, path string) *reference {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := &reference{t: t, m: &onnxpb.ModelProto{}, init: map[string]*onnxpb.TensorProto{}, made: map[string]*onnxpb.NodeProto{}}
	if err := proto.Unmarshal(data, r.m); err != nil {
		t.Fatal(err)
	}
	r.g = r.m.GetGraph()
	r.g.ValueInfo = nil // extents there are the original's
	for _, i := range r.g.Initializer {
		r.init[i.GetName()] = i
	}
	for _, n := range r.g.Node {
		for _, o := range n.Output {
			r.made[o] = n
		}
		switch n.GetOpType() {
		case "Conv":
			r.convs = append(r.convs, n)
		case "LayerNormalization":
			r.norms = append(r.norms, n)
		case "MatMul":
			if r.weight(n) != nil {
				r.linears = append(r.linears, n)
			}
		}
	}
	return r
}

// tensor returns a copy of a node's parameter that only this node reads.
func (r *reference) tensor(n *onnxpb.NodeProto, operand int) *onnxpb.TensorProto {
	name := n.Input[operand]
	for r.made[name] != nil && r.made[name].GetOpType() == "Identity" {
		name = r.made[name].Input[0]
	}
	if r.init[name] == nil {
		r.t.Fatalf("node %q: %q is not an initializer", n.GetName(), name)
	}
	c := proto.CloneOf(r.init[name])
	r.count++
	c.Name = proto.String(fmt.Sprintf("reference_%d", r.count))
	r.g.Initializer = append(r.g.Initializer, c)
	r.init[c.GetName()] = c
	n.Input[operand] = c.GetName()
	return c
}

// keep sets all but the first n output channels of a convolution and its normalisation to zero.
func (r *reference) keep(conv *onnxpb.NodeProto, n int) {
	r.zero(conv, 1, n)
	if len(conv.Input) > 2 {
		r.zero(conv, 2, n)
	}
	if next := r.readers(conv.Output[0]); len(next) == 1 && next[0].GetOpType() == "BatchNormalization" {
		r.zero(next[0], 1, n)
		r.zero(next[0], 2, n)
	}
}

func (r *reference) zero(n *onnxpb.NodeProto, operand, keep int) {
	p := r.tensor(n, operand)
	if p.GetDims()[0] < int64(keep) {
		r.t.Fatalf("node %q has %d channels, %d are to be kept", n.GetName(), p.GetDims()[0], keep)
	}
	each := 4
	for _, d := range p.GetDims()[1:] {
		each *= int(d)
	}
	p.RawData = slices.Clone(p.RawData)
	clear(p.RawData[keep*each:])
}

func (r *reference) readers(value string) []*onnxpb.NodeProto {
	var out []*onnxpb.NodeProto
	for _, n := range r.g.Node {
		if slices.Contains(n.Input, value) {
			out = append(out, n)
		}
	}
	return out
}

// end follows the single readers of a block's last convolution to its addition, and to an activation after that.
func (r *reference) end(conv *onnxpb.NodeProto, relu bool) string {
	value := conv.Output[0]
	for {
		n := r.readers(value)
		if len(n) != 1 {
			r.t.Fatalf("%q has %d readers", value, len(n))
		}
		value = n[0].Output[0]
		if n[0].GetOpType() == "Add" {
			break
		}
	}
	if relu {
		n := r.readers(value)
		value = n[0].Output[0]
	}
	return value
}

// endAt follows the single readers of a node's result to the addition of from.
func (r *reference) endAt(n *onnxpb.NodeProto, from string) string {
	for {
		next := r.readers(n.Output[0])
		if len(next) != 1 {
			r.t.Fatalf("%q has %d readers", n.Output[0], len(next))
		}
		if n = next[0]; n.GetOpType() == "Add" && slices.Contains(n.Input, from) {
			return n.Output[0]
		}
	}
}

// weight is the node with the weights of a product, and nil when it has none: a Transpose of them, or the product itself.
func (r *reference) weight(n *onnxpb.NodeProto) *onnxpb.NodeProto {
	if p := r.made[n.Input[1]]; p != nil && p.GetOpType() == "Transpose" && r.stored(p.Input[0]) != nil {
		return p
	}
	if r.stored(n.Input[1]) != nil {
		return n
	}
	return nil
}

// stored is an initializer, also behind Identities.
func (r *reference) stored(name string) *onnxpb.TensorProto {
	for r.made[name] != nil && r.made[name].GetOpType() == "Identity" {
		name = r.made[name].Input[0]
	}
	return r.init[name]
}

// keepLinear sets all but the first n outputs of a linear layer, whose weights are [out, in] behind a Transpose, and of its bias to zero.
func (r *reference) keepLinear(layer, n int) {
	l := r.linears[layer]
	r.zero(r.weight(l), 0, n)
	add := r.readers(l.Output[0])[0]
	for k, in := range add.Input {
		if r.stored(in) != nil {
			r.zero(add, k, n)
		}
	}
}

// keepRows sets those outputs of a linear layer and of its bias to zero that are not kept.
func (r *reference) keepRows(layer int, keep func(row int) bool) {
	l := r.linears[layer]
	clearRows := func(n *onnxpb.NodeProto, operand int) {
		p := r.tensor(n, operand)
		each := len(p.RawData) / int(p.GetDims()[0])
		p.RawData = slices.Clone(p.RawData)
		for row := range int(p.GetDims()[0]) {
			if !keep(row) {
				clear(p.RawData[row*each : (row+1)*each])
			}
		}
	}
	clearRows(r.weight(l), 0)
	add := r.readers(l.Output[0])[0]
	for k, in := range add.Input {
		if r.stored(in) != nil {
			clearRows(add, k)
		}
	}
}

// crop sets all but the centre of a convolution's windows to zero.
func (r *reference) crop(conv *onnxpb.NodeProto, side int) {
	p := r.tensor(conv, 1)
	full := int(p.GetDims()[2])
	from := (full - side) / 2
	p.RawData = slices.Clone(p.RawData)
	for i := range len(p.RawData) / 4 {
		x, y := i%full, i/full%full
		if x < from || x >= from+side || y < from || y >= from+side {
			clear(p.RawData[4*i : 4*i+4])
		}
	}
}

// interpolate makes the positional embedding [1, 1+from*from, width] one for a map of another side: each position is the average of the old
// ones around it, weighted by how near they are.
func (r *reference) interpolate(from, to int) {
	for _, n := range r.g.Node {
		for k, in := range n.Input {
			if p := r.stored(in); n.GetOpType() != "Add" || p == nil || len(p.GetDims()) != 3 || p.GetDims()[1] != int64(1+from*from) {
				continue
			}
			p := r.tensor(n, k)
			width := int(p.GetDims()[2])
			at := func(i, c int) float64 {
				return float64(math.Float32frombits(binary.LittleEndian.Uint32(p.RawData[4*(i*width+c):])))
			}
			near := func(i, old int) float64 {
				scale := float64(from) / float64(to)
				return max(0, 1-math.Abs(float64(old)+0.5-scale*(float64(i)+0.5))/max(1, scale))
			}
			out := slices.Clone(p.RawData[:4*width])
			for i := range to * to {
				for c := range width {
					sum, weight := 0.0, 0.0
					for j := range from * from {
						w := near(i/to, j/from) * near(i%to, j%from)
						sum, weight = sum+w*at(1+j, c), weight+w
					}
					out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(sum/weight)))
				}
			}
			p.RawData, p.Dims[1] = out, int64(1+to*to)
		}
	}
}

// isGate tells whether a convolution works on a pooled map: the first of squeeze-and-excitation.
func (r *reference) isGate(conv *onnxpb.NodeProto) bool {
	p := r.made[conv.Input[0]]
	return p != nil && (p.GetOpType() == "GlobalAveragePool" || p.GetOpType() == "ReduceMean")
}

// bypass lets every reader of a block's result read its operand.
func (r *reference) bypass(from, result string) {
	for _, n := range r.g.Node {
		for k, in := range n.Input {
			if in == result {
				n.Input[k] = from
			}
		}
	}
}

// resize changes the side of the square input.
func (r *reference) resize(side int) {
	dims := r.g.Input[0].GetType().GetTensorType().GetShape().GetDim()
	for _, d := range dims[2:] {
		d.Value = &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(side)}
	}
}

func (r *reference) write() string {
	r.t.Helper()
	data, err := proto.Marshal(r.m)
	if err != nil {
		r.t.Fatal(err)
	}
	path := filepath.Join(r.t.TempDir(), "reference.onnx")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

func (r *reference) out(k int) int { return int(r.shape(k)[0]) }

func (r *reference) shape(k int) []int64 {
	name := r.convs[k].Input[1]
	for r.made[name] != nil && r.made[name].GetOpType() == "Identity" {
		name = r.made[name].Input[0]
	}
	return r.init[name].GetDims()
}
