package model

import (
	"errors"
	"fmt"
	"math"
)

// attending is an attention at work: queries, keys and values [batch, places, heads*width], each head's widths beside each other.
type attending struct {
	queries, keys, values []float32
	batch, places, read   int // images, queries of each, keys of each
	heads                 int
	width, wide           int // of a head's queries and keys, and of its values
	scale                 float64
	added                 []func(image, head, query, key int) float64 // to a score, such as masks
}

// attention is com.microsoft's Attention: queries, keys and values are one product.
func (j *joining) attention() error {
	x, xs := j.floats(0)
	w, ws := j.floats(1)
	b, _ := j.floats(2)
	if j.operand(4) != nil || j.node.Int("do_rotary", 0) != 0 || len(xs) != 3 || len(ws) != 2 {
		return errors.New("a cache, rotary positions or operands of other ranks are not run")
	}
	sizes := []int{ws[1] / 3, ws[1] / 3, ws[1] / 3}
	if stated, ok := j.node.Attr("qkv_hidden_sizes"); ok && len(stated.Ints) == len(sizes) {
		for k, n := range stated.Ints {
			sizes[k] = int(n)
		}
	}
	var parts [3][]float32
	from := 0
	for k, size := range sizes {
		parts[k] = projected(x, xs[2], w, ws[1], b, from, size)
		from += size
	}
	a, err := j.attending(parts, sizes, xs[0], xs[1], xs[1])
	if err != nil {
		return err
	}
	if err := j.masks(a, 3, 5); err != nil {
		return err
	}
	j.yield(0, a.run())
	return nil
}

// projected are size columns of the product of rows and a matrix, and of what is added to it, from a column on.
func projected(x []float32, inner int, w []float32, columns int, bias []float32, from, size int) []float32 {
	out := make([]float32, len(x)/inner*size)
	for i := range out {
		row, column, sum := i/size, from+i%size, 0.0
		for k := range inner {
			sum += float64(x[row*inner+k]) * float64(w[k*columns+column])
		}
		if bias != nil {
			sum += float64(bias[column])
		}
		out[i] = float32(sum)
	}
	return out
}

// multiHead is com.microsoft's MultiHeadAttention of queries, keys and values that products made before.
func (j *joining) multiHead() error {
	if j.operand(6) != nil || j.operand(7) != nil || j.operand(1) == nil || j.operand(2) == nil {
		return errors.New("a cache or packed operands are not run")
	}
	bias, _ := j.floats(3)
	var parts [3][]float32
	var sizes []int
	places, from := [3]int{}, 0
	for k := range parts {
		x, s := j.floats(k)
		if len(s) != 3 {
			return errors.New("operands of other ranks are not run")
		}
		parts[k], places[k], sizes = append([]float32{}, x...), s[1], append(sizes, s[2])
		for i := range parts[k] {
			if bias != nil {
				parts[k][i] += bias[from+i%s[2]]
			}
		}
		from += s[2]
	}
	_, s := j.floats(0)
	a, err := j.attending(parts, sizes, s[0], places[0], places[1])
	if err != nil {
		return err
	}
	if err := j.masks(a, 4, 5); err != nil {
		return err
	}
	j.yield(0, a.run())
	return nil
}

// attending takes operands apart into heads.
func (j *joining) attending(parts [3][]float32, sizes []int, batch, places, read int) (*attending, error) {
	heads := int(j.node.Int("num_heads", 0))
	if heads < 1 || sizes[0] != sizes[1] || sizes[0]%heads != 0 || sizes[2]%heads != 0 {
		return nil, fmt.Errorf("widths %v do not fit %d heads", sizes, heads)
	}
	a := &attending{queries: parts[0], keys: parts[1], values: parts[2], batch: batch, places: places, read: read, heads: heads, width: sizes[0] / heads, wide: sizes[2] / heads}
	if a.scale = float64(j.node.Float("scale", 0)); a.scale == 0 {
		a.scale = 1 / math.Sqrt(float64(a.width))
	}
	if j.node.Int("unidirectional", 0) != 0 {
		a.added = append(a.added, func(_, _, query, key int) float64 {
			if key > query+a.read-a.places {
				return math.Inf(-1)
			}
			return 0
		})
	}
	return a, nil
}

// masks reads what is added to scores: operand mask says which keys count, operand bias has numbers.
func (j *joining) masks(a *attending, mask, bias int) error {
	filter := float64(j.node.Float("mask_filter_value", -10000))
	if v := j.operand(mask); v != nil {
		truths, s := j.whole(mask), v.Shape
		counts := func(image, query, key int) bool { return truths[(image*a.places+query)*a.read+key] != 0 }
		switch {
		case len(s) == 1 && s[0] == a.batch:
			counts = func(image, _, key int) bool { return key < truths[image] }
		case len(s) == 2 && s[1] == a.read:
			counts = func(image, _, key int) bool { return truths[image%s[0]*a.read+key] != 0 }
		case len(s) != 3 || s.Count() != a.batch*a.places*a.read:
			return fmt.Errorf("a mask of shape %v is not run", s)
		}
		a.added = append(a.added, func(image, _, query, key int) float64 {
			if counts(image, query, key) {
				return 0
			}
			return filter
		})
	}
	if numbers, s := j.floats(bias); numbers != nil {
		if len(s) != 4 || s[2] != a.places || s[3] != a.read {
			return fmt.Errorf("a bias of shape %v is not run", s)
		}
		a.added = append(a.added, func(image, head, query, key int) float64 {
			return float64(numbers[((image%s[0]*s[1]+head%s[1])*s[2]+query)*s[3]+key])
		})
	}
	return nil
}

// run computes the attention.
func (a *attending) run() []float32 {
	out := make([]float32, a.batch*a.places*a.heads*a.wide)
	weights := make([]float64, a.read)
	for i := range a.batch * a.heads * a.places {
		image, head, query := i/(a.heads*a.places), i/a.places%a.heads, i%a.places
		largest := math.Inf(-1)
		for key := range weights {
			q, k, score := a.queries[((image*a.places+query)*a.heads+head)*a.width:], a.keys[((image*a.read+key)*a.heads+head)*a.width:], 0.0
			for d := range a.width {
				score += float64(q[d]) * float64(k[d])
			}
			score *= a.scale
			for _, f := range a.added {
				score += f(image, head, query, key)
			}
			weights[key], largest = score, max(largest, score)
		}
		sum := 0.0
		for key, score := range weights {
			weights[key] = math.Exp(score - largest)
			sum += weights[key]
		}
		y := out[((image*a.places+query)*a.heads+head)*a.wide:]
		for d := range a.wide {
			total := 0.0
			for key, weight := range weights {
				total += weight / sum * float64(a.values[((image*a.read+key)*a.heads+head)*a.wide+d])
			}
			y[d] = float32(total)
		}
	}
	return out
}
