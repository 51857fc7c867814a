package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/autotailor/autotailor/runtime/space"
)

// texts reports constant texts that are no SubNet of the package that parses them. A call whose SubNet is thrown away asks only
// whether the text is one, and is left alone.
func (v *vetting) texts(f *flow) {
	calls := map[token.Pos]*ssa.Call{}
	f.each(func(i ssa.Instruction) {
		if c, ok := i.(*ssa.Call); ok {
			calls[c.Pos()] = c
		}
	})
	for _, file := range v.Files {
		asked := questions(file)
		ast.Inspect(file, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok && !asked[c] {
				v.parsed(f, c, calls[c.Lparen])
			}
			return true
		})
	}
}

// questions are the calls whose first result is assigned to nothing.
func questions(file *ast.File) map[*ast.CallExpr]bool {
	out := map[*ast.CallExpr]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != 2 || len(a.Rhs) != 1 {
			return true
		}
		id, blank := a.Lhs[0].(*ast.Ident)
		if c, ok := a.Rhs[0].(*ast.CallExpr); ok && blank && id.Name == "_" {
			out[c] = true
		}
		return true
	})
	return out
}

// parsed checks a call that reads a SubNet. Its form in the flow may be missing, where the code is never run.
func (v *vetting) parsed(f *flow, c *ast.CallExpr, call *ssa.Call) {
	fn := v.called(c)
	if fn == nil || fn.Pkg() == nil || len(c.Args) == 0 {
		return
	}
	arg := c.Args[len(c.Args)-1]
	switch {
	case fn.Name() == "ParseSubNet":
		v.check(fn.Pkg(), arg, arg)
	case fn.Name() == "UnmarshalText" && isNamed(receiver(fn), fn.Pkg().Path(), "SubNet"):
		if conv, ok := arg.(*ast.CallExpr); ok && len(conv.Args) == 1 && v.TypesInfo.Types[conv.Fun].IsType() {
			v.check(fn.Pkg(), arg, conv.Args[0])
		}
	case fn.Pkg().Path() == spacePath && fn.Name() == "Parse" && call != nil:
		v.check(f.origin(call.Call.Args[0]), arg, arg)
	}
}

// called returns the function or method that a call names.
func (v *vetting) called(c *ast.CallExpr) *types.Func {
	var id *ast.Ident
	switch f := ast.Unparen(c.Fun).(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	default:
		return nil
	}
	fn, _ := v.TypesInfo.Uses[id].(*types.Func)
	return fn
}

// receiver is the type whose method a function is, without pointer.
func receiver(fn *types.Func) types.Type {
	r := fn.Signature().Recv()
	if r == nil {
		return types.Typ[types.Invalid]
	}
	if p, ok := r.Type().(*types.Pointer); ok {
		return p.Elem()
	}
	return r.Type()
}

// check reports a constant text that is no SubNet of a generated package.
func (v *vetting) check(p *types.Package, at, e ast.Expr) {
	net := v.net(p)
	text, ok := constantText(v.TypesInfo, e)
	switch {
	case net == nil || !ok:
	case net.Unread != "":
		v.Reportf(at.Pos(), "this text cannot be checked, because the choices of package %s cannot be read (%s): generate it again, with the version of autotailor that autotailorvet is of", p.Name(), net.Unread)
	default:
		if _, err := space.Parse(net.Choices, text); err != nil {
			v.Reportf(at.Pos(), "no SubNet of package %s: %s", p.Name(), strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
}
