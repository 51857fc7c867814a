package gen

import (
	"bytes"
	"go/format"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// TestLongListsAreLaidOutAsByGofmt: every run of plain lines of the committed packages, and of what they do not have.
func TestLongListsAreLaidOutAsByGofmt(t *testing.T) {
	sources := map[string]string{
		"escapes":    "package p\nvar a = [] string {\n{\"a\\\"b,{ : c\\\\\",\"\",-1,1e-05,- 1},\n{f (x,y . z (1,2)),[...] int {1},m [m . k . i]},\n}\n",
		"not plain":  "package p\nvar a = [] int {\n{1+2,3},\n{a [1 : 2],b [:]},\n{- x - y},\n{func (a int) int { return a }},\n{* p,& q},\n{`raw`},\n}\n",
		"names":      "package p\nvar (\nlong_name = 1\na = f {Key : \"v\",Of : [] int {1,2}}\nbc = (4)\n)\n",
		"types":      "package p\nvar (\nlong_name int = 1\na = 2\n)\nconst (\nx = iota\ny\n)\n",
		"statements": "package p\nfunc f () {\na := b . C (d,e [f . i])\na = b . Act (a,nn . Relu ())\nb = a . x\nif a {\nb = 1\n}\nreturn\n}\n",
		"deep":       "package p\nvar a = [] x {\n{Of : [] y {\n{P : \"w\"},\n{P : \"v\",Of : [] z {{\n1,\n}}},\n}},\n{Of : [] y {\n{P : \"u\"},\n}},\n{1},\n}\n",
		"keys":       "package p\nvar a = [] x {\n{\nmid : [2] int {1,2},\na : 1,\n},\n{},\n}\n",
		"unbalanced": "package p\nvar a = [] x {\n{1},\n{{1},\n{2}},\n{3},\n}\n",
		"comment":    "package p\nvar a = [] x {\n{1}, // one\n{22},\n\n{3},\n}\n",
	}
	if !testing.Short() {
		needs.Clone(t)
		for _, config := range examples(t) {
			j := Job{Config: config}
			c, err := j.Compile()
			if err != nil {
				t.Fatal(err)
			}
			p, err := c.View("example")
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range emitters(p.Name) {
				src, err := e.source(p, "autotailor.toml", place{"example.com/m", "example"})
				if err != nil {
					t.Fatal(err)
				}
				sources[config+" "+e.file] = string(src)
			}
		}
	}
	for name, src := range sources {
		want, err := format.Source([]byte(src))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, least := range []int{1, 2, 3} {
			got, err := formatted([]byte(src), least)
			if err != nil {
				t.Errorf("%s, %d lines: %v", name, least, err)
			} else if !bytes.Equal(got, want) {
				t.Errorf("%s, %d lines: have\n%s\nwant\n%s", name, least, got, want)
			}
		}
	}
	if _, err := formatted([]byte(strings.Repeat("{\n", 9)), 1); err == nil {
		t.Error("what is not Go is laid out")
	}
}
