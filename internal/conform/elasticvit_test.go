package conform

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestElasticViT is the last row of the paper's table 3, on the network behind it. Flattening a map is a stage in its file, so that stages have other numbers
// than in the authors' lists.
func TestElasticViT(t *testing.T) {
	needs.Time(t)
	model := filepath.Join(os.Getenv(Models), "elasticvit.tr.onnx")
	if _, err := os.Stat(model); err != nil || os.Getenv(Models) == "" {
		t.Skip("set " + Models + " to a folder with elasticvit.tr.onnx to run this test")
	}
	authors, err := os.ReadFile(filepath.Join("testdata", "elasticvit.toml"))
	if err != nil {
		t.Fatal(err)
	}
	skipped := func(key string, kept ...int) string {
		var list []string
		for s := range 27 {
			if !slices.Contains(kept, s) {
				list = append(list, fmt.Sprint(s))
			}
		}
		authors = regexp.MustCompile(`(?m)^`+key+` = .*$`).ReplaceAll(authors, []byte(key+" = ["+strings.Join(list, ", ")+"]"))
		config := filepath.Join(t.TempDir(), "autotailor.toml")
		if err := os.WriteFile(config, authors, 0o600); err != nil {
			t.Fatal(err)
		}
		return config
	}
	transformers := []int{7, 12, 17, 22}
	skipped("reduce_depth_skipped", append([]int{1, 2}, transformers...)...)
	for _, row := range []struct {
		config        string
		modifications int
		raw           string
	}{
		{skipped("BottleneckResidualBlock_skipped", 1, 2), 300, "3.50e+41"},
		{skipped("BottleneckResidualBlock_skipped", 1, 2, 5, 10, 15, 20), 324, "1.44e+45"}, // 1.4355e45; the paper cuts the digits off
	} {
		c, err := gen.Job{Config: row.config, Model: model}.Compile()
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := c.Net.Raw.Float64()
		if text := fmt.Sprintf("%.2e", raw); c.Net.Modifications != row.modifications || text != row.raw {
			t.Errorf("%d modifications and %s variants, want %d and %s", c.Net.Modifications, text, row.modifications, row.raw)
		}
		depths := map[int]int{}
		for _, ch := range c.Net.Choices {
			switch ch.Kind {
			case supernet.Depth:
				depths[ch.Stage] = len(ch.Candidates)
			case supernet.Resolution:
				if len(ch.Candidates) != 33 {
					t.Errorf("resolutions %v, want all 33", ch.Candidates)
				}
			}
		}
		for _, s := range transformers {
			if depths[s] < 5 {
				t.Errorf("stage %d has %d depths", s, depths[s])
			}
		}
		start := time.Now()
		r, err := search.Front(context.Background(), compiledProblem(t, c), search.Options{})
		if err != nil {
			t.Fatal(err)
		}
		total := space.Raw(compiledProblem(t, c).Choices)
		t.Logf("%d modifications: enumerated in %v, front of %d points in %v, of %v SubNets", c.Net.Modifications, c.Timings.Enumerate, len(r.Points), time.Since(start), total)
	}
}
