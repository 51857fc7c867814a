package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/vit"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/command/cli"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/deploy/ncnn"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// TestExportSaysWhoseStatistics: a SubNet with the original's statistics is written with a warning, which text, JSON and the file itself have. There is
// none for the original, for recalibrated SubNets and for networks without batch normalisations.
func TestExportSaysWhoseStatistics(t *testing.T) {
	const warning = "BatchNorms of this SubNet have the statistics of the original network, not their own"
	for _, c := range []struct {
		name, args, want string
		net              *supernet.Net
	}{
		{"borrowed", "--subnet stage2.depth=2", "borrowed", mobilenetv2.Definition()},
		{"apart", "--subnet resolution=16 --fold-batch-norm=false", "borrowed", mobilenetv2.Definition()},
		{"ncnn", "--subnet stage2.depth=2 --format ncnn", "borrowed", mobilenetv2.Definition()},
		{"own", "--subnet stage2.depth=2 --calibrate 20 --recalibrate " + images, "recalibrated", mobilenetv2.Definition()},
		{"original", "--subnet original", "original", mobilenetv2.Definition()},
		{"vit", "--subnet resolution=16", "none", vit.Definition()},
	} {
		out := filepath.Join(t.TempDir(), c.name)
		args := append([]string{"export", "--model", "../../../generated/models/" + c.net.Package + ".onnx", "--out", out, "--json"}, strings.Fields(c.args)...)
		var result, errs bytes.Buffer
		if code := cli.Run(t.Context(), c.net, args, &result, &errs, options()); code != 0 {
			t.Fatalf("%s: exit code %d, %s", c.name, code, errs.String())
		}
		var r struct{ Statistics, Warning string }
		if err := json.Unmarshal(result.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		warned := c.want == "borrowed"
		if r.Statistics != c.want || strings.Contains(r.Warning, warning) != warned || strings.Contains(errs.String(), "warning: ") != warned {
			t.Errorf("%s: %+v, want %s; %s", c.name, r, c.want, errs.String())
		}
		if warned && !strings.Contains(errs.String(), "--recalibrate DIR") {
			t.Errorf("%s: the warning does not say what to do: %s", c.name, errs.String())
		}
		if got := noted(t, out); got != c.want {
			t.Errorf("%s: the file says %q, want %q", c.name, got, c.want)
		}
	}
}

// noted is what an exported file says of its statistics.
func noted(t *testing.T, path string) string {
	t.Helper()
	const key = "autotailor.statistics"
	if param, err := os.ReadFile(path + ".param"); err == nil {
		bin, err := os.ReadFile(path + ".bin")
		if err != nil {
			t.Fatal(err)
		}
		m, err := ncnn.Read(param, bin)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(m.Notes, func(n string) bool { return strings.HasPrefix(n, key+": ") })
		if i < 0 {
			return ""
		}
		return strings.TrimPrefix(m.Notes[i], key+": ")
	}
	m, err := onnxfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return m.Metadata[key]
}

// tables writes made-up tables: latencies that follow from MACs, accuracies of the weights with a digest.
func tables(t *testing.T, dir string, h accuracy.Header) (latencies, accuracies string) {
	t.Helper()
	return tablesOf(t, dir, h, 3)
}

// tablesOf are tables in which each step of a choice loses some of 1000 images.
func tablesOf(t *testing.T, dir string, h accuracy.Header, loss int) (latencies, accuracies string) {
	t.Helper()
	net := mobilenetv2.Definition()
	l := lut.New(net, lut.HeaderOf(net))
	for id := range l.Rows {
		l.Rows[id].N, l.Rows[id].Min, l.Rows[id].Median = 1, 1, time.Duration(500+net.Ops[id].MACs/100)
	}
	h.Images, h.Data, h.Resize, h.Engine = 1000, "made up", "none", "none"
	a := accuracy.New(net, h)
	a.Base = 950
	for _, list := range a.Correct {
		for v := 1; v < len(list); v++ {
			list[v] = max(0, 950-loss*v)
		}
	}
	latencies, accuracies = filepath.Join(dir, "net.lut"), filepath.Join(dir, "net.acc")
	if err := l.WriteFile(latencies); err != nil {
		t.Fatal(err)
	}
	if err := a.WriteFile(accuracies, net); err != nil {
		t.Fatal(err)
	}
	return latencies, accuracies
}

// TestBundleSaysWhoseStatistics: the manifest marks SubNets with the original's statistics, the command warns of them, and a recalibrated bundle has none.
func TestBundleSaysWhoseStatistics(t *testing.T) {
	dir := t.TempDir()
	latencies, accuracies := tables(t, dir, accuracy.Header{})
	for name, more := range map[string][]string{"plain": {"--no-recalibration"}, "own": {"--recalibrate", images, "--calibrate", "20"}} {
		to := filepath.Join(dir, name)
		args := append([]string{"export", "--model", model, "--lut", latencies, "--accuracy", accuracies, "--front", "3", "--dir", to}, more...)
		code, _, errs := invoke(t.Context(), args...)
		if code != 0 {
			t.Fatalf("%s: exit code %d, %s", name, code, errs)
		}
		b, err := bundle.Open(to, mobilenetv2.Definition())
		if err != nil {
			t.Fatal(err)
		}
		plain, marked := name == "plain", 0
		for _, s := range b.SubNets {
			if s.Borrowed != (plain && s.SubNet != "original") {
				t.Errorf("%s: %+v", name, s)
			}
			if s.Borrowed {
				marked++
			}
		}
		if strings.Contains(errs, "warning: ") != plain || plain && (marked < 2 || !strings.Contains(errs, "give --recalibrate DIR")) {
			t.Errorf("%s: %d SubNets are marked, %q", name, marked, errs)
		}
	}
}
