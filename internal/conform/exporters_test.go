package conform

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
)

// exports groups model files by network: "levit.ts.onnx" and "levit.dy.onnx" are one. Those that are committed for their structure have
// no weights.
func exports(t *testing.T, weights bool) [][]string {
	t.Helper()
	needs.Clone(t)
	committed, err := filepath.Glob(modelPath("*"))
	if err != nil {
		t.Fatal(err)
	}
	packed, err := filepath.Glob(filepath.Join("testdata", "exports", "*.gz"))
	if err != nil || len(packed) == 0 {
		t.Fatalf("%d packed exports, %v", len(packed), err)
	}
	if !weights {
		for _, f := range packed {
			committed = append(committed, unpacked(t, f))
		}
	}
	all := byNetwork(committed)
	if dir := os.Getenv(Models); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, byNetwork(more)...)
	}
	return slices.DeleteFunc(all, func(files []string) bool { return len(files) < 2 })
}

func byNetwork(files []string) [][]string {
	by := map[string][]string{}
	for _, f := range files {
		name, _, _ := strings.Cut(filepath.Base(f), ".")
		by[name] = append(by[name], f)
	}
	return slices.Collect(maps.Values(by))
}

// unpacked writes a packed model to a folder of its own. The packed ones were exported by PyTorch's dynamo exporter from the networks of
// generated/models; their weights are zero, so that they are small.
func unpacked(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(path), ".gz"))
	write(t, out, string(data))
	return out
}

// TestExportersAgree: whichever exporter wrote a network, `init` proposes the same space.
func TestExportersAgree(t *testing.T) {
	needs.Time(t)
	for _, files := range exports(t, false) {
		var first []string
		for k, f := range files {
			path, err := filepath.Abs(f)
			if err != nil {
				t.Fatal(err)
			}
			c, err := proposed(t, path).Compile()
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for _, x := range choicesOf(c) {
				list = append(list, fmt.Sprint(x.Name, x.Values, x.Live))
			}
			if list = append(list, fmt.Sprint(c.Net.Distinct())); k == 0 {
				first = list
			}
			if !slices.Equal(list, first) {
				t.Errorf("%s gives\n%s\n%s\n%s", filepath.Base(files[0]), strings.Join(first, "\n"), filepath.Base(f), strings.Join(list, "\n"))
			}
		}
		t.Logf("%s and %d more: %d choices, %s distinct SubNets", filepath.Base(files[0]), len(files)-1, len(first)-1, first[len(first)-1])
	}
}

// TestResolutionsAgree: SubNets of one network under other resolutions compute the same from each exporter's file, though one has biases
// by index and normalisations of their own, and the other has them folded.
func TestResolutionsAgree(t *testing.T) {
	needs.Time(t)
	if os.Getenv(Models) == "" {
		t.Skip("set " + Models + " to a folder with models of several exporters to run this test")
	}
	e := runtimeEngine(t)
	outputs := func(path string) (names []string, outs [][]float32) {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := proposed(t, path).Compile()
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.View("net")
		if err != nil {
			t.Fatal(err)
		}
		w, err := onnxfile.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		choices := choicesOf(c)
		at := slices.IndexFunc(choices, func(x space.Choice) bool { return x.Kind == "resolution" })
		if at < 0 {
			t.Fatalf("%s: the resolution does not vary: %v", path, c.Net.Warnings)
		}
		for k, v := range choices[at].Values {
			genes := make(space.Genes, len(choices))
			genes[at] = uint8(k)
			g, in := described(t, p, genes)
			out := filepath.Join(t.TempDir(), "subnet.onnx")
			exportGraph(t, out, g, w)
			names, outs = append(names, v), append(outs, evaluate(t, e, out, []nn.Tensor{in[0]}...))
		}
		return names, outs
	}
	for _, files := range exports(t, true) {
		for _, f := range files[1:] {
			names, want := outputs(files[0])
			others, got := outputs(f)
			if !slices.Equal(names, others) {
				t.Errorf("%s: resolutions %v, %s: %v", filepath.Base(files[0]), names, filepath.Base(f), others)
				continue
			}
			for k := range names {
				if d := distance(want[k], got[k]); d > sameAsReference {
					t.Errorf("at %s pixels %s and %s are %g apart", names[k], filepath.Base(files[0]), filepath.Base(f), d)
				}
			}
		}
	}
}
