package embedded_test

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// maxPooling is a pooling that may tell where its results come from.
func maxPooling(d *draw) []nn.Value {
	if d.rng.IntN(3) > 0 {
		return pooling(nn.Max)(d)
	}
	d.mixes = true // an index counts the images before
	spatial, kernel, _, pads, dilations, _ := d.geometry(true)
	attrs := []nn.Attr{ints("kernel_shape", wide(kernel)...), integer("storage_order", d.rng.IntN(2))}
	if pads == nil {
		pads, dilations = make([]int, 2*len(kernel)), slices.Repeat([]int{1}, len(kernel))
	}
	attrs = append(attrs, ints("pads", wide(pads)...), ints("dilations", wide(dilations)...))
	channels := d.size()
	to := nn.Shape{d.batch, channels}
	for a, n := range spatial {
		to = append(to, n+pads[a]+pads[a+len(spatial)]-(kernel[a]-1)*dilations[a])
	}
	y, at := d.indexed(d.input(append(nn.Shape{d.batch, channels}, spatial...)), attrs, to)
	return []nn.Value{y, d.cast(at, nn.Float32, to)}
}

func wide(list []int) []int64 {
	out := make([]int64, len(list))
	for k, v := range list {
		out[k] = int64(v)
	}
	return out
}

// indexed is a MaxPool with both of its results.
func (d *draw) indexed(x nn.Value, attrs []nn.Attr, to nn.Shape) (y, at nn.Value) {
	out := d.b.Op(nn.Op{Type: "MaxPool", Attrs: attrs, Outputs: 2, Types: []nn.DType{nn.Float32, nn.Int64}}.Yields(to, to), x)
	return out[0], out[1]
}

// unpooling puts what a pooling has found back; the map may have more than the windows cover, which the operator is told.
func unpooling(d *draw) []nn.Value {
	d.mixes = true
	rank := 1 + d.rng.IntN(2)
	from, small := nn.Shape{d.batch, d.size()}, nn.Shape{d.batch}
	small = append(small, from[1])
	var kernel []int64
	more := 0
	for range rank {
		k, n := 1+d.rng.IntN(3), 1+d.rng.IntN(5)
		left := d.rng.IntN(k)
		more += left
		kernel, from, small = append(kernel, int64(k)), append(from, k*n+left), append(small, n)
	}
	attrs := []nn.Attr{ints("kernel_shape", kernel...), ints("strides", kernel...)}
	y, at := d.indexed(d.input(from), attrs, small)
	xs := []nn.Value{d.b.Act(y, nn.Act{Type: "Neg"}), at}
	if more > 0 {
		if d.batch == nn.Batch { // a stated shape has all extents
			from = slices.Clone(from)
			for a := range kernel {
				from[2+a] = int(kernel[a]) * small[2+a]
			}
			y, at = d.indexed(d.input(from), attrs, small)
			xs = []nn.Value{y, at}
		} else {
			xs = append(xs, d.integers(wide(from)...))
		}
	}
	return []nn.Value{d.op("MaxUnpool", attrs, from, xs...)}
}
