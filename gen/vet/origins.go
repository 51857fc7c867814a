package vet

import (
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// origin returns the generated package that a value belongs to: its definition, what is read from that, and what the runtime makes of
// these, such as choices, genes, tables, sums and graphs. It is nil for numbers and texts, and for what is not known.
func (f *flow) origin(v ssa.Value) *types.Package {
	if p, ok := f.origins[v]; ok {
		return p
	}
	f.origins[v] = nil // while it is looked for
	p := f.from(v)
	f.origins[v] = p
	return p
}

func (f *flow) from(v ssa.Value) *types.Package {
	if plain(v.Type()) {
		return nil
	}
	switch x := v.(type) {
	case *ssa.Call:
		return f.result(x)
	case *ssa.Extract:
		return f.origin(x.Tuple)
	case *ssa.FieldAddr:
		return f.origin(x.X)
	case *ssa.IndexAddr:
		return f.origin(x.X)
	case *ssa.Field:
		return f.origin(x.X)
	case *ssa.Index:
		return f.origin(x.X)
	case *ssa.Slice:
		return f.origin(x.X)
	case *ssa.ChangeType:
		return f.origin(x.X)
	case *ssa.ChangeInterface:
		return f.origin(x.X)
	case *ssa.MakeInterface:
		return f.origin(x.X)
	case *ssa.UnOp:
		if a, ok := f.base(x.X).(*ssa.Alloc); ok {
			return f.common(f.values(a, x.X))
		}
		return f.origin(x.X)
	case *ssa.Phi:
		return f.common(x.Edges)
	}
	return nil
}

// plain tells whether a type is one of numbers, texts or errors, which belong to nobody.
func plain(t types.Type) bool {
	if _, ok := t.Underlying().(*types.Basic); ok {
		return true
	}
	return types.Identical(t, types.Universe.Lookup("error").Type())
}

// result is the origin of what a call returns.
func (f *flow) result(c *ssa.Call) *types.Package {
	if p := f.definition(c); p != nil {
		return p
	}
	if !inRuntime(callee(c.Common())) {
		return nil
	}
	if known := f.known(operands(c.Common())); len(known) == 1 {
		return known[0]
	}
	return nil
}

// operands are the receiver and the arguments of a call.
func operands(c *ssa.CallCommon) []ssa.Value {
	if c.IsInvoke() {
		return append([]ssa.Value{c.Value}, c.Args...)
	}
	return c.Args
}

// known lists the origins of values, each once.
func (f *flow) known(list []ssa.Value) []*types.Package {
	var out []*types.Package
	for _, v := range list {
		p := f.origin(v)
		if p == nil || len(out) > 0 && out[0] == p {
			continue
		}
		out = append(out, p)
	}
	return out
}

// common is the origin that all values have.
func (f *flow) common(list []ssa.Value) *types.Package {
	var p *types.Package
	for i, v := range list {
		q := f.origin(v)
		if q == nil || i > 0 && q != p {
			return nil
		}
		p = q
	}
	return p
}
