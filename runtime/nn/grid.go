package nn

import (
	"fmt"
	"math"
	"slices"
)

// Grid is a positional axis of a Param: Prefix separate positions, and then a square map of side From, row by row. The map is interpolated to side To, bilinearly, with
// a filter whose width grows with the reduction, as for images. (timm's resample_abs_pos_embed uses another filter.)
type Grid struct {
	Axis, Prefix, From, To int
}

// Grid interpolates the map that lies along an axis.
func (p Param) Grid(axis, prefix, from, to int) Param {
	if from == to {
		return p
	}
	p.Grids = append(slices.Clone(p.Grids), Grid{axis, prefix, from, to})
	return p
}

// resampled applies a grid to a float32 tensor.
func (t Tensor) resampled(g Grid) (Tensor, error) {
	if t.Type != Float32 || g.Axis >= len(t.Shape) || t.Shape[g.Axis] != g.Prefix+g.From*g.From || g.To < 1 {
		return Tensor{}, fmt.Errorf("a tensor of shape %v has no map of side %d along axis %d", t.Shape, g.From, g.Axis)
	}
	outer, inner := t.Shape[:g.Axis].Count(), t.Shape[g.Axis+1:].Count()
	rows := g.Prefix + g.To*g.To
	src, dst := t.Float32s(), make([]float32, outer*rows*inner)
	weights := g.Weights()
	for o := range outer {
		from, to := src[o*t.Shape[g.Axis]*inner:], dst[o*rows*inner:]
		copy(to[:g.Prefix*inner], from)
		from, to = from[g.Prefix*inner:], to[g.Prefix*inner:]
		for y := range g.To {
			for x := range g.To {
				at := to[(y*g.To+x)*inner:][:inner]
				for i, a := range weights[y] {
					for j, b := range weights[x] {
						if w := a * b; w != 0 {
							for k, v := range from[(i*g.From+j)*inner:][:inner] {
								at[k] += w * v
							}
						}
					}
				}
			}
		}
	}
	s := slices.Clone(t.Shape)
	s[g.Axis] = rows
	return FromFloat32s(s, dst), nil
}

// Weights returns, for each of To positions along a side, the weights of From positions.
func (g Grid) Weights() [][]float32 {
	scale := float64(g.From) / float64(g.To)
	support := max(scale, 1)
	out := make([][]float32, g.To)
	for i := range out {
		out[i] = make([]float32, g.From)
		sum := 0.0
		for k := range g.From {
			w := max(0, 1-math.Abs((float64(k)+0.5-scale*(float64(i)+0.5))/support))
			out[i][k] = float32(w)
			sum += w
		}
		for k := range out[i] {
			out[i][k] /= float32(sum)
		}
	}
	return out
}
