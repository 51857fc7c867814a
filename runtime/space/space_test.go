package space_test

import (
	"bytes"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/space"
)

// random returns a small space with always live choices and followers of them.
func random(rng *rand.Rand) []space.Choice {
	cs := make([]space.Choice, 1+rng.IntN(6))
	for i := range cs {
		cs[i].Name = fmt.Sprintf("stage%d.c", i)
		for v := range 1 + rng.IntN(3) {
			cs[i].Values = append(cs[i].Values, fmt.Sprint(9-v))
		}
		if j := rng.IntN(len(cs)); j < i && cs[j].Live.Below == 0 && rng.IntN(2) == 0 {
			cs[i].Live = space.Need{Gene: uint8(j), Below: uint8(1 + rng.IntN(3))}
		}
	}
	return cs
}

// each calls f with all raw genes.
func each(cs []space.Choice, f func(space.Genes)) {
	g := make(space.Genes, len(cs))
	for {
		f(g)
		i := len(g) - 1
		for ; i >= 0 && int(g[i])+1 == len(cs[i].Values); i-- {
			g[i] = 0
		}
		if i < 0 {
			return
		}
		g[i]++
	}
}

func TestCountAndTextAgreeWithEnumeration(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		cs := random(rng)
		if err := space.Check(cs); err != nil {
			t.Fatal(err)
		}
		raw, distinct, texts := 0, map[string]bool{}, map[string]bool{}
		each(cs, func(g space.Genes) {
			raw++
			text := space.Format(cs, g)
			canonical := bytes.Clone(g)
			space.Canonical(cs, canonical)
			if space.Format(cs, canonical) != text {
				t.Fatalf("%v: text %q differs from its canonical form's", g, text)
			}
			back, err := space.Parse(cs, text)
			if err != nil || !bytes.Equal(back, canonical) {
				t.Fatalf("parse %q = %v, %v, want %v", text, back, err, canonical)
			}
			distinct[string(canonical)], texts[text] = true, true
		})
		if got := space.Raw(cs); got.Cmp(big.NewInt(int64(raw))) != 0 {
			t.Fatalf("raw = %v, want %d", got, raw)
		}
		if got := space.Count(cs); got.Cmp(big.NewInt(int64(len(distinct)))) != 0 || len(texts) != len(distinct) {
			t.Fatalf("count = %v, want %d (%d texts)", got, len(distinct), len(texts))
		}
		for _, rnd := range []space.Genes{space.Random(cs, rng), space.Sized(cs, rng)} {
			if !distinct[string(rnd)] {
				t.Fatalf("random genes %v are not canonical", rnd)
			}
		}
	}
}

func TestProbesDifferInOneCandidate(t *testing.T) {
	cs := []space.Choice{{Name: "a", Values: []string{"3", "2", "1"}}, {Name: "b", Values: []string{"1"}}, {Name: "c", Values: []string{"2", "1"}, Live: space.Need{Gene: 0, Below: 1}}}
	var got []string
	for _, g := range space.Probes(cs) {
		got = append(got, space.Format(cs, g))
	}
	if s := strings.Join(got, " "); s != "a=2 a=1 c=1" {
		t.Errorf("probes %q", s)
	}
}

