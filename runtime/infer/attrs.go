package infer

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/nn"
)

// attr returns an attribute, which must be of one of the kinds.
func (c *call) attr(name string, kinds ...nn.AttrKind) (a nn.Attr, given bool, err error) {
	if a, given = c.node.Attr(name); !given {
		return a, false, nil
	}
	for _, k := range kinds {
		if a.Kind == k {
			return a, true, nil
		}
	}
	return a, true, fmt.Errorf("attribute %s has kind %d, want %v", name, a.Kind, kinds)
}

// int is an integer attribute, def where it is left out.
func (c *call) int(name string, def int64) (int64, error) {
	a, given, err := c.attr(name, nn.AttrInt)
	if !given || err != nil {
		return def, err
	}
	return a.Int, nil
}

// flag is 1 where an integer attribute is not 0.
func (c *call) flag(name string, def int64) (int, error) {
	v, err := c.int(name, def)
	if v != 0 {
		v = 1
	}
	return int(v), err
}

// text is a string attribute, def where it is left out or empty.
func (c *call) text(name, def string) (string, error) {
	a, _, err := c.attr(name, nn.AttrString)
	if a.String == "" {
		return def, err
	}
	return a.String, err
}

// ints is an integer list attribute; given is false where it is left out. An integer is a list of one.
func (c *call) ints(name string) (list []int64, given bool, err error) {
	a, given, err := c.attr(name, nn.AttrInts, nn.AttrInt)
	if given && err == nil && a.Kind == nn.AttrInt {
		return []int64{a.Int}, true, nil
	}
	return a.Ints, given, err
}

// list is an attribute, or the operand that took its place in a later opset. The error is an Unknown where the operand's elements are not known.
func (c *call) list(name string) (list []int64, given bool, err error) {
	if list, given, err = c.ints(name); given || err != nil {
		return list, given, err
	}
	k := c.place(name)
	if !c.has(k) {
		return nil, false, nil
	}
	if c.in[k].Ints == nil {
		return nil, true, unknown("the elements of operand %d, its %s, are not known", k, name)
	}
	return c.in[k].Ints, true, nil
}

// place is the number of the operand with a name.
func (c *call) place(name string) int {
	for k, o := range c.operands {
		if o.Name == name {
			return k
		}
	}
	return len(c.node.In)
}

// number is the single integer of operand k; the error is an Unknown where it is not known.
func (c *call) number(k int) (int64, error) {
	switch v := c.in[k]; {
	case len(v.Ints) == 1:
		return v.Ints[0], nil
	case len(v.Floats) == 1 && v.Floats[0] == float32(int64(v.Floats[0])):
		return int64(v.Floats[0]), nil
	case v.Ints != nil || v.Floats != nil:
		return 0, fmt.Errorf("operand %d is no single whole number", k)
	}
	return 0, unknown("operand %d is computed when the network runs", k)
}

// axis is an attribute that counts an axis of rank axes, from the front or from behind.
func (c *call) axis(name string, def int64, rank int) (int, error) {
	v, err := c.int(name, def)
	if err != nil {
		return 0, err
	}
	return wrap(v, rank)
}

// wrap counts an axis from the front.
func wrap(axis int64, rank int) (int, error) {
	if axis < -int64(rank) || axis >= int64(rank) {
		return 0, fmt.Errorf("axis %d does not fit %d axes", axis, rank)
	}
	if axis < 0 {
		axis += int64(rank)
	}
	return int(axis), nil
}

// axes is a list of axes of rank axes, as a set.
func axes(list []int64, rank int) (map[int]bool, error) {
	out := map[int]bool{}
	for _, v := range list {
		a, err := wrap(v, rank)
		if err != nil {
			return nil, err
		}
		if out[a] {
			return nil, fmt.Errorf("axes %v name axis %d twice", list, a)
		}
		out[a] = true
	}
	return out, nil
}
