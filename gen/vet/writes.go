package vet

import (
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// writers are functions of the standard library, and built-in ones, that change what their first argument points to.
var writers = map[string]bool{
	"copy": true, "clear": true, "delete": true,
	"slices.Sort": true, "slices.SortFunc": true, "slices.SortStableFunc": true, "slices.Reverse": true, "slices.Delete": true,
	"slices.DeleteFunc": true, "slices.Insert": true, "slices.Replace": true, "slices.Compact": true, "slices.CompactFunc": true,
	"sort.Slice": true, "sort.SliceStable": true, "sort.Strings": true, "sort.Ints": true, "sort.Float64s": true,
}

// writes reports what changes a generated package: its variables, or the definition that it hands out.
func (v *vetting) writes(f *flow) {
	f.each(func(i ssa.Instruction) {
		switch i := i.(type) {
		case *ssa.Store:
			f.written(i, i.Addr)
		case *ssa.MapUpdate:
			f.written(i, i.Map)
		case ssa.CallInstruction:
			if c := i.Common(); writers[nameOf(c)] && len(c.Args) > 0 {
				f.written(i, c.Args[0])
			}
		}
		f.escapes(i)
	})
}

// nameOf is the name of the function that a call names, with its package's.
func nameOf(c *ssa.CallCommon) string {
	if b, ok := c.Value.(*ssa.Builtin); ok {
		return b.Name()
	}
	fn := callee(c)
	if fn == nil || fn.Pkg() == nil {
		return ""
	}
	return fn.Pkg().Path() + "." + fn.Name()
}

// written reports an instruction that writes where a reference points to.
func (f *flow) written(i ssa.Instruction, to ssa.Value) {
	root := f.shared(to, nil)
	if p := f.variable(root); p != nil {
		f.Reportf(position(i), "%s is changed here, for the whole program: it is one of the values of package %s, which nobody may change; assign it to a variable or field of yours instead", f.global(root), p.Name())
	} else if p := f.definition(root); p != nil {
		f.Reportf(position(i), "the definition of package %s is changed here, for the whole program; change a copy instead", p.Name())
	}
}

// global is how the package under analysis calls a variable.
func (f *flow) global(v ssa.Value) string {
	g := v.(*ssa.Global)
	if g.Pkg.Pkg == f.Pkg {
		return g.Name()
	}
	return g.Pkg.Pkg.Name() + "." + g.Name()
}

// shared returns the variable or the call of Definition into whose memory a reference points, nil when it does not or this is not known.
func (f *flow) shared(v ssa.Value, seen map[ssa.Value]bool) ssa.Value {
	if seen[v] {
		return nil
	}
	switch x := v.(type) {
	case *ssa.Global:
		if f.variable(x) != nil {
			return x
		}
	case *ssa.Call:
		if f.definition(x) != nil {
			return x
		}
	case *ssa.FieldAddr:
		return f.shared(x.X, seen)
	case *ssa.IndexAddr:
		return f.shared(x.X, seen)
	case *ssa.Field:
		return f.shared(x.X, seen)
	case *ssa.Index:
		return f.shared(x.X, seen)
	case *ssa.Slice:
		return f.shared(x.X, seen)
	case *ssa.ChangeType:
		return f.shared(x.X, seen)
	case *ssa.MakeInterface:
		return f.shared(x.X, seen)
	case *ssa.UnOp:
		if a, ok := f.base(x.X).(*ssa.Alloc); ok {
			return f.all(f.values(a, x.X), v, seen)
		}
		return f.shared(x.X, seen)
	case *ssa.Phi:
		return f.all(x.Edges, v, seen)
	}
	return nil
}

// all returns what every one of some values points into, nil when one of them does not.
func (f *flow) all(list []ssa.Value, from ssa.Value, seen map[ssa.Value]bool) ssa.Value {
	inner := map[ssa.Value]bool{from: true}
	for v := range seen {
		inner[v] = true
	}
	var root ssa.Value
	for _, v := range list {
		if root = f.shared(v, inner); root == nil {
			return nil
		}
	}
	return root
}

// values returns what may stand in a variable's part: what is stored in that very part, else in all of the variable.
func (f *flow) values(a *ssa.Alloc, addr ssa.Value) []ssa.Value {
	var whole, part []ssa.Value
	for _, s := range f.stores[a] {
		switch {
		case s.Addr == ssa.Value(a) || f.sameVariable(s.Addr, a):
			whole = append(whole, s.Val)
		case samePart(s.Addr, addr):
			part = append(part, s.Val)
		}
	}
	if len(part) > 0 {
		return part
	}
	return whole
}

// sameVariable tells whether an address in a closure is that of an outer function's variable.
func (f *flow) sameVariable(addr ssa.Value, a *ssa.Alloc) bool {
	free, ok := addr.(*ssa.FreeVar)
	return ok && f.base(free) == ssa.Value(a)
}

// samePart tells whether two addresses within a variable may be, or lie in, the same field. Elements are not told apart.
func samePart(a, b ssa.Value) bool {
	x, y := fields(a), fields(b)
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}

// fields lists the fields on the way from a variable to an address.
func fields(addr ssa.Value) []int {
	switch a := addr.(type) {
	case *ssa.FieldAddr:
		return append(fields(a.X), a.Field)
	case *ssa.IndexAddr:
		if _, slice := a.X.Type().Underlying().(*types.Slice); !slice {
			return append(fields(a.X), -1)
		}
	}
	return nil
}

// escapes reports an instruction that gives away the address of a generated package's variable.
func (f *flow) escapes(i ssa.Instruction) {
	var given []ssa.Value
	switch i := i.(type) {
	case ssa.CallInstruction:
		if !writers[nameOf(i.Common())] {
			given = i.Common().Args
		}
	case *ssa.Store:
		given = []ssa.Value{i.Val}
	case *ssa.MakeInterface:
		given = []ssa.Value{i.X}
	case *ssa.Return:
		given = i.Results
	case *ssa.MapUpdate:
		given = []ssa.Value{i.Value}
	case *ssa.Send:
		given = []ssa.Value{i.X}
	}
	for _, v := range given {
		if root := f.base(v); f.variable(root) != nil {
			f.Reportf(position(i), "the address of %s is given away here, and who has it can change the value for the whole program; give that of a copy", f.global(root))
		}
	}
}
