package ncnn_test

import (
	"github.com/autotailor/autotailor/runtime/nn"
)

func text(name, v string) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrString, String: v} }

func list(name string, v ...int64) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrInts, Ints: v} }

func number(name string, v int64) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrInt, Int: v} }

// resized is a Resize to a height and a width.
func resized(b nn.Builder, x nn.Value, channels, h, w int64, mode, coordinates, rounding string) nn.Value {
	sizes := b.Ints(1, channels, h, w)
	attrs := []nn.Attr{text("coordinate_transformation_mode", coordinates), text("mode", mode), text("nearest_mode", rounding)}
	return b.Op(nn.Op{Type: "Resize", Name: "resize", Attrs: attrs}.Yields(nn.Shape{nn.Batch, int(channels), int(h), int(w)}), x, nn.None, nn.None, sizes)[0]
}

// padded is a Pad by as many rows and columns as pads tells: top, left, bottom, right.
func padded(b nn.Builder, x nn.Value, to nn.Shape, mode string, pads ...int64) nn.Value {
	all := b.Ints(0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3])
	return b.Op(nn.Op{Type: "Pad", Name: "pad" + mode, Attrs: []nn.Attr{text("mode", mode)}}.Yields(to), x, all, b.Float(0.75))[0]
}

// imageCases change the extents of images.
var imageCases = []struct {
	name  string
	in    nn.Shape
	build func(b nn.Builder, x nn.Value) nn.Value
}{
	{"nearest", nn.Shape{nn.Batch, 3, 5, 4}, func(b nn.Builder, x nn.Value) nn.Value {
		x = resized(b, x, 3, 10, 12, "nearest", "asymmetric", "floor")
		return resized(b, x, 3, 20, 24, "nearest", "half_pixel", "round_prefer_floor") // the same pixels, for whole factors
	}},
	{"nearest to other sizes", nn.Shape{nn.Batch, 2, 7, 6}, func(b nn.Builder, x nn.Value) nn.Value {
		return resized(b, x, 2, 4, 11, "nearest", "asymmetric", "floor")
	}},
	{"linear", nn.Shape{nn.Batch, 3, 5, 4}, func(b nn.Builder, x nn.Value) nn.Value {
		return resized(b, resized(b, x, 3, 12, 9, "linear", "half_pixel", "floor"), 3, 6, 20, "linear", "align_corners", "floor")
	}},
	{"one pixel, to sizes that are computed", nn.Shape{nn.Batch, 3, 5, 4}, func(b nn.Builder, x nn.Value) nn.Value {
		sizes := b.Op(nn.Op{Type: "Shape", Name: "shape", Types: []nn.DType{nn.Int64}}.Yields(nn.Shape{4}), x)[0]
		y := b.Pool(x, nn.Pool{Kind: nn.GlobalAverage})
		y = b.Op(nn.Op{Type: "Resize", Name: "resize", Attrs: []nn.Attr{text("mode", "linear")}}.Yields(nn.Shape{nn.Batch, 3, 5, 4}), y, nn.None, nn.None, sizes)[0]
		return b.Add(x, y)
	}},
	{"padded", nn.Shape{nn.Batch, 2, 5, 4}, func(b nn.Builder, x nn.Value) nn.Value {
		x = padded(b, x, nn.Shape{nn.Batch, 2, 8, 5}, "constant", 1, 0, 2, 1)
		x = padded(b, x, nn.Shape{nn.Batch, 2, 12, 10}, "reflect", 3, 2, 1, 3)
		return padded(b, x, nn.Shape{nn.Batch, 2, 13, 13}, "edge", 0, 1, 1, 2)
	}},
	{"padded channels", nn.Shape{nn.Batch, 2, 3, 4}, func(b nn.Builder, x nn.Value) nn.Value {
		return b.Op(nn.Op{Type: "Pad", Name: "pad", Attrs: []nn.Attr{list("pads", 0, 1, 0, 0, 0, 2, 0, 1)}}.Yields(nn.Shape{nn.Batch, 5, 3, 5}), x)[0]
	}},
	{"padded rows", nn.Shape{nn.Batch, 5, 4}, func(b nn.Builder, x nn.Value) nn.Value {
		return b.Op(nn.Op{Type: "Pad", Name: "pad"}.Yields(nn.Shape{nn.Batch, 5, 7}), x, b.Ints(0, 0, 1, 0, 0, 2))[0]
	}},
	{"blocks first", nn.Shape{nn.Batch, 12, 3, 4}, func(b nn.Builder, x nn.Value) nn.Value {
		return b.Op(nn.Op{Type: "DepthToSpace", Name: "shuffle", Attrs: []nn.Attr{number("blocksize", 2)}}.Yields(nn.Shape{nn.Batch, 3, 6, 8}), x)[0]
	}},
	{"channels first", nn.Shape{nn.Batch, 18, 3, 4}, func(b nn.Builder, x nn.Value) nn.Value {
		return b.Op(nn.Op{Type: "DepthToSpace", Name: "shuffle", Attrs: []nn.Attr{number("blocksize", 3), text("mode", "CRD")}}.Yields(nn.Shape{nn.Batch, 2, 9, 12}), x)[0]
	}},
	{"transposed", nn.Shape{nn.Batch, 3, 4, 5}, func(b nn.Builder, x nn.Value) nn.Value {
		w, c := b.Param(nn.Param{Name: "w", Shape: nn.Shape{3, 4, 3, 2}}), b.Param(nn.Param{Name: "b", Shape: nn.Shape{4}})
		attrs := []nn.Attr{list("output_padding", 1, 0), list("pads", 1, 0, 0, 1), list("strides", 2, 3)}
		return b.Act(b.Op(nn.Op{Type: "ConvTranspose", Name: "up", Attrs: attrs}.Yields(nn.Shape{nn.Batch, 4, 9, 13}), x, w, c)[0], nn.Relu())
	}},
	{"transposed in groups", nn.Shape{nn.Batch, 4, 4, 5}, func(b nn.Builder, x nn.Value) nn.Value {
		w := b.Param(nn.Param{Name: "w", Shape: nn.Shape{4, 3, 2, 3}})
		attrs := []nn.Attr{text("auto_pad", "SAME_UPPER"), list("dilations", 2, 1), number("group", 2), list("strides", 2, 2)}
		return b.Op(nn.Op{Type: "ConvTranspose", Name: "up", Attrs: attrs}.Yields(nn.Shape{nn.Batch, 6, 8, 10}), x, w)[0]
	}},
	{"instances", nn.Shape{nn.Batch, 3, 4, 5}, func(b nn.Builder, x nn.Value) nn.Value {
		norm := func(x nn.Value, s nn.Shape, k string) nn.Value {
			p, q := b.Param(nn.Param{Name: "s" + k, Shape: nn.Shape{3}}), b.Param(nn.Param{Name: "b" + k, Shape: nn.Shape{3}})
			return b.Op(nn.Op{Type: "InstanceNormalization", Name: "n" + k, Attrs: []nn.Attr{{Name: "epsilon", Kind: nn.AttrFloat, Float: 1e-3}}}.Yields(s), x, p, q)[0]
		}
		x = norm(x, nn.Shape{nn.Batch, 3, 4, 5}, "1")
		return norm(b.Reshape(x, nn.Shape{nn.Batch, 3, 20}), nn.Shape{nn.Batch, 3, 20}, "2")
	}},
	{"slopes", nn.Shape{nn.Batch, 3, 4, 5}, func(b nn.Builder, x nn.Value) nn.Value {
		slope := func(x nn.Value, name string, s ...int) nn.Value {
			return b.Op(nn.Op{Type: "PRelu", Name: name}.Yields(nn.Shape{nn.Batch, 3, 4, 5}), x, b.Param(nn.Param{Name: name, Shape: s}))[0]
		}
		return slope(slope(x, "each", 3, 1, 1), "one", 1)
	}},
}
