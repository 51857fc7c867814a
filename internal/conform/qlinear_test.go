package conform

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
)

// Element types of ONNX.
const (
	uint8s = 2
	int8s  = 3
	int32s = 6
)

// whole adds a tensor of integers from -most to most; zero is added to them.
func (r *rawModel) whole(name string, kind int32, most, zero int, dims ...int64) string {
	n := 1
	for _, d := range dims {
		n *= int(d)
	}
	t := &onnxpb.TensorProto{Name: proto.String(name), DataType: proto.Int32(kind), Dims: dims}
	for k := range n {
		r.seed++
		v := (r.seed*7919+k*104729)%(2*most+1) - most + zero
		t.Int32Data = append(t.Int32Data, int32(v)) // of all small integers
	}
	r.g.Initializer = append(r.g.Initializer, t)
	return name
}

// steps adds scales around v.
func (r *rawModel) steps(name string, v float32, dims ...int64) string {
	n := 1
	for _, d := range dims {
		n *= int(d)
	}
	t := &onnxpb.TensorProto{Name: proto.String(name), DataType: proto.Int32(1), Dims: dims}
	for k := range n {
		t.FloatData = append(t.FloatData, v*(1+float32(k%5)/8))
	}
	r.g.Initializer = append(r.g.Initializer, t)
	return name
}

// quantity is a quantised tensor: its elements, scale and zero point.
type quantity [3]string

// quantity adds a scale and a zero point for a tensor.
func (r *rawModel) quantity(name string, kind int32, scale float32, zero int) quantity {
	return quantity{name, r.steps(name+".scale", scale), r.whole(name+".zero", kind, 0, zero)}
}

// qconv is a QLinearConv with 3x3 windows and int8 weights, whose scales are those of channels or of the tensor.
func (r *rawModel) qconv(out quantity, in quantity, from, to, stride int64, each bool) quantity {
	w := quantity{r.whole(out[0]+".w", int8s, 40, 0, to, from, 3, 3)}
	if each {
		w[1], w[2] = r.steps(out[0]+".ws", 0.01, to), r.whole(out[0]+".wz", int8s, 0, 0, to)
	} else {
		w[1], w[2] = r.steps(out[0]+".ws", 0.012), r.whole(out[0]+".wz", int8s, 0, 0)
	}
	operands := append(append(append([]string{}, in[:]...), w[:]...), out[1], out[2], r.whole(out[0]+".b", int32s, 900, 0, to))
	r.node("QLinearConv", out[0], operands, attrInts("pads", 1, 1, 1, 1), attrInts("strides", stride, stride))
	return out
}

// quantisedModels are networks of which most is computed with integers.
var quantisedModels = map[string]func(r *rawModel, kind int32, zero int){
	"images": func(r *rawModel, kind int32, zero int) {
		r.input("x", "N", 3, 16, 16)
		q := r.quantity("q", kind, 0.02, zero)
		r.node("QuantizeLinear", "q", []string{"x", q[1], q[2]})
		a := r.qconv(r.quantity("a", kind, 0.03, zero+5), q, 3, 16, 2, true)
		b := r.qconv(r.quantity("b", kind, 0.03, zero-3), a, 16, 16, 1, false)
		sum := r.quantity("s", kind, 0.04, zero)
		r.joined("QLinearAdd", []string{"s"}, append(append(append([]string{}, a[:]...), b[:]...), sum[1], sum[2]))
		product := r.quantity("p", kind, 0.04, zero+2)
		r.joined("QLinearMul", []string{"p"}, append(append(append([]string{}, sum[:]...), a[:]...), product[1], product[2]))
		r.head(r.node("DequantizeLinear", "d", product[:]), 16)
	},
	"rows": func(r *rawModel, kind int32, zero int) {
		r.input("x", "N", 6, 16)
		q := r.quantity("q", kind, 0.02, zero)
		r.node("QuantizeLinear", "q", []string{"x", q[1], q[2]})
		y := q
		for k, width := range []int64{24, 10} {
			name := []string{"h", "o"}[k]
			w := quantity{r.whole(name+".w", int8s, 40, 0, []int64{16, 24}[k], width), r.steps(name+".ws", 0.01, width), r.whole(name+".wz", int8s, 0, 0, width)}
			if k == 1 {
				w[1], w[2] = r.steps(name+".ws1", 0.01), r.whole(name+".wz1", int8s, 0, 3)
			}
			z := r.quantity(name, kind, 0.03, zero+4)
			r.node("QLinearMatMul", name, append(append(append([]string{}, y[:]...), w[:]...), z[1], z[2]))
			y = z
		}
		d := r.node("DequantizeLinear", "d", y[:])
		r.node("ReduceMean", "y", []string{d}, attrInts("axes", 1), attrInt("keepdims", 0))
		r.output("y", "N", 10)
	},
}

// TestQuantisedProducts: products of integers are in the embedded engine what they are in ONNX Runtime, with its rounding.
func TestQuantisedProducts(t *testing.T) {
	needs.Time(t)
	e := runtimeEngine(t)
	for name, build := range quantisedModels {
		for kind, zero := range map[int32]int{uint8s: 128, int8s: 0} {
			t.Run(name+map[int32]string{uint8s: " uint8", int8s: " int8"}[kind], func(t *testing.T) {
				r := newRaw(13)
				build(r, kind, zero)
				r.more = append(r.more, &onnxpb.OperatorSetIdProto{Domain: proto.String("com.microsoft"), Version: proto.Int64(1)})
				d := embeddedDistance(t, e, r.write(t))
				t.Logf("%.2g apart", d)
				if d > sameAsOriginal {
					t.Errorf("the embedded engine is %g from the original", d)
				}
			})
		}
	}
}
