package pass

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/ir"
)

// TestPasses runs each pass on the graphs of testdata/passes.txtar: a file called PASS/CASE is followed by what becomes of it.
func TestPasses(t *testing.T) {
	needs.Clone(t)
	a, err := txtar.ParseFile(filepath.Join("testdata", "passes.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Files)%2 != 0 {
		t.Fatal("files come in pairs")
	}
	tested := map[string]bool{}
	for k := 0; k < len(a.Files); k += 2 {
		in, want := a.Files[k], a.Files[k+1]
		name, _, _ := strings.Cut(in.Name, "/")
		g, err := ir.Parse(string(in.Data))
		if err != nil {
			t.Fatalf("%s: %v", in.Name, err)
		}
		wanted, err := ir.Parse(string(want.Data))
		if err != nil {
			t.Fatalf("%s: %v", want.Name, err)
		}
		for _, p := range Passes() {
			if p.Name != name {
				continue
			}
			tested[name] = true
			if err := p.Fn(g); err != nil {
				t.Errorf("%s: %v", in.Name, err)
			}
			if err := ir.Verify(g); err != nil {
				t.Errorf("%s: %v", in.Name, err)
			}
		}
		dropDeadValues(g)
		if got, want := ir.Format(g), ir.Format(wanted); got != want {
			t.Errorf("%s: got\n%swant\n%s", in.Name, got, want)
		}
	}
	for _, p := range Passes() {
		if !tested[p.Name] {
			t.Errorf("pass %s has no case", p.Name)
		}
		if p.Why == "" {
			t.Errorf("pass %s does not say why", p.Name)
		}
	}
}

// dropDeadValues forgets constants that nothing reads, which passes leave behind for drop-dead.
func dropDeadValues(g *ir.Graph) {
	used := users(g)
	for id, v := range g.Values {
		if used[id] == 0 {
			v.Const = nil
		}
	}
}

// TestCanonicaliseNamesUnknownPasses: a misspelt --dump is an error, not silence.
func TestCanonicaliseNamesUnknownPasses(t *testing.T) {
	err := Canonicalise(&ir.Graph{Values: []*ir.Value{{}}}, Options{After: "fold"})
	if err == nil || !strings.Contains(err.Error(), `"fold"`) {
		t.Errorf("%v", err)
	}
}

// TestCompositesThatMissOperands stay as they are, for shape inference to say what is missing.
func TestCompositesThatMissOperands(t *testing.T) {
	for _, node := range []string{
		`node "a" Attention (%1) -> (%2 "y" f32) {"q_num_heads":int=2 "kv_num_heads":int=2}`,
		`node "a" RotaryEmbedding (%1) -> (%2 "y" f32) {"num_heads":int=2}`,
	} {
		g, err := ir.Parse("graph \"g\" ir 8\nopset \"\" 23\ninput %1 \"x\" f32[1,2,8]\n" + node + "\noutput %2\n")
		if err != nil {
			t.Fatal(err)
		}
		if err := plainComposites(g); err != nil || len(g.Nodes) != 1 {
			t.Errorf("%s: %d nodes, %v", node, len(g.Nodes), err)
		}
	}
}
