package conform

import (
	"math"

	"github.com/autotailor/autotailor/runtime/nn"
)

// What exporters wrote before the operators came, and some still do.

func (z *zoo) float(v float32) nn.Value { return z.Float(v) }

// normPieces is a LayerNorm over the last axis.
func normPieces(b nn.Builder, x nn.Value, scale, bias nn.Value, epsilon float32) nn.Value {
	d := b.Sub(x, b.Mean(x, true, 2))
	root := b.Act(b.Add(b.Mean(b.Mul(d, d), true, 2), b.Float(epsilon)), nn.Act{Type: "Sqrt"})
	return b.Add(b.Mul(b.Div(d, root), scale), bias)
}

// geluPieces is 0.5*x*(1+erf(x/sqrt 2)).
func geluPieces(b nn.Builder, x nn.Value) nn.Value {
	e := b.Act(b.Div(x, b.Float(math.Sqrt2)), nn.Act{Type: "Erf"})
	return b.Mul(b.Mul(x, b.Add(e, b.Float(1))), b.Float(0.5))
}

// hardSwishPieces is x*clip(x+3, 0, 6)/6.
func hardSwishPieces(b nn.Builder, x nn.Value) nn.Value {
	c := b.Act(b.Add(x, b.Float(3)), nn.Clip(0, 6))
	return b.Div(b.Mul(x, c), b.Float(6))
}

// inPieces are networks of opset 11.
func inPieces() map[string]func(z *zoo) {
	return map[string]func(z *zoo){
		"hard-swish in pieces": func(z *zoo) {
			x := hardSwishPieces(z, z.bare(z.image(16), 3, 16, 3, 2, 1))
			for range 2 {
				y := hardSwishPieces(z, z.bare(x, 16, 64, 1, 1, 1))
				y = hardSwishPieces(z, z.bare(y, 64, 64, 3, 1, 64))
				x = z.Add(x, z.bare(y, 64, 16, 1, 1, 1))
			}
			z.head(x, 16)
		},
		"transformer in pieces": func(z *zoo) {
			x := z.Input("embeddings", nn.Float32, nn.Shape{nn.Batch, 12, 32})
			for range 2 {
				x = z.Add(x, z.attention(z.normPieces(x, 32), 12, 32, 4))
				y := geluPieces(z, z.linear(z.normPieces(x, 32), 32, 96))
				x = z.Add(x, z.linear(y, 96, 32))
			}
			z.Output("states", z.normPieces(x, 32))
		},
		"infinite mask": func(z *zoo) {
			x := z.linear(z.Input("tokens", nn.Float32, nn.Shape{nn.Batch, 8, 16}), 16, 32)
			scores := z.MatMul(x, z.Transpose(x, 0, 2, 1))
			mask := z.Op(nn.Op{Type: "Trilu", Name: z.name("mask")}.Yields(nn.Shape{nn.Batch, 8, 8}), scores)[0]
			seen := z.Op(nn.Op{Type: "Greater", Name: z.name("seen"), Types: []nn.DType{nn.Bool}}.Yields(nn.Shape{nn.Batch, 8, 8}), mask, z.float(0))[0]
			scores = z.Op(nn.Op{Type: "Where", Name: z.name("masked"), Types: []nn.DType{nn.Float32}}.Yields(nn.Shape{nn.Batch, 8, 8}), seen, scores, z.float(float32(math.Inf(-1))))[0]
			scores = z.op("Max", nn.Shape{nn.Batch, 8, 8}, nil, scores, z.float(-10))
			z.Output("mixed", z.linear(z.MatMul(z.Softmax(scores, -1), x), 32, 10))
		},
	}
}

func (z *zoo) normPieces(x nn.Value, width int) nn.Value {
	n := z.name("ln")
	return normPieces(z, x, z.Param(param(n+".weight", width)), z.Param(param(n+".bias", width)), 1e-5)
}
