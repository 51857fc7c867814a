package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir/dim"
)

// Operators of com.microsoft, which ONNX Runtime makes of several others.

// pastOf has the operand that holds keys and values of earlier tokens, together.
var pastOf = map[string]int{"Attention": 4, "QAttention": 8}

// joinedAttentionShape projects tokens to queries, keys and values by one matrix, then is an attention.
func joinedAttentionShape(c *Ctx) error {
	x, w := c.In[0].Shape, c.In[1].Shape
	if len(x) != 3 || len(w) != 2 || !x[2].Equal(w[0]) {
		return fmt.Errorf("tokens of shape %v do not fit weights of shape %v", x, w)
	}
	values := c.parts(w)[2]
	c.Out[0].Shape = []dim.Dim{x[0], x[1], values}
	heads := int(c.Node.Int("num_heads", 0))
	if heads < 1 {
		return errors.New("it has no heads")
	}
	if len(c.Out) > 1 {
		each := c.keep(dim.FloorDiv(values, dim.Const(heads)))
		c.Out[1].Shape = []dim.Dim{dim.Const(2), x[0], dim.Const(heads), c.joinedTokens(), each}
	}
	return nil
}

// parts are the numbers of columns of queries, keys and values.
func (c *Ctx) parts(w []dim.Dim) [3]dim.Dim {
	if list := c.Node.Ints("qkv_hidden_sizes"); len(list) == 3 {
		return [3]dim.Dim{dim.Const(int(list[0])), dim.Const(int(list[1])), dim.Const(int(list[2]))}
	}
	third := c.keep(dim.FloorDiv(w[1], dim.Const(3)))
	return [3]dim.Dim{third, third, third}
}

// joinedTokens are those of the operand and of the cache.
func (c *Ctx) joinedTokens() dim.Dim {
	tokens := c.In[0].Shape[1]
	if past := c.operand(pastOf[c.Node.Op]); len(past) == 5 && c.flag("past_present_share_buffer") == 0 {
		return c.keep(dim.Add(tokens, past[3]))
	}
	return tokens
}

func joinedAttentionMACs(c *Ctx) error {
	x, w := c.In[0].Shape, c.In[1].Shape
	rows := c.elements(x[:2])
	c.Total = c.keep(dim.Mul(rows, c.elements(w)))
	c.scores(c.keep(dim.Mul(rows, c.parts(w)[0])), c.joinedTokens(), c.elements(c.Out[0].Shape))
	return nil
}

// multiHeadShape has queries of three axes; keys and values may be packed with them, or have their heads in an axis of their own.
func multiHeadShape(c *Ctx) error {
	q, v := c.In[0].Shape, c.operand(2)
	switch {
	case len(q) == 5: // with keys and values
		c.Out[0].Shape = []dim.Dim{q[0], q[1], c.keep(dim.Mul(q[2], q[4]))}
	case len(q) != 3:
		return fmt.Errorf("queries have %d axes; want three, or five with keys and values", len(q))
	case len(v) == 4:
		c.Out[0].Shape = []dim.Dim{q[0], q[1], c.keep(dim.Mul(v[1], v[3]))}
	case len(v) == 3:
		c.Out[0].Shape = []dim.Dim{q[0], q[1], v[2]}
	default: // values are packed with keys
		c.Out[0].Shape = slices.Clone(q)
	}
	return nil
}

// multiHeadTokens are the keys, with those of a cache.
func (c *Ctx) multiHeadTokens() dim.Dim {
	tokens := c.In[0].Shape[1]
	if k := c.operand(1); len(k) == 4 {
		tokens = k[2]
	} else if k != nil {
		tokens = k[1]
	}
	if past := c.operand(6); len(past) == 4 {
		tokens = c.keep(dim.Add(tokens, past[2]))
	}
	return tokens
}

func multiHeadMACs(c *Ctx) error {
	queries := c.elements(c.In[0].Shape)
	if len(c.In[0].Shape) == 5 {
		queries = c.elements(c.Out[0].Shape)
	}
	c.scores(queries, c.multiHeadTokens(), c.elements(c.Out[0].Shape))
	return nil
}

