package conform

import (
	"maps"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// gap pools a map to one position.
func (z *zoo) gap(x nn.Value) nn.Value {
	return z.Pool(x, nn.Pool{Name: z.name("pool"), Kind: nn.GlobalAverage})
}

// bn is a normalisation on its own.
func (z *zoo) bn(x nn.Value, width int) nn.Value {
	n := z.name("bn")
	return z.BatchNorm(x, nn.BatchNorm{
		Name: n, Scale: param(n+".weight", width), Bias: param(n+".bias", width), Mean: param(n+".running_mean", width), Var: param(n+".running_var", width), Epsilon: 1e-5,
	})
}

// plain is a convolution without normalisation.
func (z *zoo) plain(x nn.Value, in, out, k, stride, groups int) nn.Value {
	n := z.name("conv")
	return z.Conv(x, nn.Conv{
		Name: n, Weight: param(n+".weight", out, in/groups, k, k), Bias: param(n+".bias", out), Kernel: []int{k, k}, Strides: []int{stride, stride},
		Pads: []int{k / 2, k / 2, k / 2, k / 2}, Groups: groups,
	})
}

// gate is squeeze and excitation.
func (z *zoo) gate(x nn.Value, width, inner int) nn.Value {
	g := z.Act(z.plain(z.gap(x), width, inner, 1, 1, 1), nn.Relu())
	return z.Mul(x, z.Act(z.plain(g, inner, width, 1, 1, 1), nn.Sigmoid()))
}

func (z *zoo) maxPool(x nn.Value, k, stride int) nn.Value {
	return z.Pool(x, nn.Pool{Name: z.name("max"), Kernel: []int{k, k}, Strides: []int{stride, stride}, Pads: []int{k / 2, k / 2, k / 2, k / 2}})
}

func (z *zoo) op(kind string, s nn.Shape, attrs []nn.Attr, in ...nn.Value) nn.Value {
	return z.Op(nn.Op{Type: kind, Name: z.name(kind), Attrs: attrs}.Yields(s), in...)[0]
}

func intAttr(name string, v int64) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrInt, Int: v} }
func intsAttr(name string, v ...int64) nn.Attr {
	return nn.Attr{Name: name, Kind: nn.AttrInts, Ints: v}
}
func stringAttr(name, v string) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrString, String: v} }

// resize makes a map twice as large.
func (z *zoo) resize(x nn.Value, width, side int) nn.Value {
	scales := z.Floats(1, 1, 2, 2)
	return z.op("Resize", nn.Shape{nn.Batch, width, side, side}, []nn.Attr{stringAttr("mode", "nearest")}, x, nn.None, scales)
}

// inverted is an inverted residual.
func (z *zoo) inverted(x nn.Value, in, out, ratio, stride int, gated bool) nn.Value {
	y := z.conv(x, in, in*ratio, 1, 1, 1)
	y = z.conv(y, in*ratio, in*ratio, 3, stride, in*ratio)
	if gated {
		y = z.gate(y, in*ratio, 8)
	}
	y = z.bare(y, in*ratio, out, 1, 1, 1)
	if stride == 1 && in == out {
		y = z.Add(x, y)
	}
	return y
}

