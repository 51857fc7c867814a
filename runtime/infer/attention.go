package infer

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// heads is an attention operand as [batch, heads, tokens, elements]. One of three axes has its heads in the last one, with the elements.
func (c *call) heads(k int, attr string) (nn.Shape, error) {
	x := c.shapeOf(k)
	if len(x) == 4 {
		return x, nil
	}
	n, err := c.int(attr, 0)
	if err != nil {
		return nil, err
	}
	if len(x) != 3 || n < 1 || n > maxExtent || x[2]%int(n) != 0 {
		return nil, fmt.Errorf("operand %d has the shape %v, which does not fit %d heads", k, x, n)
	}
	return nn.Shape{x[0], int(n), x[1], x[2] / int(n)}, nil
}

// attention has the queries' shape, with the values' elements. Further results are the keys and values with those of a cache before them, and the
// scores.
func attention(c *call) error {
	q, err := c.heads(0, "q_num_heads")
	if err != nil {
		return err
	}
	k, err := c.heads(1, "kv_num_heads")
	if err != nil {
		return err
	}
	v, err := c.heads(2, "kv_num_heads")
	if err != nil {
		return err
	}
	if len(c.shapeOf(0)) != len(c.shapeOf(1)) || len(c.shapeOf(0)) != len(c.shapeOf(2)) || k[1] < 1 || q[0] != k[0] || q[1]%k[1] != 0 || q[3] != k[3] || !slices.Equal(k[:3], v[:3]) {
		return fmt.Errorf("queries of shape %v, keys of %v and values of %v do not fit each other", c.shapeOf(0), c.shapeOf(1), c.shapeOf(2))
	}
	keys, values := slices.Clone(k), slices.Clone(v)
	for i, s := range []nn.Shape{keys, values} {
		if !c.has(4 + i) {
			continue
		}
		past := c.shapeOf(4 + i)
		if len(past) != 4 || !slices.Equal(past[:2], s[:2]) || past[3] != s[3] {
			return fmt.Errorf("operand %d has the shape %v, which does not go before %v", 4+i, past, s)
		}
		if s[2], err = extent(int64(s[2]) + int64(past[2])); err != nil {
			return err
		}
	}
	if keys[2] != values[2] {
		return fmt.Errorf("with those of a cache there are %d keys and %d values", keys[2], values[2])
	}
	out := nn.Shape{q[0], q[1], q[2], v[3]}
	if len(c.shapeOf(0)) == 3 {
		width, err := extent(int64(q[1]) * int64(v[3]))
		if err != nil {
			return err
		}
		out = nn.Shape{q[0], q[2], width}
	}
	for i, s := range []nn.Shape{out, keys, values, {q[0], q[1], q[2], keys[2]}} {
		c.set(i, s)
	}
	return nil
}

// rotary keeps the shape; there are as many cosines as sines.
func rotary(c *call) error {
	x := c.shapeOf(0)
	if len(x) != 3 && len(x) != 4 || !slices.Equal(c.shapeOf(1), c.shapeOf(2)) {
		return fmt.Errorf("cosines of shape %v and sines of shape %v do not fit an operand of shape %v", c.shapeOf(1), c.shapeOf(2), x)
	}
	return same(c)
}
