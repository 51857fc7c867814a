package vet

import (
	"go/types"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// mixed are functions of the runtime that take things of two packages on purpose: they compare, or carry over what fits.
var mixed = map[string]bool{"Match": true, "Fits": true, "Migrate": true}

// mixes reports things of one generated package that meet those of another in a call of the runtime or in a struct of its.
func (v *vetting) mixes(f *flow) {
	f.each(func(i ssa.Instruction) {
		switch i := i.(type) {
		case ssa.CallInstruction:
			fn := callee(i.Common())
			if inRuntime(fn) && !mixed[fn.Name()] {
				f.meet(i, fn.Name(), operands(i.Common()))
			}
		case *ssa.Alloc:
			t, ok := types.Unalias(i.Type().(*types.Pointer).Elem()).(*types.Named)
			if ok && t.Obj().Pkg() != nil && strings.HasPrefix(t.Obj().Pkg().Path(), runtimePath) {
				f.meet(i, t.Obj().Name(), f.parts(i))
			}
		}
	})
}

// parts returns what the fields of a struct are set to, nil when one of them is set more than once.
func (f *flow) parts(a *ssa.Alloc) []ssa.Value {
	var out []ssa.Value
	seen := map[int]bool{}
	for _, s := range f.stores[a] {
		way := fields(s.Addr)
		if len(way) != 1 || seen[way[0]] {
			return nil
		}
		seen[way[0]] = true
		out = append(out, s.Val)
	}
	return out
}

// meet reports values that belong to different packages. Two whole definitions side by side are no mistake.
func (f *flow) meet(i ssa.Instruction, where string, list []ssa.Value) {
	var first ssa.Value
	for _, v := range list {
		p := f.origin(v)
		if p == nil {
			continue
		}
		if first == nil {
			first = v
			continue
		}
		q := f.origin(first)
		if p == q || isNet(v) && isNet(first) {
			continue
		}
		f.Reportf(position(i), "%s gets a %s of package %s beside a %s of package %s; they do not fit together", where, describe(first), q.Name(), describe(v), p.Name())
		return
	}
}

func isNet(v ssa.Value) bool {
	p, ok := v.Type().Underlying().(*types.Pointer)
	return ok && isNamed(p.Elem(), supernetPath, "Net")
}

// describe names the type of a value, with its package's name.
func describe(v ssa.Value) string {
	if m, ok := v.(*ssa.MakeInterface); ok {
		v = m.X
	}
	return strings.TrimLeft(types.TypeString(v.Type(), (*types.Package).Name), "*[]")
}
