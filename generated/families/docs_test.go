package families_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/autotailor/autotailor/generated/families"
)

// TestDocumentationSaysMoreThanNames: at most half of the words of a comment in generated code stand in the identifier that it is for, and nothing exported is
// without a comment.
func TestDocumentationSaysMoreThanNames(t *testing.T) {
	comments := 0
	for _, net := range families.All() {
		files, err := filepath.Glob(filepath.Join("..", net.Package, "*_gen.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no files: %v", net.Package, err)
		}
		for _, name := range files {
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range documented(file) {
				if d.text == "" {
					if d.must {
						t.Errorf("%s: %s has no comment", fset.Position(d.pos), d.name)
					}
					continue
				}
				comments++
				if known, all := overlap(d.name, d.text); 2*known > all {
					t.Errorf("%s: %d of %d words are those of %s: %s", fset.Position(d.pos), known, all, d.name, d.text)
				}
			}
		}
	}
	if comments < 500 {
		t.Errorf("only %d comments", comments)
	}
}

// doc is the comment of an identifier; must says that there has to be one.
type doc struct {
	name, text string
	must       bool
	pos        token.Pos
}

// documented lists what can have a comment in a file.
func documented(file *ast.File) []doc {
	var out []doc
	add := func(name *ast.Ident, must bool, groups ...*ast.CommentGroup) {
		d := doc{name: name.Name, must: must && name.IsExported(), pos: name.Pos()}
		for _, g := range groups {
			d.text += g.Text()
		}
		out = append(out, d)
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			add(d.Name, true, d.Doc)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					add(s.Name, true, d.Doc, s.Doc)
					if st, ok := s.Type.(*ast.StructType); ok {
						for _, f := range st.Fields.List {
							for _, n := range f.Names {
								add(n, false, f.Doc, f.Comment)
							}
						}
					}
				case *ast.ValueSpec:
					for _, n := range s.Names {
						if d.Lparen.IsValid() {
							add(n, true, s.Doc, s.Comment)
						} else {
							add(n, true, d.Doc)
						}
					}
				}
			}
		}
	}
	return out
}

// word is a word of a comment or of an identifier: SubNet has two, Stage10 too.
var word = regexp.MustCompile(`[A-Z]+(?:[a-z]+)?|[a-z]+|[0-9]+`)

// overlap counts the words of a comment, and those that the identifier has.
func overlap(name, text string) (known, all int) {
	has := map[string]bool{}
	for _, w := range words(name) {
		has[w] = true
	}
	for _, w := range words(text) {
		if all++; has[w] {
			known++
		}
	}
	return known, all
}

// words splits camel case and text, in lower case.
func words(text string) []string {
	var b strings.Builder
	runes := []rune(text)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	var out []string
	for _, w := range word.FindAllString(b.String(), -1) {
		out = append(out, strings.ToLower(w))
	}
	return out
}
