package infer

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// allowed has the element types of the kinds that are no variable; a result of such a kind has the first.
var allowed = map[operators.Kind][]nn.DType{
	operators.Bool: {nn.Bool}, operators.Int64: {nn.Int64}, operators.Float: {nn.Float32}, operators.Int32: {nn.Int32}, operators.Uint8: {nn.Uint8},
	operators.Int: {nn.Int64, nn.Int32}, operators.List: {nn.Int64, nn.Int32}, operators.Size: {nn.Int64, nn.Int32},
}

// types checks the element types of the operands against each other, and sets those of the results that follow from the signature.
func (c *call) types() error {
	seen := map[operators.Kind]nn.DType{}
	for k, v := range c.in {
		kind := kindOf(c.operands, k)
		if !c.has(k) || v.Type == 0 || kind == operators.Any {
			continue
		}
		if !kind.Variable() {
			if !slices.Contains(allowed[kind], v.Type) {
				return fmt.Errorf("operand %d has elements of %v, want %s", k, v.Type, kind)
			}
			continue
		}
		if first, ok := seen[kind]; ok && first != v.Type {
			return fmt.Errorf("operand %d has elements of %v, an earlier one of %v", k, v.Type, first)
		}
		seen[kind] = v.Type
	}
	for k := range c.out {
		switch kind := kindOf(c.results, k); {
		case kind.Variable():
			c.out[k].Type = seen[kind]
		case kind != operators.Any:
			c.out[k].Type = allowed[kind][0]
		}
	}
	if kindOf(c.results, 0) == operators.Any && c.row.Has("dtype") {
		return c.stated()
	}
	if own := anyTypes[c.node.Type]; own != nil && c.row.Domain == "" {
		return own(c)
	}
	return nil
}

// kindOf is the kind of operand or result k. The last of a list may stand for any number of them.
func kindOf(list []operators.Operand, k int) operators.Kind {
	if last := len(list) - 1; k > last && variadic(list) {
		k = last
	}
	if k >= len(list) {
		return operators.Any
	}
	return list[k].Kind
}

// stated sets the element type of the result that attribute dtype says; without it, it is that of the first operand.
func (c *call) stated() error {
	to, err := c.int("dtype", int64(c.in[0].Type))
	if err == nil && (to < 0 || to > 255) {
		err = fmt.Errorf("attribute dtype is %d, which is no element type", to)
	}
	c.out[0].Type = nn.DType(to)
	return err
}

// anyTypes sets the element types that attributes say.
var anyTypes = map[string]func(c *call) error{
	"Cast": func(c *call) error {
		to, err := c.int("to", 0)
		if err == nil && (to < 1 || to > 255) {
			err = fmt.Errorf("attribute to is %d, which is no element type", to)
		}
		c.out[0].Type = nn.DType(to)
		return err
	},
	"QuantizeLinear": func(c *call) error {
		to, err := c.int("output_dtype", 0)
		if err == nil && (to < 0 || to > 255) {
			err = fmt.Errorf("attribute output_dtype is %d, which is no element type", to)
		}
		switch {
		case c.has(2):
			c.out[0].Type = c.in[2].Type
		case to > 0:
			c.out[0].Type = nn.DType(to)
		default:
			c.out[0].Type = nn.Uint8
		}
		return err
	},
	"LayerNormalization": func(c *call) error {
		to, err := c.int("stash_type", int64(nn.Float32))
		for k := 1; k < len(c.out) && to > 0 && to <= 255; k++ {
			c.out[k].Type = nn.DType(to)
		}
		return err
	},
	"ConstantOfShape": func(c *call) error {
		a, given, err := c.attr("value", nn.AttrTensor)
		if !given || err != nil {
			a.Int = int64(nn.Float32)
		}
		c.out[0].Type = nn.DType(a.Int)
		return err
	},
}
