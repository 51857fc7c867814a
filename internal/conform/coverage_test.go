package conform

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/space"
)

// enough is the part of a family's parameters and MACs that has to be elastic under what `init` proposes.
const enough = 0.95

// fewest is what the smallest SubNet may keep of the MACs at full resolution.
const fewest = 0.35

// TestCoverage: of the committed models, and of those in the folder that AUTOTAILOR_MODELS names, nearly everything can vary, every free axis belongs to a
// choice, and the smallest SubNet is small.
func TestCoverage(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	files, err := filepath.Glob(modelPath("*"))
	if err != nil || len(files) < 7 {
		t.Fatalf("%d models, %v", len(files), err)
	}
	if dir := os.Getenv(Models); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	for _, f := range files {
		covers(t, f)
	}
}

// TestCoverageOfStrangers asks the same of small models of other forms.
func TestCoverageOfStrangers(t *testing.T) {
	needs.Clone(t)
	for _, name := range []string{"detrx00", "detrx01", "ddec00", "ddec01", "plain3", "sehard", "unet", "encdecpre", "res2net", "edsr", "wavenet", "pointnet", "rs_expand",
		"dense", "bertmask", "bertnomask", "decoder", "decodercache", "decodertile", "relativebias", "torchdecoder", "parallel", "llamagqa", "moe"} {
		covers(t, filepath.Join("testdata", "strangers", name+".onnx"))
	}
}

// TestCoverageOfZoo: no free axis of the architectures is without a choice.
func TestCoverageOfZoo(t *testing.T) {
	for name, build := range allArchitectures() {
		c, err := proposed(t, zooModel(t, build)).Compile()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r, err := c.Inspect()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Logf("%s: %.1f %% of parameters and %.1f %% of MACs are elastic, the smallest SubNet keeps %.1f and %.1f %%", name,
			100*r.Coverage.Params, 100*r.Coverage.MACs, 100*r.Smallest.Params, 100*r.Smallest.MACs)
		if len(r.Unowned) > 0 {
			t.Errorf("%s: axes without a choice: %v", name, r.Unowned)
		}
	}
}

// TestMasksCostNothing: a Transformer has the same SubNets with a mask that all layers read and without.
func TestMasksCostNothing(t *testing.T) {
	var distinct []string
	for _, name := range []string{"bertmask", "bertnomask"} {
		path, err := filepath.Abs(filepath.Join("testdata", "strangers", name+".onnx"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := proposed(t, path).Compile()
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Inspect()
		if err != nil {
			t.Fatal(err)
		}
		distinct = append(distinct, fmt.Sprint(r.VariantsDistinct))
	}
	if distinct[0] != distinct[1] || len(distinct[0]) < 4 {
		t.Errorf("%s SubNets with a mask, %s without", distinct[0], distinct[1])
	}
}

// TestCachesGoWithTheirLayers: a SubNet without a layer has neither what the layer kept of earlier calls nor what it keeps for later ones, and
// needs no memory for them.
func TestCachesGoWithTheirLayers(t *testing.T) {
	_, p, _ := opened(t, filepath.Join("testdata", "strangers", "decodercache.onnx"))
	genes := make(space.Genes, len(p.Choices))
	for g, c := range p.Choices {
		if c.Kind == "depth" {
			genes[g] = uint8(len(c.Candidates) - 1)
		}
	}
	var names []string
	g, _ := described(t, p, genes)
	for _, v := range slices.Concat(g.Inputs, g.Outputs) {
		names = append(names, g.Values[v].Name)
	}
	want := []string{"input_ids", "attention_mask", "position_ids", "past_key_values.0.key", "past_key_values.0.value", "logits", "present.0.key", "present.0.value"}
	if !slices.Equal(names, want) {
		t.Errorf("inputs and outputs are %v, want %v", names, want)
	}
	net := definition(t, p)
	peak, err := net.Peak()
	if err != nil {
		t.Fatal(err)
	}
	bound := g.Bind(1)
	most, live := int64(0), int64(0)
	for _, step := range g.Steps() {
		for _, v := range step.Made {
			live += 4 * bound.Values[v].Shape.Elements()
		}
		most = max(most, live)
		for _, v := range step.Freed {
			live -= 4 * bound.Values[v].Shape.Elements()
		}
	}
	tables := int64(2 * 4 * 16) // of cosines and sines, which the original keeps for the second layer
	if got := peak.Activations.At(genes); got != most+tables {
		t.Errorf("activations take %d bytes, want %d", got, most+tables)
	}
}

// covers checks what `init` proposes for a model.
func covers(t *testing.T, file string) {
	t.Helper()
	path, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := proposed(t, path).Compile()
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Inspect()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(file)
	t.Logf("%s: %.2f %% of parameters and %.2f %% of MACs are elastic, the smallest SubNet keeps %.1f and %.1f %%", name,
		100*r.Coverage.Params, 100*r.Coverage.MACs, 100*r.Smallest.Params, 100*r.Smallest.MACs)
	if len(r.Unowned) > 0 {
		t.Errorf("%s: axes without a choice: %v", name, r.Unowned)
	}
	if r.Smallest.MACs > fewest {
		t.Errorf("%s: the smallest SubNet keeps %.1f %% of the MACs", name, 100*r.Smallest.MACs)
	}
	if r.Coverage.Params < enough || r.Coverage.MACs < enough {
		t.Errorf("%s: %.2f %% of parameters and %.2f %% of MACs are elastic", name, 100*r.Coverage.Params, 100*r.Coverage.MACs)
	}
}
