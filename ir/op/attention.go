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
	if len(c.In) > 4 && len(c.In[4].Shape) == 4 { // those of a cache
		tokens = c.keep(dim.Add(tokens, c.In[4].Shape[2]))
	}
	for _, s := range [][]dim.Dim{c.In[0].Shape, c.Out[0].Shape} {
		s = append([]dim.Dim{s[0].AtBatch1()}, s[1:]...)
		c.Total = c.keep(dim.Add(c.Total, c.keep(dim.Mul(c.product(s), tokens))))
	}
	return nil
}
