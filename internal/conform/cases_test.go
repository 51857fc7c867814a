package conform

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
)

// caseRow is what is right for a model that stands for a kind of trouble.
type caseRow struct {
	file     string
	coverage float64 // of parameters and MACs, at least; 0 is 1
	smallest float64 // share of the MACs that the smallest SubNet keeps at most; 0 is 0.35
	like     string  // a case that has as many SubNets: the same network in another form
	only     string  // why the original with zeros is no reference: only the sliced one knows
	unsliced bool    // the sliced reference has no rule for an operator: only zeros tell
	warned   string  // part of the one warning, for models that leave something out
	refused  string  // part of the error, for models that are refused
}

// TestCases: models that stand for kinds of trouble that people reported are what a user expects: elastic as far as they can be, equal to their references in
// ONNX Runtime, proven. `go test ./internal/conform -run TestCases -v | grep case:` prints the table.
func TestCases(t *testing.T) {
	needs.Clone(t)
	needs.Time(t)
	e := runtimeEngine(t)
	for _, row := range cases {
		t.Run(row.file, func(t *testing.T) { row.check(t, e) })
	}
}

// caseFile is the path of a case's model.
func caseFile(t *testing.T, name string) string {
	t.Helper()
	for _, pattern := range []string{"*", "."} {
		found, err := filepath.Glob(filepath.Join("testdata", pattern, name+".onnx"))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 1 {
			path, err := filepath.Abs(found[0])
			if err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	t.Fatalf("no model %s", name)
	return ""
}

// TestDoublingConcats: a network whose Concats double their results is bounded at once.
func TestDoublingConcats(t *testing.T) {
	needs.Clone(t)
	from := time.Now()
	c, err := proposed(t, caseFile(t, "concat24")).Compile()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Inspect(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(from); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func (row caseRow) check(t *testing.T, e *ort.Engine) {
	path := caseFile(t, row.file)
	if row.refused != "" {
		_, _, err := gen.Init(path, ".", nil)
		if err == nil || !strings.Contains(err.Error(), row.refused) {
			t.Errorf("want an error with %q, got %v", row.refused, err)
		}
		t.Logf("case: %s | refused: %s", row.file, row.refused)
		return
	}
	c, p, w := opened(t, path)
	r, err := c.Inspect()
	if err != nil {
		t.Fatal(err)
	}
	row.inspected(t, r)
	proof, err := c.Proof(gen.ProveQuick)
	if err != nil {
		t.Fatal(err)
	}
	if proof.Status != "proven" {
		t.Errorf("the proof says %s", proof)
	}
	choices, rng := choicesOf(c), rand.New(rand.NewPCG(37, 37))
	var worst [2]float64
	for k := range casePicks {
		genes := make(space.Genes, len(choices))
		switch {
		case k == 1: // the smallest
			for i, c := range choices {
				genes[i] = uint8(len(c.Values) - 1)
			}
		case k > 1:
			genes = space.Random(choices, rng)
		}
		if !row.unsliced {
			worst[0] = max(worst[0], oneSubNet(t, e, p, choices, genes, w, path))
		}
		for i, c := range choices {
			if c.Kind == "resolution" { // zeros do not move a resolution
				genes[i] = 0
			}
		}
		if row.only == "" {
			worst[1] = max(worst[1], fromZeros(t, e, p, choices, genes, w, path))
		}
	}
	if !(max(worst[0], worst[1]) < 1e-5) {
		t.Errorf("SubNets are %g from the sliced references, and %g from the original with zeros", worst[0], worst[1])
	}
	text := fmt.Sprintf("%.1g from sliced, %.1g from zeros", worst[0], worst[1])
	switch {
	case row.only != "":
		text = fmt.Sprintf("%.1g from sliced", worst[0])
	case row.unsliced:
		text = fmt.Sprintf("%.1g from zeros", worst[1])
	}
	t.Logf("case: %-13s | coverage %.3f/%.3f | smallest %.3f/%.3f | %v SubNets | %s | %.120v", row.file, r.Coverage.Params, r.Coverage.MACs,
		r.Smallest.Params, r.Smallest.MACs, r.VariantsDistinct, text, proof.String())
}

// casePicks is the number of SubNets of a case that are compared: the original, the smallest, and random ones.
const casePicks = 6

// fromZeros is how far a SubNet is from the original with zeros instead of the weights that it lacks.
func fromZeros(t *testing.T, e *ort.Engine, p *view.Package, choices []space.Choice, genes space.Genes, w *onnxfile.Model, path string) float64 {
	t.Helper()
	g, in := described(t, p, genes)
	dir := t.TempDir()
	sub, reference := filepath.Join(dir, "subnet.onnx"), filepath.Join(dir, "zeroed.onnx")
	exportGraph(t, sub, g, w)
	lost := zeroed(t, path, sub, reference)
	d := distance(evaluate(t, e, reference, in...), evaluate(t, e, sub, in...))
	if !(d < 1e-5) {
		t.Errorf("%s: %g from the original with zeros; not found there: %v", space.Format(choices, genes), d, lost)
	}
	return d
}

// inspected compares what inspect tells.
func (row caseRow) inspected(t *testing.T, r *gen.Report) {
	t.Helper()
	least, most := row.coverage, row.smallest
	if least == 0 {
		least = 0.9999
	}
	if most == 0 {
		most = fewest
	}
	if r.Coverage.Params < least || r.Coverage.MACs < least {
		t.Errorf("coverage is %v", r.Coverage)
	}
	if r.Smallest.MACs > most {
		t.Errorf("the smallest SubNet keeps %v", r.Smallest)
	}
	if row.like != "" {
		twin, err := proposed(t, caseFile(t, row.like)).Compile()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := r.VariantsDistinct, twin.Net.Distinct(); got.Cmp(want) != 0 {
			t.Errorf("%v SubNets, %s has %v", got, row.like, want)
		}
	}
	if len(r.Unowned) > 0 || len(r.Uncounted) > 0 {
		t.Errorf("unowned %v, not counted %v", r.Unowned, r.Uncounted)
	}
	if row.warned != "" {
		if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], row.warned) {
			t.Errorf("warnings %q, want one with %q", r.Warnings, row.warned)
		}
	} else if len(r.Warnings) > 0 {
		t.Errorf("warnings %q", r.Warnings)
	}
}

// What a reference with zeros does not know.
const (
	normalised = "a cut axis is normalised or reduced"
	repeated   = "a layer is applied several times: without its weights no application would be there"
)

var cases = []caseRow{
	{file: "bntraining", refused: "training form"},
	{file: "convbias_bn"},
	{file: "crnnlstm"},
	{file: "ddec00", only: normalised},
	{file: "ddec01", only: normalised},
	{file: "detrx00", only: normalised},
	{file: "detrx01", only: normalised},
	{file: "diffusion", only: normalised},
	{file: "edsr"},
	{file: "encdecpre", only: normalised},
	{file: "gan", coverage: 0.9997, unsliced: true},
	{file: "gridadd"},
	{file: "groupnorm18", coverage: 0.9997, only: normalised},
	{file: "ifconst", like: "odd_zero"},
	{file: "llamagqa", only: normalised},
	{file: "llamamha", only: normalised},
	{file: "llamaop23", like: "llamagqa", only: normalised},
	{file: "loop"},
	{file: "lstm"},
	{file: "mixtail"},
	{file: "mixtail2"},
	{file: "moe"},
	{file: "msfusedstride"},
	{file: "namedconst", like: "llamamha", only: normalised},
	{file: "nomask", only: normalised},
	{file: "odd_zero"},
	{file: "plain3"},
	{file: "pointnet"},
	{file: "qdq", unsliced: true},
	{file: "qlinear", unsliced: true},
	{file: "res2net"},
	{file: "retina", coverage: 0.9997},
	{file: "rs_anchors"},
	{file: "rs_expand"},
	{file: "rs_gather7"},
	{file: "segnet", unsliced: true},
	{file: "sehard", like: "plain3"},
	{file: "sigfinal", warned: "stage 0 keeps its first 3 blocks: without its weights the last of them would still add something, by node /Sigmoid_22 (Sigmoid)"},
	{file: "swish24", like: "odd_zero"},
	{file: "text", like: "nomask", only: normalised},
	{file: "tfdepthwise"},
	{file: "tfnhwc"},
	{file: "tiedlm"},
	{file: "unet"},
	{file: "universal", only: repeated},
	{file: "wavenet"},
	{file: "yolov5"},
	{file: "yolov8", like: "yolov8dynb", only: normalised},
	{file: "yolov8dynb", only: normalised},
}
