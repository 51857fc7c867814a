package autodiff

// placing gives derivatives their memory: that of a variable is free again when the step that made the variable has run back.
type placing struct {
	plan    *plan
	free    map[int][][]float32 // by size
	holders map[*float32]int    // how many variables have the memory
	made    map[*variable]int   // by which step
}

func (p *plan) placeGrads() {
	c := placing{p, make(map[int][][]float32), make(map[*float32]int), make(map[*variable]int)}
	for i := range p.steps {
		for _, v := range p.steps[i].out {
			c.made[v] = i
		}
	}
	for _, v := range p.outputs {
		c.give(v)
	}
	for i := len(p.steps) - 1; i >= 0; i-- {
		s := &p.steps[i]
		for _, v := range s.out {
			c.give(v)
		}
		moved := c.share(i)
		for _, v := range s.in {
			c.give(v)
		}
		if moved {
			continue // an operand has the memory now
		}
		for _, v := range s.out {
			c.release(v)
		}
	}
}

func (c *placing) give(v *variable) {
	if v.grad != nil || !v.wants {
		return
	}
	n := v.shape.Count()
	if list := c.free[n]; len(list) > 0 {
		v.grad, c.free[n] = list[len(list)-1], list[:len(list)-1]
	} else {
		v.grad = c.plan.memory.floats(n)[:n]
	}
	c.holders[&v.grad[0]]++
}

func (c *placing) release(v *variable) {
	if v.grad == nil {
		return
	}
	at := &v.grad[0]
	if c.holders[at]--; c.holders[at] == 0 {
		c.free[len(v.grad)] = append(c.free[len(v.grad)], v.grad)
	}
}

// share lets the gradient with respect to an operand use the memory of the gradient with respect to the result, if the step can work in place. For
// a sum it may do so for both operands.
func (c *placing) share(i int) bool {
	s := &c.plan.steps[i]
	for k := range s.inPlace {
		v := s.in[k]
		if !v.wants || v.grad != nil {
			continue
		}
		v.grad = s.out[0].grad
		if s.inPlace == 2 {
			if other := s.in[1-k]; c.apart(i, v, other) || c.apart(i, other, v) {
				other.grad = v.grad
				c.holders[&v.grad[0]]++
			}
		}
		return true
	}
	return false
}

// apart tells whether the gradients with respect to both operands of sum i can be in the same memory. The gradient with respect to x is only read: by the
// normalisation that made x, and then by the product before that. The gradient with respect to y changes after that product has run backward.
func (c *placing) apart(i int, x, y *variable) bool {
	if x == y || !x.wants || !y.wants || x.uses > 1 || !x.defers() {
		return false
	}
	if y.uses == 1 && y.defers() {
		return true // both are only read
	}
	product, ok := c.made[x.from]
	if !ok {
		return false
	}
	if made, ok := c.made[y]; ok && made >= product {
		return false
	}
	return y.first < product && c.quiet(product, i, y)
}

// quiet tells that no step from lo to before hi reads v.
func (c *placing) quiet(lo, hi int, v *variable) bool {
	for _, s := range c.plan.steps[lo:hi] {
		for _, in := range s.in {
			if in == v {
				return false
			}
		}
	}
	return true
}

// defers tells whether the product before the normalisation that made v computes the gradient with respect to the normalisation's operand itself, where it
// uses it, from the gradient with respect to v.
func (v *variable) defers() bool {
	x := v.from
	return v.norm != nil && x.joins && x.columns == v.shape[len(v.shape)-1] && x.uses == 1 && x.wants
}
