package op

import (
	"fmt"

	"github.com/autotailor/autotailor/ir/dim"
)

// attentionShape is that of the queries, with values in place of their elements. Where operands have their heads in one axis with the elements, the
// result has so, too. What a cache makes is as the model declares.
func attentionShape(c *Ctx) error {
	q, k, v := c.In[0].Shape, c.In[1].Shape, c.In[2].Shape
	if len(q) != len(k) || len(q) != len(v) || len(q) != 3 && len(q) != 4 {
		return fmt.Errorf("queries, keys and values have %d, %d and %d axes; want three each, or four", len(q), len(k), len(v))
	}
	out := append([]dim.Dim{}, q...)
	last := v[len(v)-1]
	if len(q) == 3 {
		heads, shared := int(c.Node.Int("q_num_heads", 0)), int(c.Node.Int("kv_num_heads", 0))
		if heads < 1 || shared < 1 || heads%shared != 0 {
			return fmt.Errorf("it has %d heads of queries and %d of keys", heads, shared)
		}
		last = c.keep(dim.Mul(last, dim.Const(heads/shared)))
	}
	out[len(out)-1] = last
	c.Out[0].Shape = out
	return nil
}

// attentionMACs multiplies every query with every key, and every score with every value.
func attentionMACs(c *Ctx) error {
	k := c.In[1].Shape
	tokens := k[len(k)-2]
	if past := c.operand(4); len(past) == 4 { // those of a cache
		tokens = c.keep(dim.Add(tokens, past[2]))
	}
	c.scores(c.elements(c.In[0].Shape), tokens, c.elements(c.Out[0].Shape))
	return nil
}

// scores adds the products of queries with the keys of so many tokens, and of the scores with the values.
func (c *Ctx) scores(queries, tokens, results dim.Dim) {
	both := c.keep(dim.Add(queries, results))
	c.Total = c.keep(dim.Add(c.Total, c.keep(dim.Mul(both, tokens.AtBatch1()))))
}

// operand is the shape of operand k, nil where it is left out.
func (c *Ctx) operand(k int) []dim.Dim {
	if c.Node.Input(k) == 0 {
		return nil
	}
	return c.In[k].Shape
}
