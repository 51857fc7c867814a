package gen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
)

// hostileNames are what a model may call its nodes, values and weights to get into the source that is generated from it, or to break it.
func hostileNames() []string {
	return []string{
		"a\n//go:linkname x runtime.x", "a\r\n//export x", "a\n//line /etc/passwd:1", "a\n//go:build never", "a\n//go:embed secret", "#cgo LDFLAGS: -x",
		"*/ func init() { panic(`x`) } /*", "`+panic(1)+`", `"; panic(1); //`, "a\u2028func init() {}", "\u202egnp.x\u2066", "a\x00b", "\xff\xfe", "日本語", "ＦＵＬＬ",
		"func", "type", "init", "main", "_", "nil", "string", "len", "iota", "int", "range", "net", "nn", "genes", "b", "g",
		"SubNet", "Best", "Front", "LUT", "Definition", "Original", "ParseSubNet", "ReadLUT", "Stage0", "Depth2", "Resolution", "String", "Build", "stage0", "choices",
		"../../etc/passwd", "%s%d%!", "{{.}}", "\\u0022", "0", "-1", " ", ".", "...", strings.Repeat("long", 2000), strings.Repeat("_", 300),
	}
}

// hostile renames everything in a model; title and file name are hostile too. It returns the config's path.
func hostile(t *testing.T, from string) string {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	names, given := hostileNames(), map[string]string{"": ""}
	name := func(old string) string {
		if _, ok := given[old]; !ok {
			k := len(given) - 1
			given[old] = names[k%len(names)]
			if k >= len(names) {
				given[old] += fmt.Sprint(k / len(names))
			}
		}
		return given[old]
	}
	rename := func(list []string) {
		for i := range list {
			list[i] = name(list[i])
		}
	}
	for _, n := range m.Graph.Node {
		rename(n.Input)
		rename(n.Output)
		n.Name, n.DocString = proto.String(name("node "+n.GetName())), proto.String("*/\n//go:linkname a b")
	}
	for _, x := range m.Graph.Initializer {
		x.Name = proto.String(name(x.GetName()))
	}
	for _, v := range slices.Concat(m.Graph.Input, m.Graph.Output, m.Graph.ValueInfo) {
		v.Name = proto.String(name(v.GetName()))
	}
	m.Graph.Name, m.ProducerName, m.DocString = proto.String("*/\n//go:build x"), proto.String("x\nimport \"C\""), proto.String("x\npackage y")
	dir := t.TempDir()
	if data, err = (proto.MarshalOptions{AllowPartial: true}).Marshal(&m); err != nil {
		t.Fatal(err)
	}
	file := "a b*`\"\n;func init(){}.onnx"
	config := fmt.Sprintf("title = %q\nmodel = %q\npackage = \"hostile\"\n[var.stage_vars]\nreduce_depth = [-1, 0]\nwidth_mult = [0.5, 1]\n[var.block_vars]\nBottleneckResidualBlock.expand_ratio = [3, 6]\n",
		"x\n//go:linkname a b\n*/ func init() {}", file)
	for name, data := range map[string][]byte{file: data, "autotailor.toml": []byte(config)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "autotailor.toml")
}

// TestModelsCannotHijackTheirSource generates from a model whose every name means harm. The package type-checks, declares what the same
// model with harmless names does, imports nothing else and has no directive that it should not have.
func TestModelsCannotHijackTheirSource(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	model := filepath.Join("..", "generated", "models", "mobilenetv2.onnx")
	evil := mustRun(t, Job{Config: hostile(t, model)})
	plain := filepath.Join(t.TempDir(), "autotailor.toml")
	absolute, err := filepath.Abs(model)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("model = %q\npackage = \"hostile\"\n[var.stage_vars]\nreduce_depth = [-1, 0]\nwidth_mult = [0.5, 1]\n[var.block_vars]\nBottleneckResidualBlock.expand_ratio = [3, 6]\n", absolute)
	if err := os.WriteFile(plain, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	good := mustRun(t, Job{Config: plain})
	want := map[string]summary{}
	for _, f := range good.Files {
		want[f.Name] = summarise(t, f.Name, f.Data)
	}
	sources := map[string]string{}
	for _, f := range evil.Files {
		got := summarise(t, f.Name, f.Data)
		if w := want[f.Name]; !slices.Equal(got.imports, w.imports) || !slices.Equal(got.declared, w.declared) || !slices.Equal(got.directives, w.directives) {
			t.Errorf("%s has\n%v, from harmless names\n%v", f.Name, got, w)
		}
		if !strings.Contains(f.Name, "/") {
			sources[f.Name] = string(f.Data)
		}
	}
	if len(evil.Files) != len(good.Files) {
		t.Errorf("%d files, from harmless names %d", len(evil.Files), len(good.Files))
	}
	for dir, errs := range typeCheck(t, map[string]map[string]string{"hostile": sources}) {
		for _, e := range errs {
			t.Errorf("%s: %s", dir, e)
		}
	}
}

// summary is what a file does, leaving out texts and what is unexported, which may depend on how regular the names are.
type summary struct{ imports, declared, directives []string }

func summarise(t *testing.T, name string, data []byte) summary {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, data, parser.ParseComments)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	var s summary
	for _, i := range f.Imports {
		if strings.Contains(i.Path.Value, ".") { // else the package itself, in a folder without a module
			s.imports = append(s.imports, i.Path.Value)
		}
	}
	names := map[string]bool{}
	declare := func(kind, name string) {
		if name == "init" || ast.IsExported(name) {
			names[kind+name] = true
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			declare("func ", d.Name.Name)
		case *ast.GenDecl:
			for _, x := range d.Specs {
				switch x := x.(type) {
				case *ast.TypeSpec:
					declare("type ", x.Name.Name)
				case *ast.ValueSpec:
					for _, n := range x.Names {
						declare("", n.Name)
					}
				}
			}
		}
	}
	s.declared = slices.Sorted(maps.Keys(names))
	for _, g := range f.Comments {
		for _, c := range g.List {
			if strings.HasPrefix(c.Text, "/*") || len(c.Text) > 2 && !strings.ContainsAny(c.Text[2:3], " \t") {
				s.directives = append(s.directives, c.Text)
			}
		}
	}
	for i, line := range strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' }) {
		if strings.ContainsAny(line, "\u202e\u2066\x00") {
			t.Errorf("%s:%d: hides text: %q", name, i+1, line)
		}
	}
	return s
}
