// Package examples has no code of its own: it tests the worked examples in the folders below.
package examples

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/generated/examples/spam"
	"github.com/autotailor/autotailor/generated/examples/unet"
	"github.com/autotailor/autotailor/runtime/command/cli"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// example is one of them. Its quality in the table is that of the whole test split.
type example struct {
	name     string
	net      *supernet.Net
	data     string
	task     string
	settings data.Settings
	scale    float64 // of the table's numbers
}

func list() []example {
	return []example{
		{"spam", spam.Definition(), "spam/data", "", data.Settings{Columns: data.Columns{Label: "label"}}, 100},
		{"unet", unet.Definition(), "unet/data", "segmentation", data.Settings{
			Columns: data.Columns{Label: "mask"}, Size: data.Size{Channels: 1, Side: 48}, Transform: data.Transform{Mean: []float32{0.25}, Std: []float32{0.27}},
		}, 100},
	}
}

// TestPackages: what the generator writes today is what is committed.
func TestPackages(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "autotailor")
	if out, err := exec.Command("go", "build", "-o", tool, "github.com/autotailor/autotailor/gen/autotailor").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, e := range list() {
		cmd := exec.Command(tool, "gen", "--check")
		cmd.Dir = e.name
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", e.name, err, out)
		}
	}
}

// TestSmallest: the smallest SubNet, exported from the tuned weights and read back as any ONNX file is, does as well as the table in README.md says, on the
// whole test split. The largest one is near the table's number on a few samples.
func TestSmallest(t *testing.T) {
	for _, e := range list() {
		smallest, choices := e.row(t, "smallest")
		path := filepath.Join(t.TempDir(), e.name+".onnx")
		var errs bytes.Buffer
		args := []string{"export", "--model", filepath.Join(e.name, "tuned.onnx"), "--subnet", choices, "--out", path}
		if code := cli.Run(t.Context(), e.net, args, &bytes.Buffer{}, &errs, cli.Options{Engines: []cli.Engine{{Name: "embedded", Open: embedded.Open}}}); code != 0 {
			t.Fatalf("%s: export ends with %d:\n%s", e.name, code, errs.String())
		}
		if got := e.quality(t, path, 0); math.Abs(got-smallest) > 0.6*e.digit() {
			t.Errorf("%s: the smallest SubNet has %g, the table says %g", e.name, got, smallest)
		}
		const few, errors = 100, 3
		largest, _ := e.row(t, "largest")
		if got := e.quality(t, filepath.Join(e.name, "tuned.onnx"), few); math.Abs(got-largest) > errors*0.5*e.scale/math.Sqrt(few) {
			t.Errorf("%s: the largest SubNet has %g on %d samples, the table says %g", e.name, got, few, largest)
		}
	}
}

// digit is one unit of the last digit of the table's numbers.
func (e example) digit() float64 {
	if e.scale == 1 {
		return 1e-3
	}
	return 0.1
}

// row reads a line of the table: the quality, and the choices.
func (e example) row(t *testing.T, name string) (float64, string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(e.name, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile("(?m)^\\| " + name + " \\| ([0-9.]+) \\|.*`(.*)` \\|$").FindSubmatch(text)
	if line == nil {
		t.Fatalf("%s: README.md has no row %q", e.name, name)
	}
	q, err := strconv.ParseFloat(string(line[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return q, string(line[2])
}

// quality counts a file on the first n samples of the test split, 0 for all, as the table does.
func (e example) quality(t *testing.T, path string, n int) float64 {
	t.Helper()
	q, err := e.count(path, n)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return q
}

func (e example) count(path string, n int) (float64, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	g, err := gen.ParseNetwork(raw)
	if err != nil {
		return 0, err
	}
	w, err := onnxfile.Parse(raw)
	if err != nil {
		return 0, err
	}
	s, err := data.OpenSamples(e.data, "test", data.InputsOf(g), e.settings)
	if err != nil {
		return 0, err
	}
	if n > 0 {
		s = s.Slice(0, n)
	}
	task, err := data.TaskConfig{Name: e.task}.Task()
	if err != nil {
		return 0, err
	}
	judge, err := task.Judge(g, s)
	if err != nil {
		return 0, err
	}
	session, err := embedded.New(embedded.Options{}).Compile(g, w)
	if err != nil {
		return 0, err
	}
	defer session.Close()
	sum := 0.0
	const batch = 50
	for from := 0; from < s.Len(); from += batch {
		samples := data.Numbers(from, min(from+batch, s.Len()))
		q, err := batchQuality(session.Run, g, s, judge, samples)
		if err != nil {
			return 0, err
		}
		for _, v := range q {
			sum += v
		}
	}
	q := sum / float64(s.Len())
	if task.Metric.LowerIsBetter {
		return (1 - q) * judge.Worst, nil
	}
	return q * e.scale, nil
}

// batchQuality runs a network on some samples and judges what it computes.
func batchQuality(run func(in ...nn.Tensor) ([]nn.Tensor, error), g *nn.Graph, s data.Samples, judge *data.Judge, samples []int) ([]float64, error) {
	x, err := s.Inputs(data.InputsOf(g), samples)
	if err != nil {
		return nil, err
	}
	out, err := run(x...)
	if err != nil {
		return nil, err
	}
	b, err := judge.Batch(s, samples, out, nil)
	if err != nil {
		return nil, err
	}
	q, err := judge.Quality(b)
	if err == nil && len(q) != len(samples) {
		err = fmt.Errorf("%d qualities of %d samples", len(q), len(samples))
	}
	return q, err
}
