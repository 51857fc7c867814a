package gen

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// TestWhyNot: for the committed families, as many regions are said to be blocks of a name as blocks of that name were found, and each of the
// others has a node and a reason.
func TestWhyNot(t *testing.T) {
	needs.Clone(t)
	configs, err := filepath.Glob(filepath.Join("..", "generated", "*", "autotailor.toml"))
	if err != nil || len(configs) < 7 {
		t.Fatal(configs, err)
	}
	for _, config := range configs {
		c, err := Job{Config: config}.Compile()
		if err != nil {
			t.Fatal(err)
		}
		have := map[string]int{}
		for _, s := range c.Net.Stages {
			for _, b := range s.Blocks() {
				have[b.GoName]++
			}
		}
		for name, n := range have {
			list, err := c.WhyNot(name, "")
			if err != nil {
				t.Fatal(err)
			}
			are := 0
			for _, w := range list {
				switch {
				case w.Node == "":
					are++
				case w.Op == "" || w.Reason == "" || !strings.Contains(w.String(), w.Node):
					t.Errorf("%s: %s: %+v", config, name, w)
				}
			}
			if are < n {
				t.Errorf("%s: %d regions are said to be %s, there are %d", config, are, name, n)
			}
		}
	}
}