// moreArchitectures are written as their exporters write them: activations after normalisations, branches in the order of the modules.
var moreArchitectures = map[string]func(z *zoo){
	"DenseNet with transitions": func(z *zoo) {
		x, width := z.conv(z.image(32), 3, 16, 3, 1, 1), 16
		for block := range 2 {
			for range 9 {
				y := z.plain(z.Act(z.bn(x, width), nn.Relu()), width, 32, 1, 1, 1)
				y = z.plain(z.Act(z.bn(y, 32), nn.Relu()), 32, 16, 3, 1, 1)
				x, width = z.Concat(1, x, y), width+16
			}
			if block == 0 {
				x = z.plain(z.Act(z.bn(x, width), nn.Relu()), width, width/2, 1, 1, 1)
				x = z.Pool(x, nn.Pool{Name: z.name("avg"), Kind: nn.Average, Kernel: []int{2, 2}, Strides: []int{2, 2}})
				width /= 2
			}
		}
		z.head(z.Act(z.bn(x, width), nn.Relu()), width)
	},
	"InceptionV3-like": func(z *zoo) {
		x := z.conv(z.conv(z.image(32), 3, 16, 3, 2, 1), 16, 32, 3, 1, 1)
		for range 2 {
			a := z.conv(x, 32, 8, 1, 1, 1)
			b := z.conv(z.conv(x, 32, 16, 1, 1, 1), 16, 8, 5, 1, 1)
			c := z.conv(z.conv(z.conv(x, 32, 16, 1, 1, 1), 16, 24, 3, 1, 1), 24, 8, 3, 1, 1)
			p := z.Pool(x, nn.Pool{Name: z.name("avg"), Kind: nn.Average, Kernel: []int{3, 3}, Pads: []int{1, 1, 1, 1}, CountIncludePad: true})
			x = z.Concat(1, a, b, c, z.conv(p, 32, 8, 1, 1, 1))
		}
		a := z.conv(x, 32, 16, 3, 2, 1)
		x = z.Concat(1, a, z.maxPool(x, 3, 2))
		z.head(x, 48)
	},
	"ResNeXt": func(z *zoo) {
		x := z.conv(z.image(32), 3, 32, 3, 2, 1)
		for k := range 4 {
			in, out, stride := 64, 64, 1
			if k == 0 {
				in = 32
			}
			if k == 2 {
				out, stride = 128, 2
			}
			if k == 3 {
				in, out = 128, 128
			}
			y := z.bare(z.conv(z.conv(x, in, out, 1, 1, 1), out, out, 3, stride, 16), out, out, 1, 1, 1)
			if in != out {
				x = z.bare(x, in, out, 1, stride, 1)
			}
			x = z.Act(z.Add(y, x), nn.Relu())
		}
		z.head(x, 128)
	},
	"RegNet with gates": func(z *zoo) {
		x := z.conv(z.image(32), 3, 16, 3, 2, 1)
		for k, out := range []int{48, 48, 96, 96} {
			in := []int{16, 48, 48, 96}[k]
			y := z.conv(x, in, out, 1, 1, 1)
			stride := 1 + (k+1)%2
			y = z.gate(z.conv(y, out, out, 3, stride, out/8), out, 8)
			y = z.bare(y, out, out, 1, 1, 1)
			if in != out {
				x = z.bare(x, in, out, 1, stride, 1)
			}
			x = z.Act(z.Add(x, y), nn.Relu())
		}
		z.head(x, 96)
	},
	"EfficientNetV2": func(z *zoo) {
		x := z.conv(z.image(32), 3, 16, 3, 2, 1)
		for range 2 {
			x = z.Add(z.bare(z.conv(x, 16, 64, 3, 1, 1), 64, 16, 1, 1, 1), x)
		}
		x = z.inverted(x, 16, 32, 4, 2, true)
		x = z.inverted(x, 32, 32, 4, 1, true)
		z.head(z.conv(x, 32, 64, 1, 1, 1), 64)
	},
	"SqueezeNet": func(z *zoo) {
		x, width := z.Act(z.plain(z.image(32), 3, 32, 3, 2, 1), nn.Relu()), 32
		for range 3 {
			s := z.Act(z.plain(x, width, 16, 1, 1, 1), nn.Relu())
			x = z.Concat(1, z.Act(z.plain(s, 16, 32, 1, 1, 1), nn.Relu()), z.Act(z.plain(s, 16, 32, 3, 1, 1), nn.Relu()))
			width = 64
		}
		x = z.Act(z.plain(x, 64, 10, 1, 1, 1), nn.Relu())
		z.Output("logits", z.Flatten(z.gap(x), 1))
	},
	"VGG": func(z *zoo) {
		x := z.Act(z.plain(z.Act(z.plain(z.image(16), 3, 16, 3, 1, 1), nn.Relu()), 16, 32, 3, 1, 1), nn.Relu())
		x = z.Pool(x, nn.Pool{Name: z.name("max"), Kernel: []int{2, 2}, Strides: []int{2, 2}})
		x = z.Flatten(z.Act(z.plain(x, 32, 32, 3, 1, 1), nn.Relu()), 1)
		x = z.Act(z.linear(x, 32*64, 64), nn.Relu())
		z.Output("logits", z.linear(z.Act(z.linear(x, 64, 64), nn.Relu()), 64, 10))
	},
	"ShuffleNetV2 as exported": func(z *zoo) {
		x := z.conv(z.image(32), 3, 24, 3, 2, 1)
		a := z.conv(z.bare(x, 24, 24, 3, 2, 24), 24, 24, 1, 1, 1)
		b := z.conv(z.bare(z.conv(x, 24, 24, 1, 1, 1), 24, 24, 3, 2, 24), 24, 24, 1, 1, 1)
		x = z.shuffle(z.Concat(1, a, b), 48, 8, 2)
		for range 2 {
			p := z.Split(x, 1, 24, 24)
			y := z.conv(z.bare(z.conv(p[1], 24, 24, 1, 1, 1), 24, 24, 3, 1, 24), 24, 24, 1, 1, 1)
			x = z.shuffle(z.Concat(1, p[0], y), 48, 8, 2)
		}
		z.head(z.conv(x, 48, 64, 1, 1, 1), 64)
	},
	"ShuffleNetV1 with four groups": func(z *zoo) {
		x := z.conv(z.image(16), 3, 64, 3, 1, 1)
		for range 2 {
			y := z.shuffle(z.conv(x, 64, 64, 1, 1, 4), 64, 16, 4)
			y = z.bare(z.bare(y, 64, 64, 3, 1, 64), 64, 64, 1, 1, 4)
			x = z.Act(z.Add(x, y), nn.Relu())
		}
		z.head(x, 64)
	},
	"GhostNet with gates": func(z *zoo) {
		ghost := func(x nn.Value, in, out int) nn.Value {
			y := z.conv(x, in, out/2, 1, 1, 1)
			return z.Concat(1, y, z.conv(y, out/2, out/2, 3, 1, out/2))
		}
		x := z.conv(z.image(16), 3, 32, 3, 1, 1)
		for range 2 {
			y := z.gate(ghost(x, 32, 96), 96, 24)
			x = z.Add(ghost(y, 96, 32), x)
		}
		z.head(x, 32)
	},
	"U-Net with transposed convolutions": func(z *zoo) {
		a := z.conv(z.conv(z.image(16), 3, 16, 3, 1, 1), 16, 16, 3, 1, 1)
		b := z.conv(z.conv(z.maxPool(a, 3, 2), 16, 32, 3, 1, 1), 32, 32, 3, 1, 1)
		c := z.conv(z.conv(z.maxPool(b, 3, 2), 32, 64, 3, 1, 1), 64, 64, 3, 1, 1)
		up := func(x nn.Value, in, out, side int) nn.Value {
			n := z.name("up")
			return z.op("ConvTranspose", nn.Shape{nn.Batch, out, side, side}, []nn.Attr{intsAttr("kernel_shape", 2, 2), intsAttr("strides", 2, 2)},
				x, z.Param(param(n+".weight", in, out, 2, 2)), z.Param(param(n+".bias", out)))
		}
		d := z.conv(z.Concat(1, up(c, 64, 32, 8), b), 64, 32, 3, 1, 1)
		e := z.conv(z.Concat(1, up(d, 32, 16, 16), a), 32, 16, 3, 1, 1)
		z.Output("mask", z.plain(e, 16, 2, 1, 1, 1))
	},
	"feature pyramid": func(z *zoo) {
		c2 := z.conv(z.image(32), 3, 16, 3, 2, 1)
		c3 := z.conv(c2, 16, 32, 3, 2, 1)
		c4 := z.conv(c3, 32, 64, 3, 2, 1)
		p4 := z.plain(c4, 64, 32, 1, 1, 1)
		p3 := z.Add(z.plain(c3, 32, 32, 1, 1, 1), z.resize(p4, 32, 8))
		p2 := z.Add(z.plain(c2, 16, 32, 1, 1, 1), z.resize(p3, 32, 16))
		z.Output("p2", z.plain(p2, 32, 8, 3, 1, 1))
		z.Output("p3", z.plain(p3, 32, 8, 3, 1, 1))
		z.Output("p4", z.plain(p4, 32, 8, 3, 1, 1))
	},
	"DeepLab-like": func(z *zoo) {
		x := z.conv(z.conv(z.image(16), 3, 16, 3, 1, 1), 16, 32, 3, 2, 1)
		var rates []nn.Value
		for d := 1; d <= 3; d++ {
			n := z.name("atrous")
			y := z.Conv(x, nn.Conv{Name: n, Weight: param(n+".weight", 16, 32, 3, 3), Kernel: []int{3, 3}, Pads: []int{d, d, d, d}, Dilations: []int{d, d}})
			rates = append(rates, z.Act(z.bn(y, 16), nn.Relu()))
		}
		sizes := z.Floats(1, 1, 8, 8)
		p := z.op("Resize", nn.Shape{nn.Batch, 16, 8, 8}, []nn.Attr{stringAttr("mode", "linear"), stringAttr("coordinate_transformation_mode", "pytorch_half_pixel")},
			z.conv(z.gap(x), 32, 16, 1, 1, 1), nn.None, sizes)
		y := z.conv(z.Concat(1, append(rates, p)...), 64, 32, 1, 1, 1)
		z.Output("mask", z.plain(z.resize(y, 32, 16), 32, 4, 1, 1, 1))
	},
	"HRNet-like": func(z *zoo) {
		a := z.conv(z.image(16), 3, 16, 3, 1, 1)
		b := z.conv(a, 16, 32, 3, 2, 1)
		for range 2 {
			a2 := z.Act(z.Add(a, z.resize(z.bare(b, 32, 16, 1, 1, 1), 16, 16)), nn.Relu())
			b = z.Act(z.Add(b, z.bare(a, 16, 32, 3, 2, 1)), nn.Relu())
			a = z.conv(a2, 16, 16, 3, 1, 1)
		}
		z.head(z.Concat(1, a, z.resize(b, 32, 16)), 48)
	},
	"pixel shuffle": func(z *zoo) {
		x := z.conv(z.image(8), 3, 32, 3, 1, 1)
		x = z.Add(x, z.bare(z.conv(x, 32, 32, 3, 1, 1), 32, 32, 3, 1, 1))
		x = z.op("DepthToSpace", nn.Shape{nn.Batch, 8, 16, 16}, []nn.Attr{intAttr("blocksize", 2), stringAttr("mode", "CRD")}, x)
		z.Output("image_out", z.plain(x, 8, 3, 3, 1, 1))
	},
	"signals (one-dimensional convolutions)": func(z *zoo) {
		conv := func(x nn.Value, in, out, k, stride, groups int) nn.Value {
			n := z.name("conv")
			return z.Act(z.Conv(x, nn.Conv{
				Name: n, Weight: param(n+".weight", out, in/groups, k), Bias: param(n+".bias", out), Kernel: []int{k}, Strides: []int{stride}, Pads: []int{k / 2, k / 2}, Groups: groups,
			}), nn.Relu())
		}
		x := conv(z.Input("signal", nn.Float32, nn.Shape{nn.Batch, 8, 64}), 8, 32, 5, 2, 1)
		x = conv(conv(conv(x, 32, 64, 3, 1, 1), 64, 64, 3, 1, 64), 64, 32, 1, 1, 1)
		z.Output("logits", z.linear(z.Mean(x, false, 2), 32, 6))
	},
	"group normalisation": func(z *zoo) {
		norm := func(x nn.Value, width, side, groups int) nn.Value {
			n := z.name("gn")
			scale, bias := z.Floats(slices.Repeat([]float32{1}, groups)...), z.Floats(make([]float32, groups)...)
			y := z.Reshape(x, nn.Shape{nn.Batch, groups, width / groups * side * side})
			y = z.op("InstanceNormalization", nn.Shape{nn.Batch, groups, width / groups * side * side}, nil, y, scale, bias)
			y = z.Reshape(y, nn.Shape{nn.Batch, width, side, side})
			return z.Add(z.Mul(y, z.Param(param(n+".weight", width, 1, 1))), z.Param(param(n+".bias", width, 1, 1)))
		}
		x := z.Act(norm(z.bare(z.image(16), 3, 32, 3, 2, 1), 32, 8, 4), nn.Relu())
		x = z.Add(x, z.Act(norm(z.bare(x, 32, 32, 3, 1, 1), 32, 8, 8), nn.Relu()))
		z.head(x, 32)
	},
	"CoAtNet-like": func(z *zoo) {
		x := z.inverted(z.conv(z.image(16), 3, 32, 3, 2, 1), 32, 32, 4, 1, true)
		y := z.Transpose(z.Reshape(x, nn.Shape{nn.Batch, 32, 64}), 0, 2, 1)
		y = z.transformer(y, 64, 32, 4)
		x = z.Reshape(z.Transpose(y, 0, 2, 1), nn.Shape{nn.Batch, 32, 8, 8})
		z.head(x, 32)
	},
}

func allArchitectures() map[string]func(z *zoo) {
	all := maps.Clone(architectures)
	maps.Copy(all, moreArchitectures)
	maps.Copy(all, rareArchitectures)
	maps.Copy(all, recentArchitectures)
	maps.Copy(all, maskedArchitectures)
	maps.Copy(all, einsumArchitectures)
	maps.Copy(all, sharedArchitectures)
	maps.Copy(all, inPieces())
	return all
}
