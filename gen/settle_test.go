package gen

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/runtime/model"
)

// stranger is a small model with a decoder, and the config that is proposed for it.
func stranger(t *testing.T) Job {
	t.Helper()
	model, err := filepath.Abs(filepath.Join("..", "internal", "conform", "testdata", "strangers", "ddec00.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text, _, err := Init(model, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	j := Job{Config: filepath.Join(dir, "autotailor.toml"), Name: "stranger", Prove: ProveQuick}
	if err := os.WriteFile(j.Config, append([]byte("# mine\n"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	return j
}

// TestProof: what gen is about to print is proven, and the proof changes no file.
func TestProof(t *testing.T) {
	j := stranger(t)
	out, err := j.Run()
	if err != nil {
		t.Fatal(err)
	}
	if r := out.Proof; r.Status != model.Proven || r.SubNets < 8 || r.Compared == 0 || out.Config != nil {
		t.Errorf("%v, %v", r, out.Notes)
	}
	plain := j
	plain.Prove = ProveOff
	without, err := plain.Run()
	if err != nil {
		t.Fatal(err)
	}
	for k, f := range out.Files {
		if string(f.Data) != string(without.Files[k].Data) {
			t.Errorf("%s depends on the proof", f.Name)
		}
	}
}

// TestFailedProofFreezes: a mistake of the view in the tables of expand ratios is found, these choices are frozen, and the config says so where its own
// lines stay.
func TestFailedProofFreezes(t *testing.T) {
	j := stranger(t)
	spoilt := 0
	j.tamper = func(p *view.Package) {
		for _, c := range p.Classes {
			for e := range c.Layout.Extent {
				x := c.Layout.Extent[e]
				last := len(x.Index) - 1
				if last < 0 || x.Index[last].Field != "Expand" {
					continue
				}
				for _, table := range x.Tables {
					for k := x.Index[last].Card - 1; k < len(table); k += x.Index[last].Card { // the smallest ratio
						table[k]--
						spoilt++
					}
				}
			}
		}
	}
	out, err := j.Run()
	if err != nil {
		t.Fatal(err)
	}
	if spoilt == 0 || out.Config == nil || out.Proof.Status != model.Proven {
		t.Fatalf("%d tables are spoilt, the proof says %v, the config %v", spoilt, out.Proof, out.Config)
	}
	text := string(out.Config.Data)
	old, err := os.ReadFile(j.Config)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, string(old)) || !strings.Contains(text, "[[frozen]]\nchoice = \"expand\"\nnode = ") {
		t.Errorf("the config is now\n%s", text)
	}
	if notes := strings.Join(out.Notes, "\n"); !strings.Contains(notes, "expand is FROZEN") {
		t.Errorf("the warnings are %s", notes)
	}
	j.tamper = nil
	if err := os.WriteFile(j.Config, out.Config.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := j.Run()
	if err != nil {
		t.Fatal(err)
	}
	for k, f := range out.Files {
		if string(f.Data) != string(again.Files[k].Data) {
			t.Errorf("%s is another one with the config that was written", f.Name)
		}
	}
}

// TestUnprovable: where no choice is the cause, nothing is printed, and the error names the smallest SubNet.
func TestUnprovable(t *testing.T) {
	j := stranger(t)
	j.tamper = func(p *view.Package) {
		for _, s := range p.Sections {
			for k := range s.Pieces {
				for c := range s.Pieces[k].Calls {
					if r := s.Pieces[k].Calls[c].Rec.LayerNorm; r != nil {
						r.Scale, r.Bias = r.Bias, r.Scale
					}
				}
			}
		}
	}
	if _, err := j.Run(); err == nil || !strings.Contains(err.Error(), "SubNet original") {
		t.Errorf("%v", err)
	}
}
