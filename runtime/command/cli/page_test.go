package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/command/report"

	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// TestCliffsAreNarrowerAndNotFaster: of widths 64, 60, 48 and 47, those slower than a wider one are found, and what they compare with is
// the fastest of the wider ones.
func TestCliffsAreNarrowerAndNotFaster(t *testing.T) {
	c := &call{net: &supernet.Net{Choices: []space.Choice{
		{Name: "width", Values: []string{"64", "60", "48", "47"}}, {Name: "depth", Values: []string{"2", "1"}},
	}}}
	cost, err := space.NewSum([]uint8{4, 2}, 100, []space.Term{{Deps: []uint8{0}, Table: []int64{50, 80, 20, 20}}, {Deps: []uint8{1}, Table: []int64{9, 3}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range c.cliffs(cost) {
		got = append(got, fmt.Sprintf("%s=%s by %s", x.Choice, x.Value, x.Wider))
	}
	if want := "[width=60 by 64 width=47 by 48]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestQuantitiesAreReadWithTheirUnits(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       int64 // 0 for a mistake
	}{
		{"latency", "2ms", 2e6}, {"latency", "1.5s", 15e8}, {"latency", "2", 0}, {"energy", "5mJ", 5e6}, {"params", "1e6", 1e6}, {"params", "1M", 1e6},
		{"memory", "3MB", 3e6}, {"memory", "1KiB", 1024}, {"memory", "-3MB", 0}, {"macs", "3MB", 0}, {"size", "", 0}, {"size", "NaN", 0}, {"flops", "1e300", 0},
	} {
		for _, q := range quantities() {
			if string(q.Quantity) != c.name {
				continue
			}
			if got, err := q.parse(c.text); got != c.want || (err == nil) != (c.want > 0) {
				t.Errorf("%s %q: got %d, %v, want %d", c.name, c.text, got, err, c.want)
			}
		}
	}
}

// TestCheckedFilesAreOneOrMany: what verify printed of one SubNet, a list, and neither.
func TestCheckedFilesAreOneOrMany(t *testing.T) {
	for text, want := range map[string]string{
		`{"subnet":"original","engines":[{"engine":"embedded","median_ms":1.5}],"predicted_ms":1.25}`:                       "[{original 1.25 1.5}]",
		`{"subnets":[{"subnet":"a=1","predicted_ms":2,"measured_ms":3},{"subnet":"a=2","predicted_ms":1,"measured_ms":1}]}`: "[{a=1 2 3} {a=2 1 1}]",
		`{"subnets":[{"subnet":"a=1","predicted_ms":2}]}`:                                                                   "verify with --lut and --json",
		`{"subnet":"original"}`: "verify with --lut and --json",
		`[]`:                    "is not what",
	} {
		path := filepath.Join(t.TempDir(), "x.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := checkedFiles("mobilenetv2", []string{path})
		var checked []report.Checked
		for _, k := range list {
			checked = append(checked, k.Checked)
		}
		if got := fmt.Sprint(checked, err); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
