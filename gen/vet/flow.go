package vet

import (
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// flow is the package in a form in which every value has one definition.
type flow struct {
	*vetting
	functions []*ssa.Function
	stores    map[*ssa.Alloc][]*ssa.Store // into a variable or parts of it
	closures  map[ssa.Value]*ssa.MakeClosure
	origins   map[ssa.Value]*types.Package // see origin
}

// flow builds the form of the package.
func (v *vetting) flow() *flow {
	prog := ssa.NewProgram(v.Fset, ssa.BuilderMode(0))
	for _, p := range v.Pkg.Imports() {
		prog.CreatePackage(p, nil, nil, true)
	}
	pkg := prog.CreatePackage(v.Pkg, v.Files, v.TypesInfo, false)
	pkg.Build()
	f := &flow{v, nil, map[*ssa.Alloc][]*ssa.Store{}, map[ssa.Value]*ssa.MakeClosure{}, map[ssa.Value]*types.Package{}}
	for _, m := range pkg.Members {
		if fn, ok := m.(*ssa.Function); ok {
			f.add(fn)
		}
	}
	for _, o := range v.TypesInfo.Defs {
		if m, ok := o.(*types.Func); ok && m.Signature().Recv() != nil {
			f.add(prog.FuncValue(m)) // nil for methods of interfaces
		}
	}
	f.index()
	return f
}

// add adds a function and those in it.
func (f *flow) add(fn *ssa.Function) {
	if fn == nil {
		return
	}
	f.functions = append(f.functions, fn)
	for _, inner := range fn.AnonFuncs {
		f.add(inner)
	}
}

// index notes where closures are made and what is stored where; a closure stores into variables of the functions around it.
func (f *flow) index() {
	f.each(func(i ssa.Instruction) {
		if c, ok := i.(*ssa.MakeClosure); ok {
			f.closures[c.Fn] = c
		}
	})
	f.each(func(i ssa.Instruction) {
		if s, ok := i.(*ssa.Store); ok {
			if a, ok := f.base(s.Addr).(*ssa.Alloc); ok {
				f.stores[a] = append(f.stores[a], s)
			}
		}
	})
}

// each calls visit for every instruction that does not come from a file of autotailor's.
func (f *flow) each(visit func(ssa.Instruction)) {
	for _, fn := range f.functions {
		for _, b := range fn.Blocks {
			for _, i := range b.Instrs {
				pos := position(i)
				if f.ours(pos) || !pos.IsValid() && f.net(f.Pkg) != nil {
					continue
				}
				visit(i)
			}
		}
	}
}

// position returns where an instruction comes from, or its function where that is not known.
func position(i ssa.Instruction) token.Pos {
	if p := i.Pos(); p.IsValid() {
		return p
	}
	if s, ok := i.(*ssa.Store); ok {
		if p := s.Addr.Pos(); p.IsValid() {
			return p
		}
		if p := s.Val.Pos(); p.IsValid() {
			return p
		}
	}
	return i.Parent().Pos()
}

// base follows an address to the variable that it is a part of, or to the value that points there.
func (f *flow) base(addr ssa.Value) ssa.Value {
	for {
		switch a := addr.(type) {
		case *ssa.FieldAddr:
			addr = a.X
		case *ssa.IndexAddr:
			if _, slice := a.X.Type().Underlying().(*types.Slice); slice {
				return a.X
			}
			addr = a.X
		case *ssa.FreeVar:
			outer := f.bound(a)
			if outer == nil {
				return a
			}
			addr = outer
		default:
			return addr
		}
	}
}

// bound returns the variable of the outer function that a closure uses, nil when that is not known.
func (f *flow) bound(v *ssa.FreeVar) ssa.Value {
	c := f.closures[v.Parent()]
	if c == nil {
		return nil
	}
	for i, free := range v.Parent().FreeVars {
		if free == v {
			return c.Bindings[i]
		}
	}
	return nil
}

// callee returns the function or method that a call names, nil when it is a value.
func callee(c *ssa.CallCommon) *types.Func {
	if c.IsInvoke() {
		return c.Method
	}
	if fn := c.StaticCallee(); fn != nil {
		if fn.Origin() != nil {
			fn = fn.Origin()
		}
		o, _ := fn.Object().(*types.Func)
		return o
	}
	return nil
}

// inRuntime tells whether a function is part of autotailor's runtime.
func inRuntime(fn *types.Func) bool {
	return fn != nil && fn.Pkg() != nil && strings.HasPrefix(fn.Pkg().Path(), runtimePath)
}

// definition returns the generated package whose Definition a call returns, nil when it is another call.
func (f *flow) definition(v ssa.Value) *types.Package {
	c, ok := v.(*ssa.Call)
	if !ok {
		return nil
	}
	fn := callee(c.Common())
	if fn == nil || !isDefinition(fn) || f.net(fn.Pkg()) == nil {
		return nil
	}
	return fn.Pkg()
}

// variable returns the generated package that has a variable, nil when it is another one's.
func (f *flow) variable(v ssa.Value) *types.Package {
	g, ok := v.(*ssa.Global)
	if !ok || g.Object() == nil {
		return nil
	}
	net := f.net(g.Pkg.Pkg)
	if net == nil {
		return nil
	}
	for _, name := range net.Vars {
		if name == g.Name() {
			return g.Pkg.Pkg
		}
	}
	return nil
}
