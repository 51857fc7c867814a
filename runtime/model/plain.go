package model

import (
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
)

// plainly computes operators by plain loops that follow their definition: operators that passes split, or that engines support in some forms only.
var plainly = map[string]func(o *operation, results []infer.Value) ([]nn.Tensor, error){
	"Mean":            (*operation).mean,
	"Slice":           (*operation).slice,
	"RotaryEmbedding": (*operation).rotary,
	"Attention":       (*operation).attention,
}

// ints are the elements of operand k, or of the attribute that older opsets have instead.
func (o *operation) ints(k int, attr string) []int64 {
	if k < len(o.in) && o.in[k] != nil {
		return infer.Of(o.in[k].Tensor).Ints
	}
	return o.node.Ints(attr)
}

// mean is the mean of operands of one shape.
func (o *operation) mean(results []infer.Value) ([]nn.Tensor, error) {
	out := make([]float32, results[0].Shape.Count())
	for k := range o.in {
		x, s := o.floats(k)
		if !slices.Equal(s, results[0].Shape) {
			return nil, fmt.Errorf("operand %d has the shape %v, the result %v", k, s, results[0].Shape)
		}
		for i, v := range x {
			out[i] += v / float32(len(o.in))
		}
	}
	return []nn.Tensor{nn.FromFloat32s(results[0].Shape, out)}, nil
}

// slice copies the elements that a Slice takes.
func (o *operation) slice(results []infer.Value) ([]nn.Tensor, error) {
	t, s := o.in[0].Tensor, o.in[0].Shape
	first, step := make([]int, len(s)), make([]int, len(s))
	for a := range step {
		step[a] = 1
	}
	starts, axes, steps := o.ints(1, "starts"), o.ints(3, "axes"), o.ints(4, "steps")
	for k, from := range starts {
		a := k
		if axes != nil {
			a = int(axes[k])
		}
		if a < 0 {
			a += len(s)
		}
		if steps != nil {
			step[a] = int(steps[k])
		}
		if from < 0 {
			from += int64(s[a])
		}
		last := int64(s[a])
		if step[a] < 0 {
			last--
		}
		first[a] = int(max(0, min(from, last)))
	}
	size, out := t.Type.Bytes(), results[0].Shape
	raw := make([]byte, 0, size*out.Count())
	var copyFrom func(axis, at int)
	copyFrom = func(axis, at int) {
		if axis == len(s) {
			raw = append(raw, t.Raw[at*size:(at+1)*size]...)
			return
		}
		for i := range out[axis] {
			copyFrom(axis+1, at*s[axis]+first[axis]+i*step[axis])
		}
	}
	copyFrom(0, 0)
	return []nn.Tensor{{Type: t.Type, Shape: out, Raw: raw}}, nil
}

// floats are the elements of operand k, nil if it is left out.
func (o *operation) floats(k int) ([]float32, nn.Shape) {
	if k >= len(o.in) || o.in[k] == nil || o.in[k].Type != nn.Float32 {
		return nil, nil
	}
	return o.in[k].Float32s(), o.in[k].Shape
}

// inHeads is operand k as [batch, heads, tokens, elements]. One of three axes has its heads in the last one.
func (o *operation) inHeads(k, heads int) (func(b, h, t, e int) float32, nn.Shape, error) {
	x, s := o.floats(k)
	switch {
	case x == nil:
		return nil, nil, fmt.Errorf("operand %d has no numbers", k)
	case len(s) == 4:
		return func(b, h, t, e int) float32 { return x[((b*s[1]+h)*s[2]+t)*s[3]+e] }, s, nil
	case len(s) != 3 || heads < 1 || s[2]%heads != 0:
		return nil, nil, fmt.Errorf("operand %d has the shape %v, which does not fit %d heads", k, s, heads)
	}
	n := s[2] / heads
	return func(b, h, t, e int) float32 { return x[(b*s[1]+t)*s[2]+h*n+e] }, nn.Shape{s[0], heads, s[1], n}, nil
}

