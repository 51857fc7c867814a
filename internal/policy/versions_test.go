package policy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/release"
	"github.com/autotailor/autotailor/runtime/version"
)

// formatName is how files say what they are, and in which version.
var formatName = regexp.MustCompile(`^(autotailor [A-Za-z ]+) ([0-9]+)\n?$`)

// agentPath is how requests to an agent begin.
var agentPath = regexp.MustCompile(`/v([0-9]+)/device$`)

// numbered are constants that are the number of a format without a name.
var numbered = map[string]struct{ dir, constant string }{
	"network":         {"runtime/measure/graphfile", "version"},
	"driver protocol": {"runtime/measure/device", "protocol"},
}

// TestVersionsAreThoseOfTheCode: the table of CONTRIBUTING.md has the formats that the code has, with their numbers, and is of this release.
func TestVersionsAreThoseOfTheCode(t *testing.T) {
	minor := release.Version[:strings.LastIndex(release.Version, ".")]
	got := documented(t, fmt.Sprintf("| file | format | %s writes and reads | %[1]s migrates |", minor))
	want := coded(t)
	want["form"] = []int{version.Generated}
	for v := version.Generated - 1; v >= version.Min; v-- {
		want["form"] = append(want["form"], v)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("CONTRIBUTING.md says that %q has the numbers %v, the newest first; the code has %v", name, got[name], want[name])
		}
	}
	for name := range got {
		if want[name] == nil {
			t.Errorf("CONTRIBUTING.md has %q, the code does not", name)
		}
	}
}

// TestPyTorchWritesTheFormats: tables that the PyTorch package counts have the numbers of those that the Go package counts.
func TestPyTorchWritesTheFormats(t *testing.T) {
	text, err := os.ReadFile("../../gen/pytorch/files/supernet/counting.py")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`"format: autotailor \{kind\} ([0-9]+)"`).FindSubmatch(text)
	if m == nil {
		t.Fatal("counting.py writes no format")
	}
	all := coded(t)
	for _, kind := range []string{"sensitivities", "joint accuracies"} {
		if n := all["autotailor "+kind]; len(n) == 0 || strconv.Itoa(n[0]) != string(m[1]) {
			t.Errorf("%s: PyTorch writes the number %s, Go %v", kind, m[1], n)
		}
	}
}

// documented reads the table below a head: the numbers of each format, the newest first.
func documented(t *testing.T, head string) map[string][]int {
	t.Helper()
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), head+"\n")
	if !ok {
		t.Fatalf("CONTRIBUTING.md has no table with the head %q", head)
	}
	out := map[string][]int{}
	for i, line := range strings.Split(table, "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) < 4 {
			break
		}
		if i == 0 { // the rule below the head
			continue
		}
		name := strings.TrimSpace(cells[1])
		for _, c := range cells[2:] {
			if c = strings.TrimSpace(c); c == "-" {
				continue
			}
			n, err := strconv.Atoi(c)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			out[name] = append(out[name], n)
		}
	}
	return out
}

// coded finds the numbers of the formats in the code of runtime/, the newest first.
func coded(t *testing.T) map[string][]int {
	t.Helper()
	out := map[string][]int{}
	add := func(name, number string) {
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Contains(out[name], n) {
			out[name] = append(out[name], n)
		}
	}
	each(t, func(dir string, n ast.Node) {
		switch n := n.(type) {
		case *ast.BasicLit:
			text, err := strconv.Unquote(n.Value)
			if err != nil || n.Kind != token.STRING {
				return
			}
			if m := formatName.FindStringSubmatch(text); m != nil {
				add(m[1], m[2])
			}
			if m := agentPath.FindStringSubmatch(text); m != nil {
				add("agent protocol", m[1])
			}
		case *ast.ValueSpec:
			for name, c := range numbered {
				if dir == c.dir && len(n.Values) == 1 && n.Names[0].Name == c.constant {
					if v, ok := n.Values[0].(*ast.BasicLit); ok {
						add(name, v.Value)
					}
				}
			}
		}
	})
	for _, list := range out {
		slices.Sort(list)
		slices.Reverse(list)
	}
	return out
}

// each walks the Go files of runtime/, without tests, and names the folder of each node.
func each(t *testing.T, do func(dir string, n ast.Node)) {
	t.Helper()
	err := filepath.WalkDir("../../runtime", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), filepath.FromSlash("../../")))
		ast.Inspect(f, func(n ast.Node) bool {
			do(dir, n)
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
