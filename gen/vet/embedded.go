package vet

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/autotailor/autotailor/internal/rowfile"
)

// tables are the kinds of tables, by the function that reads them: how the first line of their files starts.
var tables = map[string]string{"ReadLUT": "autotailor latencies", "ReadAccuracy": "autotailor sensitivities"}

// embedded reports tables of other packages, and older ones of the same, that are part of the program: constants and files that go:embed
// names. What a program opens when it runs is checked by the reader itself.
func (v *vetting) embedded(f *flow) {
	files := v.embeds()
	f.each(func(i ssa.Instruction) {
		c, ok := i.(*ssa.Call)
		if !ok || len(c.Call.Args) == 0 {
			return
		}
		fn := callee(c.Common())
		if fn == nil || tables[fn.Name()] == "" || v.net(fn.Pkg()) == nil {
			return
		}
		if text, ok := f.content(c.Call.Args[0], files); ok {
			v.table(c.Pos(), fn, text)
		}
	})
}

// embeds returns the files that fill variables, by variable.
func (v *vetting) embeds() map[string]string {
	out := map[string]string{}
	for _, file := range v.Files {
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				s := s.(*ast.ValueSpec)
				doc := s.Doc
				if doc == nil {
					doc = g.Doc
				}
				if path := embed(doc); path != "" && len(s.Names) == 1 {
					out[s.Names[0].Name] = filepath.Join(filepath.Dir(v.Fset.Position(file.FileStart).Filename), path)
				}
			}
		}
	}
	return out
}

// embed returns the file that a comment's directive names.
func embed(doc *ast.CommentGroup) string {
	if doc == nil {
		return ""
	}
	for _, c := range doc.List {
		if path, ok := strings.CutPrefix(c.Text, "//go:embed "); ok {
			return strings.Trim(strings.TrimSpace(path), "\"`")
		}
	}
	return ""
}

// readers are the functions that make a reader of a text.
var readers = map[string]bool{"strings.NewReader": true, "bytes.NewReader": true, "bytes.NewBuffer": true, "bytes.NewBufferString": true}

// content returns what a reader reads, where that is known.
func (f *flow) content(v ssa.Value, files map[string]string) (string, bool) {
	switch x := v.(type) {
	case *ssa.MakeInterface:
		return f.content(x.X, files)
	case *ssa.Convert:
		return f.content(x.X, files)
	case *ssa.Call:
		if readers[nameOf(x.Common())] {
			return f.content(x.Call.Args[0], files)
		}
	case *ssa.Const:
		if x.Value != nil && x.Value.Kind() == constant.String {
			return constant.StringVal(x.Value), true
		}
	case *ssa.UnOp:
		g, ok := x.X.(*ssa.Global)
		if !ok || g.Pkg.Pkg != f.Pkg || files[g.Name()] == "" {
			return "", false
		}
		text, err := os.ReadFile(files[g.Name()]) // go vet runs again when an embedded file changes
		return string(text), err == nil
	}
	return "", false
}

// table compares the header of a table with the package that reads it.
func (v *vetting) table(at token.Pos, fn *types.Func, text string) {
	file, err := rowfile.Parse(strings.NewReader(text))
	if err != nil {
		return // the reader says more
	}
	net, header := v.net(fn.Pkg()), map[string]string{}
	for _, l := range file.Header {
		header[l.Key] = l.Text
	}
	switch {
	case !strings.HasPrefix(header["format"], tables[fn.Name()]+" "):
		v.Reportf(at, "%s.%s gets a file of another kind (%q)", fn.Pkg().Name(), fn.Name(), header["format"])
	case header["package"] != net.Package:
		v.Reportf(at, "%s.%s gets a table of package %s", fn.Pkg().Name(), fn.Name(), header["package"])
	case fn.Name() == "ReadLUT" && net.Digest != "" && header["digest"] != net.Digest:
		v.Reportf(at, "%s.%s gets a table of another version of the package, with digest %.12s instead of %.12s; measure again", fn.Pkg().Name(), fn.Name(), header["digest"], net.Digest)
	}
}