// TestSizedReachesBothEnds: of many choices, uniform draws are all of about the middle; sized ones are near the original and near the smallest, too.
func TestSizedReachesBothEnds(t *testing.T) {
	cs := make([]space.Choice, 40)
	for i := range cs {
		cs[i] = space.Choice{Name: fmt.Sprint("c", i), Values: make([]string, 3)}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	ends := func(draw func([]space.Choice, *rand.Rand) space.Genes) (least, most float64) {
		least = 1
		for range 300 {
			sum := 0
			for _, v := range draw(cs, rng) {
				sum += int(v)
			}
			share := float64(sum) / float64(2*len(cs))
			least, most = min(least, share), max(most, share)
		}
		return least, most
	}
	if least, most := ends(space.Random); least < 0.2 || most > 0.8 {
		t.Errorf("uniform draws are from %.2f to %.2f", least, most)
	}
	if least, most := ends(space.Sized); least > 0.1 || most < 0.9 {
		t.Errorf("sized draws are from %.2f to %.2f only", least, most)
	}
}

func TestCountOfPaperSpace(t *testing.T) {
	cs := []space.Choice{{Name: "resolution", Values: make([]string, 25)}}
	for s, blocks := range []int{3, 4, 6, 3} {
		depth := uint8(len(cs))
		cs = append(cs, space.Choice{Name: fmt.Sprint("d", s), Values: make([]string, 3)})
		for b := range blocks {
			c := space.Choice{Name: fmt.Sprint("e", s, b), Values: make([]string, 3)}
			if keep := blocks - b; keep <= 2 {
				c.Live = space.Need{Gene: depth, Below: uint8(keep)}
			}
			cs = append(cs, c)
		}
	}
	if err := space.Check(cs); err != nil {
		t.Fatal(err)
	}
	want := big.NewInt(25)
	for _, blocks := range []int64{3, 4, 6, 3} {
		sum := new(big.Int)
		for cut := range int64(3) {
			sum.Add(sum, new(big.Int).Exp(big.NewInt(3), big.NewInt(blocks-cut), nil))
		}
		want.Mul(want, sum)
	}
	if got := space.Count(cs); got.Cmp(want) != 0 {
		t.Errorf("count %v, want %v", got, want)
	}
	if got := space.Raw(cs).String(); got != "87169610025" { // 25*3^4*3^16
		t.Errorf("raw %v", got)
	}
}

func TestParseListsAllMistakesWithRemedies(t *testing.T) {
	cs := []space.Choice{{Name: "resolution", Values: []string{"32", "28"}}, {Name: "stage3.depth", Values: []string{"3", "2"}}}
	_, err := space.Parse(cs, "resolutoin=28, stage3.depth=5,stage3,resolution=32,resolution=28")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`no choice "resolutoin", did you mean resolution?`, `no value "5", want one of 3 2`, `"stage3": want name=value`, "both 32 and 28"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
}

func TestCheckListsAllMistakes(t *testing.T) {
	cs := []space.Choice{
		{Name: "a", Values: []string{"1"}},
		{Name: "a", Values: nil},
		{Name: "b", Values: []string{"1"}, Live: space.Need{Gene: 9, Below: 1}},
		{Name: "c", Values: []string{"1"}, Live: space.Need{Gene: 0, Below: 1}},
		{Name: "d", Values: []string{"1"}, Live: space.Need{Gene: 3, Below: 1}},
	}
	err := space.Check(cs)
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("want four errors, got:\n%v", err)
	}
}

func FuzzParse(f *testing.F) {
	cs := random(rand.New(rand.NewPCG(3, 3)))
	f.Add("original")
	f.Add("stage0.c=9")
	f.Add("stage0.c=,,=")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := space.Parse(cs, text)
		if err != nil {
			return
		}
		again, err := space.Parse(cs, space.Format(cs, g))
		if err != nil || !bytes.Equal(g, again) {
			t.Fatalf("%q: %v, then %v (%v)", text, g, again, err)
		}
	})
}

// TestParseTellsVersion1: version 1 counted the blocks without choices, too.
func TestParseTellsVersion1(t *testing.T) {
	cs := []space.Choice{
		{Name: "resolution", Values: []string{"32", "28"}},
		{Name: "stage0.0.expand", Was: "stage0.1.expand", Values: []string{"6", "3"}},
		{Name: "stage1.0.expand", Values: []string{"6", "3"}},
	}
	for text, want := range map[string]string{
		"stage0.1.expand=3":               `subnet "stage0.1.expand=3" was written by version 1; write "stage0.0.expand=3"`,
		"resolution=28,stage0.1.expand=3": `subnet "resolution=28,stage0.1.expand=3" was written by version 1; write "resolution=28,stage0.0.expand=3"`,
		"stage0.2.expand=3":               `subnet "stage0.2.expand=3": no choice "stage0.2.expand", did you mean stage0.0.expand?`,
	} {
		if _, err := space.Parse(cs, text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	g, err := space.Parse(space.Version1(cs), "stage0.1.expand=3,stage1.0.expand=3")
	if err != nil || space.Format(cs, g) != "stage0.0.expand=3,stage1.0.expand=3" {
		t.Errorf("version 1: %v, %v", g, err)
	}
	if cs[1].Name != "stage0.0.expand" {
		t.Error("the choices themselves were renamed")
	}
}
