package infer_test

import (
	"math"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
)

// draw makes choices from bytes; when they run out, all are the first.
type draw struct{ data []byte }

func (d *draw) below(n int) int {
	if len(d.data) == 0 {
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return int(b) % n
}

// numbers are those at which arithmetic goes wrong, among usual ones.
var numbers = []int64{1, 2, 3, 0, -1, 4, 7, -2, 64, 1 << 20, 1 << 30, 1<<30 + 1, math.MaxInt32, math.MinInt32, 1 << 40, math.MaxInt64, math.MinInt64, -1 << 30}

func (d *draw) number() int64 {
	if d.below(3) > 0 {
		return numbers[d.below(6)]
	}
	return numbers[d.below(len(numbers))]
}

func (d *draw) list() []int64 {
	out := make([]int64, d.below(6))
	for i := range out {
		out[i] = d.number()
	}
	return out
}

// words are texts that attributes have.
var words = []string{"", "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "bidirectional", "not_larger", "not_smaller", "ij,jk->ik", "...ij->...ji", "ii", "->", ",", "i...,..."}

// node is one with operands of an operator of the table, or of none.
func (d *draw) node() (*nn.Node, []infer.Value) {
	all := operators.All()
	o := all[(d.below(256)+256*d.below(2))%len(all)]
	n := &nn.Node{Type: o.Name, Domain: o.Domain, Name: "n"}
	names := []string{"axes", "starts", "ends", "steps", "scales", "sizes", "shape", "split", "pads", "repeats", "broadcast", "k"}
	for _, a := range o.Attributes() {
		names = append(names, a.Name)
	}
	for _, name := range slices.Backward(names) {
		if d.below(3) == 0 {
			n.Attrs = append(n.Attrs, d.attr(name))
		}
	}
	var in []infer.Value
	for range d.below(len(o.Operands()) + 2) {
		v := nn.Value(len(in) + 1)
		if d.below(8) == 7 {
			v = nn.None
		}
		n.In, in = append(n.In, v), append(in, d.value())
	}
	for k := range d.below(4) {
		n.Out = append(n.Out, nn.Value(100+k))
	}
	return n, in
}

func (d *draw) attr(name string) nn.Attr {
	kinds := []nn.AttrKind{nn.AttrInts, nn.AttrInt, nn.AttrString, nn.AttrFloats, nn.AttrFloat, nn.AttrTensor, nn.AttrGraph, 99}
	a := nn.Attr{Name: name, Kind: kinds[d.below(len(kinds))], Int: d.number(), Ints: d.list(), String: words[d.below(len(words))]}
	for range d.below(4) {
		a.Floats = append(a.Floats, float32(math.Exp2(float64(d.below(256)-128))))
	}
	a.Raw = make([]byte, d.below(9))
	return a
}

func (d *draw) value() infer.Value {
	v := infer.Value{Type: []nn.DType{nn.Float32, nn.Int64, nn.Bool, nn.Int32, 0, 77}[d.below(6)], Unknown: d.below(10) == 9}
	switch d.below(4) {
	case 0:
		v.Type, v.Ints = nn.Int64, append([]int64{}, d.list()...)
		v.Shape = nn.Shape{len(v.Ints)}
	case 1:
		v.Type, v.Shape, v.Ints = nn.Int64, nn.Shape{}, []int64{d.number()}
	default:
		for range d.below(6) {
			v.Shape = append(v.Shape, int(d.number()))
		}
	}
	return v
}
