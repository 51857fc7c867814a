package gen

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/templates"
)

// changes is how many random changes of configs the test of names makes.
const changes = 200

// TestNamesDependOnTheirOwnListOnly changes one list of a config at random: what all other lists make keeps its names.
func TestNamesDependOnTheirOwnListOnly(t *testing.T) {
	rng := rand.New(rand.NewPCG(24, 1))
	configs := []string{"convnext", "levit", "mobilenetv3", "resnet50", "vit"}
	compared, changes := 0, changes
	if testing.Short() {
		changes /= 10
	}
	for k := range changes {
		j := Job{Config: filepath.Join("..", "generated", configs[k%len(configs)], "autotailor.toml")}
		c, err := j.configured()
		if err != nil {
			t.Fatal(err)
		}
		before := namesOf(t, j, c)
		what := change(&c.Config, before, rng)
		after := namesOf(t, j, c)
		for name, b := range before {
			a, ok := after[name]
			if !ok || a.own != b.own {
				continue
			}
			compared++
			if a.names != b.names {
				t.Errorf("%s, %s: the names of %s were %s and are %s", j.Config, what, name, b.names, a.names)
			}
		}
	}
	if compared < 20*changes {
		t.Errorf("only %d choices and blocks were compared", compared)
	}
}

// named is a choice or a block: what it has of its own, and its Go names.
type named struct{ own, names string }

// namesOf returns the choices by text, and the blocks.
func namesOf(t *testing.T, j Job, c *Compiled) map[string]named {
	t.Helper()
	path, err := j.model(c)
	if err != nil {
		t.Fatal(err)
	}
	g, _, err := j.read(path, c.Config)
	if err != nil {
		t.Fatal(err)
	}
	net, err := supernet.Compile(g, c.Config.Supernet(), templates.All())
	if err != nil {
		t.Fatal(err)
	}
	p, err := view.New(net, "net")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]named{}
	for _, x := range p.Choices {
		n := named{own: fmt.Sprint(x.Values, listOf(c.Config, x)), names: x.Type.Name}
		for _, v := range x.Type.Values {
			n.names += " " + v.Name
		}
		out[x.Name] = n
	}
	for _, s := range p.Stages {
		for _, b := range s.Elastic {
			n := named{names: b.Type.Name}
			for _, g := range b.Genes {
				n.own += p.Choices[g].Kind + out[p.Choices[g].Name].own
			}
			out[fmt.Sprintf("%s.%d", s.Name, b.Index)] = n
		}
	}
	return out
}

// listOf is the config's list of a choice, as text.
func listOf(c config.Config, x *view.Choice) string {
	switch x.Kind {
	case "resolution":
		return fmt.Sprint(c.Resolution)
	case "width":
		return fmt.Sprint(c.Width)
	case "depth":
		return fmt.Sprint(c.Depth)
	}
	for _, l := range c.Vars {
		if l.Name == x.Kind {
			return fmt.Sprint(l.Values)
		}
	}
	return ""
}

// change changes one list at random, and says which: a value more or less, or a stage left out.
func change(c *config.Config, now map[string]named, rng *rand.Rand) string {
	lists := map[string]*[]float64{"depth": &c.Depth, "width": &c.Width, "resolution": &c.Resolution}
	more := map[string][]float64{
		"resolution": {12, 18, 22, 26, 30}, "width": {0.25, 0.4, 0.6, 0.9}, "depth": {-3}, "kernel": {1, 9}, "expand": {0.5, 0.12, 1.25, 2.5, 5},
		"heads": {0.25, 0.6}, "qk": {0.25, 0.75}, "value": {0.25, 0.75, 1.2},
	}
	for k := range c.Vars {
		lists[c.Vars[k].Name] = &c.Vars[k].Values
	}
	var names []string
	for name, l := range lists {
		if len(*l) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	name := names[rng.IntN(len(names))]
	list := lists[name]
	switch what := rng.IntN(3); {
	case what == 0 && (name == "width" || name == "depth"):
		var stages []float64
		for n := range now {
			var s int
			if _, err := fmt.Sscanf(n, "stage%d.", &s); err == nil && strings.HasSuffix(n, "."+name) {
				stages = append(stages, float64(s))
			}
		}
		slices.Sort(stages)
		skipped := map[string]*[]float64{"width": &c.WidthSkipped, "depth": &c.DepthSkipped}[name]
		s := stages[rng.IntN(len(stages))]
		*skipped = append(slices.Clone(*skipped), s)
		return fmt.Sprintf("without %s of stage %v", name, s)
	case what == 1 && len(*list) > 1:
		k := rng.IntN(len(*list))
		v := (*list)[k]
		*list = slices.Delete(slices.Clone(*list), k, k+1)
		return fmt.Sprintf("without %s %v", name, v)
	}
	v := more[name][rng.IntN(len(more[name]))]
	*list = append(slices.Clone(*list), v)
	return fmt.Sprintf("with %s %v", name, v)
}