// groupQueryShape has keys and values that several queries share; they may be packed with the queries. Further results are all keys and values, those
// of a cache first.
func groupQueryShape(c *Ctx) error {
	q := c.In[0].Shape
	heads, shared := int(c.Node.Int("num_heads", 0)), int(c.Node.Int("kv_num_heads", 0))
	if len(q) != 3 || heads < 1 || shared < 1 {
		return fmt.Errorf("queries have %d axes, in %d heads over %d of keys", len(q), heads, shared)
	}
	each := q[2].Original() / (heads + 2*shared) // elements of a head, which no choice moves
	if k := c.operand(1); k != nil {
		each = k[len(k)-1].Original() / shared
	}
	width, keys := c.keep(dim.Mul(c.moved("num_heads", heads), dim.Const(each))), c.moved("kv_num_heads", shared)
	c.Out[0].Shape = []dim.Dim{q[0], q[1], width}
	if len(c.Out) < 3 {
		return nil
	}
	tokens := q[1]
	if past := c.operand(3); len(past) == 4 {
		tokens = c.keep(dim.Add(tokens, past[2]))
	}
	for k := 1; k < 3; k++ {
		c.Out[k].Shape = []dim.Dim{q[0], keys, tokens, dim.Const(each)}
	}
	return nil
}

// moved is an integer attribute, which choices may move.
func (c *Ctx) moved(name string, n int) dim.Dim {
	if d, ok := c.over[name]; ok {
		return d[0]
	}
	return dim.Const(n)
}

// groupQueryMACs needs to know how many tokens there are with those of the cache: the keys that are a result have them all.
func groupQueryMACs(c *Ctx) error {
	size := c.elements(c.Out[0].Shape)
	tokens := c.In[0].Shape[1]
	if past := c.operand(3); len(past) == 4 {
		tokens = c.keep(dim.Add(tokens, past[2]))
	}
	if len(c.Out) > 1 && len(c.Out[1].Shape) == 4 {
		tokens = c.Out[1].Shape[2]
	}
	c.scores(size, tokens, size)
	return nil
}

// embeddingShape has a row of elements for each token.
func embeddingShape(c *Ctx) error {
	ids, table := c.In[0].Shape, c.operand(2)
	if len(ids) != 2 || len(table) != 2 {
		return fmt.Errorf("it wants tokens and a table of two axes, not of %d and %d", len(ids), len(table))
	}
	out := []dim.Dim{ids[0], ids[1], table[1]}
	for k, s := range [][]dim.Dim{out, ids[:1], out} {
		if k < len(c.Out) {
			c.Out[k].Shape = s
		}
	}
	return nil
}

// skipNormShape adds and normalises over the last axis. Further results are mean, deviation and the sum.
func skipNormShape(c *Ctx) error {
	x := c.In[0].Shape
	if len(x) == 0 {
		return errors.New("its operand is a scalar")
	}
	row := append(slices.Clone(x[:len(x)-1]), dim.Const(1))
	for k, s := range [][]dim.Dim{x, row, row, x} {
		if k < len(c.Out) {
			c.Out[k].Shape = s
		}
	}
	return nil
}

// quantisedConcatShape joins every third operand: scales and zero points stand between them.
func quantisedConcatShape(c *Ctx) error {
	var places []int
	for k := 2; k < len(c.In); k += 3 {
		places = append(places, k)
	}
	if len(places) == 0 {
		return errors.New("there is nothing to join")
	}
	return picked(concatShape, places...)(c)
}

// dynamicQuantizeShape keeps the shape; scale and zero point are one number each.
func dynamicQuantizeShape(c *Ctx) error {
	for k := range c.Out {
		c.Out[k].Shape = []dim.Dim{}
	}
	c.Out[0].Shape = c.In[0].Shape
	return nil
}

// expertsMACs: each token goes through k experts.
func expertsMACs(c *Ctx) error {
	x, first, second := c.In[0].Shape, c.In[2].Shape, c.operand(4)
	if len(x) == 0 || len(first) != 3 || len(second) != 3 {
		return errors.New("weights of experts have three axes")
	}
	each := c.keep(dim.Add(c.elements(first[1:]), c.elements(second[1:])))
	if third := c.operand(6); len(third) == 3 {
		each = c.keep(dim.Add(each, c.elements(third[1:])))
	}
	chosen := dim.Const(int(c.Node.Int("k", 1)))
	c.Total = c.keep(dim.Mul(c.keep(dim.Mul(c.elements(x[:len(x)-1]), chosen)), each))
	return nil
}
