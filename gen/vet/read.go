package vet

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"

	"github.com/autotailor/autotailor/runtime/space"
)

// generated reads the package under analysis, nil when autotailor did not write it or it is a command.
func (v *vetting) generated() *Fact {
	r := reader{vetting: v, initial: map[types.Object]ast.Expr{}}
	found := false
	for _, file := range v.Files {
		if !isGenerated(file) {
			continue
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				r.declare(d)
			case *ast.FuncDecl:
				found = found || d.Recv == nil && isDefinition(v.TypesInfo.Defs[d.Name])
			}
		}
	}
	if !found {
		return nil
	}
	f := &Fact{Package: v.Pkg.Name(), Vars: r.vars}
	r.read(f)
	return f
}

// isDefinition tells whether an object is the function Definition of a generated package.
func isDefinition(o types.Object) bool {
	f, ok := o.(*types.Func)
	if !ok || f.Name() != "Definition" {
		return false
	}
	s := f.Signature()
	if s.Params().Len() != 0 || s.Results().Len() != 1 {
		return false
	}
	p, ok := s.Results().At(0).Type().(*types.Pointer)
	return ok && isNamed(p.Elem(), supernetPath, "Net")
}

// isNamed tells whether a type is the one of that name.
func isNamed(t types.Type, path, name string) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Name() == name && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == path
}

// reader finds the tables of a generated package in its source.
type reader struct {
	*vetting
	vars    []string
	initial map[types.Object]ast.Expr // what package-level variables start with
}

// declare notes the variables of a declaration.
func (r *reader) declare(d *ast.GenDecl) {
	if d.Tok != token.VAR {
		return
	}
	for _, s := range d.Specs {
		s := s.(*ast.ValueSpec)
		for i, name := range s.Names {
			r.vars = append(r.vars, name.Name)
			if len(s.Values) == len(s.Names) {
				r.initial[r.TypesInfo.Defs[name]] = s.Values[i]
			}
		}
	}
}

// read takes names, digest and choices from the literals of supernet.Net and space.Choice.
func (r *reader) read(f *Fact) {
	var choices []ast.Expr
	for _, e := range r.initial {
		lit, ok := e.(*ast.CompositeLit)
		if !ok {
			continue
		}
		switch t := r.TypesInfo.TypeOf(lit); {
		case isNamed(t, supernetPath, "Net"):
			f.Package = r.text(field(lit, "Package"))
			f.Digest = r.text(field(lit, "Digest"))
		case isChoices(t):
			choices = append(choices, e)
		}
	}
	if len(choices) != 1 {
		f.Unread = "there are several tables of choices"
		if len(choices) == 0 {
			f.Unread = "there is no table of choices"
		}
		return
	}
	for _, e := range choices[0].(*ast.CompositeLit).Elts {
		c := space.Choice{Name: r.text(field(e, "Name")), Values: r.texts(field(e, "Values"))}
		if c.Name == "" || len(c.Values) == 0 || slices.Contains(c.Values, "") {
			f.Unread = "the table of choices is not made of constants"
			return
		}
		f.Choices = append(f.Choices, c)
	}
}

// isChoices tells whether a type is an array or slice of space.Choice.
func isChoices(t types.Type) bool {
	switch t := t.Underlying().(type) {
	case *types.Array:
		return isNamed(t.Elem(), spacePath, "Choice")
	case *types.Slice:
		return isNamed(t.Elem(), spacePath, "Choice")
	}
	return false
}

// field returns the expression of a field in a literal, nil when it is absent.
func field(e ast.Expr, name string) ast.Expr {
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return nil
		}
		if id, ok := kv.Key.(*ast.Ident); ok && id.Name == name {
			return kv.Value
		}
	}
	return nil
}

// text returns the value of a constant expression, "" when it has none.
func (r *reader) text(e ast.Expr) string {
	if e == nil {
		return ""
	}
	if s, ok := constantText(r.TypesInfo, e); ok {
		return s
	}
	return ""
}

func constantText(info *types.Info, e ast.Expr) (string, bool) {
	c := info.Types[e].Value
	if c == nil || c.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(c), true
}

// texts returns the elements of a list of constants: a literal, a variable that starts as one, or all of it as a slice.
func (r *reader) texts(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.Ident:
		return r.texts(r.initial[r.TypesInfo.Uses[e]])
	case *ast.ParenExpr:
		return r.texts(e.X)
	case *ast.SliceExpr:
		if e.Low == nil && e.High == nil {
			return r.texts(e.X)
		}
	case *ast.CompositeLit:
		var out []string
		for _, x := range e.Elts {
			out = append(out, r.text(x))
		}
		return out
	}
	return nil
}