// rotary rotates pairs of elements by the angles of their positions (RotaryEmbedding).
func (o *operation) rotary(results []infer.Value) ([]nn.Tensor, error) {
	heads := int(o.node.Int("num_heads", 0))
	x, s, err := o.inHeads(0, heads)
	if err != nil {
		return nil, err
	}
	cos, angles := o.floats(1)
	sin, _ := o.floats(2)
	positions := o.ints(3, "")
	turned := int(o.node.Int("rotary_embedding_dim", 0))
	if turned == 0 {
		turned = s[3]
	}
	half, interleaved := turned/2, o.node.Int("interleaved", 0) != 0
	if cos == nil || sin == nil || angles[len(angles)-1] < half {
		return nil, fmt.Errorf("its cosines have the shape %v, there are %d angles", angles, half)
	}
	flat := o.in[0].Shape
	out := make([]float32, s.Count())
	put := func(b, h, t, e int, v float32) {
		if len(flat) == 4 {
			out[((b*s[1]+h)*s[2]+t)*s[3]+e] = v
			return
		}
		out[(b*s[2]+t)*flat[2]+h*s[3]+e] = v
	}
	for b := range s[0] {
		for t := range s[2] {
			row := b*s[2] + t // of the cosines
			if positions != nil {
				row = int(positions[row])
			}
			at := row * angles[len(angles)-1]
			for h := range s[1] {
				for e := turned; e < s[3]; e++ {
					put(b, h, t, e, x(b, h, t, e))
				}
				for k := range half {
					i, j := k, k+half
					if interleaved {
						i, j = 2*k, 2*k+1
					}
					c, d := cos[at+k], sin[at+k]
					put(b, h, t, i, c*x(b, h, t, i)-d*x(b, h, t, j))
					put(b, h, t, j, d*x(b, h, t, i)+c*x(b, h, t, j))
				}
			}
		}
	}
	return []nn.Tensor{nn.FromFloat32s(results[0].Shape, out)}, nil
}

// attention mixes values by the products of queries and keys. A cache of earlier keys and values is not read.
func (o *operation) attention(results []infer.Value) ([]nn.Tensor, error) {
	if len(results) > 1 || len(o.in) > 4 {
		return nil, fmt.Errorf("an attention with a cache is not run")
	}
	groups := int(o.node.Int("kv_num_heads", 0))
	q, s, err := o.inHeads(0, int(o.node.Int("q_num_heads", 0)))
	if err != nil {
		return nil, err
	}
	k, ks, err := o.inHeads(1, groups)
	if err != nil {
		return nil, err
	}
	v, vs, err := o.inHeads(2, groups)
	if err != nil {
		return nil, err
	}
	mask, err := o.mask(nn.Shape{s[0], s[1], s[2], ks[2]})
	if err != nil {
		return nil, err
	}
	scale := float64(o.node.Float("scale", 0))
	if scale == 0 {
		scale = 1 / math.Sqrt(float64(s[3]))
	}
	softcap := float64(o.node.Float("softcap", 0))
	flat := len(o.in[0].Shape) == 3
	out := make([]float32, results[0].Shape.Count())
	scores := make([]float64, ks[2])
	for b := range s[0] {
		for h := range s[1] {
			g := h / (s[1] / ks[1])
			for t := range s[2] {
				for j := range scores {
					dot := 0.0
					for e := range s[3] {
						dot += float64(q(b, h, t, e)) * float64(k(b, g, j, e))
					}
					dot *= scale
					if softcap > 0 {
						dot = softcap * math.Tanh(dot/softcap)
					}
					scores[j] = dot + mask(b, h, t, j)
				}
				softmax(scores)
				for e := range vs[3] {
					sum := 0.0
					for j, w := range scores {
						sum += w * float64(v(b, g, j, e))
					}
					at := ((b*s[1]+h)*s[2]+t)*vs[3] + e
					if flat {
						at = (b*s[2]+t)*s[1]*vs[3] + h*vs[3] + e
					}
					out[at] = float32(sum)
				}
			}
		}
	}
	return []nn.Tensor{nn.FromFloat32s(results[0].Shape, out)}, nil
}

// mask is what is added to the scores of an attention, of shape s: the fourth operand, which broadcasts, and what follows from is_causal.
func (o *operation) mask(s nn.Shape) (func(b, h, t, j int) float64, error) {
	causal := o.node.Int("is_causal", 0) != 0
	added := func(int, int, int, int) float64 { return 0 }
	if len(o.in) > 3 && o.in[3] != nil {
		t := o.in[3].Tensor
		size, rank := t.Type.Bytes(), len(t.Shape)
		if t.Type != nn.Bool && t.Type != nn.Float32 || rank < 2 || rank > 4 {
			return nil, fmt.Errorf("its mask is of type %v and shape %v", t.Type, t.Shape)
		}
		numbers := t.Raw
		var floats []float32
		if t.Type == nn.Float32 {
			floats = t.Float32s()
		}
		added = func(b, h, tok, j int) float64 {
			at := 0
			for a, i := range []int{b, h, tok, j}[4-rank:] {
				at = at*t.Shape[a] + min(i, t.Shape[a]-1)
			}
			switch {
			case floats != nil:
				return float64(floats[at])
			case numbers[at*size] == 0:
				return math.Inf(-1)
			}
			return 0
		}
	}
	return func(b, h, t, j int) float64 {
		if causal && j > t {
			return math.Inf(-1)
		}
		return added(b, h, t, j)
	}, nil
}

func softmax(x []float64) {
	largest, sum := math.Inf(-1), 0.0
	for _, v := range x {
		largest = max(largest, v)
	}
	for i, v := range x {
		x[i] = math.Exp(v - largest)
		sum += x[i]
	}
	for i := range x {
		x[i] /= sum
	}
}
