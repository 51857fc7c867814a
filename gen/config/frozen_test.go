package config

import (
	"reflect"
	"strings"
	"testing"
)

// TestFrozen: entries that are appended to a file are read back, and what stands there stays.
func TestFrozen(t *testing.T) {
	list := []Frozen{
		{Choice: "resolution", Why: `it says "no" to \ and` + "\ttabs"},
		{Choice: "expand", Node: "/layer1/ä/conv", Why: "the proof failed"},
	}
	const text = "# mine\nvar.stage_vars.width = [0.5, 1] # keep\n[data]\npad = 2"
	out := AppendFrozen([]byte(text), list[:1])
	out = AppendFrozen(out, list[1:])
	if !strings.HasPrefix(string(out), text+"\n") {
		t.Errorf("the file is now\n%s", out)
	}
	c, err := Read("f.toml", out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := c.Supernet().Frozen; len(got) != 2 || got[0].Pos != "f.toml:7" || got[1].Pos != "f.toml:11" {
		t.Errorf("positions are %+v", got)
	}
	again, err := Read("f.toml", Write(c, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{c, again} {
		for k := range c.Frozen {
			c.Frozen[k].line = 0
		}
		if !reflect.DeepEqual(c.Frozen, list) {
			t.Errorf("read back as %+v", c.Frozen)
		}
	}
}
