package infer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// joinedAttention is one whose queries, keys and values are a product of its own; the cache is operand past.
func joinedAttention(past int) rule {
	return func(c *call) error {
		x, w := c.shapeOf(0), c.shapeOf(1)
		if len(x) != 3 || len(w) != 2 || x[2] != w[0] {
			return fmt.Errorf("tokens of shape %v do not fit weights of shape %v", x, w)
		}
		heads, err := c.int("num_heads", 0)
		if err != nil {
			return err
		}
		values := w[1] / 3
		sizes, _, err := c.ints("qkv_hidden_sizes")
		if err != nil {
			return err
		}
		if len(sizes) == 3 {
			if values, err = extent(sizes[2]); err != nil {
				return err
			}
		}
		if heads < 1 || heads > maxExtent {
			return fmt.Errorf("it has %d heads", heads)
		}
		tokens := x[1]
		shared, err := c.flag("past_present_share_buffer", 0)
		if err != nil {
			return err
		}
		if c.has(past) && len(c.shapeOf(past)) == 5 && shared == 0 {
			if tokens, err = extent(int64(tokens) + int64(c.shapeOf(past)[3])); err != nil {
				return err
			}
		}
		c.set(0, nn.Shape{x[0], x[1], values})
		c.set(1, nn.Shape{2, x[0], int(heads), tokens, values / int(heads)})
		return nil
	}
}

// multiHead has the values' elements for each query.
func multiHead(c *call) error {
	q := c.shapeOf(0)
	width := 0
	var err error
	switch {
	case len(q) == 5:
		width, err = extent(int64(q[2]) * int64(q[4]))
	case len(q) != 3:
		return fmt.Errorf("queries of shape %v, want three axes, or five with keys and values", q)
	case c.has(2) && len(c.shapeOf(2)) == 4:
		width, err = extent(int64(c.shapeOf(2)[1]) * int64(c.shapeOf(2)[3]))
	case c.has(2) && len(c.shapeOf(2)) == 3:
		width = c.shapeOf(2)[2]
	default:
		width = q[2]
	}
	c.set(0, nn.Shape{q[0], q[1], width})
	return err
}

// groupQuery has the queries' shape, without the keys and values that may be packed with them, and all keys and values.
func groupQuery(c *call) error {
	q := slices.Clone(c.shapeOf(0))
	heads, err := c.int("num_heads", 0)
	if err != nil {
		return err
	}
	shared, err := c.int("kv_num_heads", 0)
	if err != nil {
		return err
	}
	if len(q) != 3 || min(heads, shared) < 1 || max(heads, shared) > maxStep {
		return errors.New("queries have three axes, and heads")
	}
	each := int64(q[2]) / (heads + 2*shared)
	if c.has(1) {
		k := c.shapeOf(1)
		if len(k) != 3 {
			return errors.New("keys have three axes")
		}
		each = int64(k[2]) / shared
	}
	if q[2], err = extent(each * heads); err != nil {
		return err
	}
	tokens := q[1]
	if c.has(3) && len(c.shapeOf(3)) == 4 {
		if tokens, err = extent(int64(q[1]) + int64(c.shapeOf(3)[2])); err != nil {
			return err
		}
	}
	keys := nn.Shape{q[0], int(shared), tokens, int(each)}
	c.set(0, q)
	c.set(1, keys)
	c.set(2, keys)
	return nil
}
