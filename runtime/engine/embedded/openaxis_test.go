package embedded_test

import (
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestOpenChannels: a graph whose open batch is in axis 1, where an operator has channels, is refused with the node's name.
func TestOpenChannels(t *testing.T) {
	ints := func(name string, list ...int64) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrInts, Ints: list} }
	number := func(name string, v int64) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrInt, Int: v} }
	x, weights := nn.Shape{2, nn.Batch, 4, 4}, nn.MapWeights{}
	for _, c := range []struct {
		kind   string
		out    nn.Shape
		attrs  []nn.Attr
		params []nn.Shape
	}{
		{"AveragePool", nn.Shape{2, nn.Batch, 2, 2}, []nn.Attr{ints("kernel_shape", 2, 2), ints("strides", 2, 2)}, nil},
		{"MaxPool", nn.Shape{2, nn.Batch, 2, 2}, []nn.Attr{ints("kernel_shape", 2, 2), ints("strides", 2, 2)}, nil},
		{"GlobalAveragePool", nn.Shape{2, nn.Batch, 1, 1}, nil, nil},
		{"GlobalMaxPool", nn.Shape{2, nn.Batch, 1, 1}, nil, nil},
		{"Conv", nn.Shape{2, 3, 4, 4}, nil, []nn.Shape{{3, 7, 1, 1}}},
		{"ConvTranspose", nn.Shape{2, 3, 4, 4}, nil, []nn.Shape{{7, 3, 1, 1}}},
		{"BatchNormalization", x, nil, []nn.Shape{{7}, {7}, {7}, {7}}},
		{"InstanceNormalization", x, nil, []nn.Shape{{7}, {7}}},
		{"GroupNormalization", x, []nn.Attr{number("num_groups", 7)}, []nn.Shape{{7}, {7}}},
	} {
		g, err := nn.Record(func(b nn.Builder) {
			in := []nn.Value{b.Input("x", nn.Float32, x)}
			for k, s := range c.params {
				p := nn.Param{Name: c.kind + strings.Repeat("w", k+1), Shape: s}
				weights[p.Name] = nn.FromFloat32s(s, make([]float32, s.Count()))
				in = append(in, b.Param(p))
			}
			b.Output("y", b.Op(nn.Op{Type: c.kind, Name: "open", Attrs: c.attrs}.Yields(c.out), in...)[0])
		})
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("%s: panic: %v", c.kind, p)
				}
			}()
			s, err := embedded.New(embedded.Options{Threads: 1}).Compile(g, weights)
			if err == nil {
				_, err = s.Run(nn.FromFloat32s(nn.Shape{2, 3, 4, 4}, make([]float32, 96)))
			}
			if err == nil || !strings.Contains(err.Error(), `node "open"`) {
				t.Errorf("%s: %v", c.kind, err)
			}
		}()
	}
}
