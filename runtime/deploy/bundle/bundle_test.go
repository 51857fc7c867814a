package bundle_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

const model = "../../../generated/models/mobilenetv2.onnx"

func write(t testing.TB, dir string) bundle.Manifest {
	t.Helper()
	m, err := bundle.Write(dir, model, mobilenetv2.Definition(), bundle.Manifest{Device: "test", SubNets: []bundle.SubNet{
		{SubNet: "resolution=16", LatencyMS: 1, Accuracy: 0.5}, {SubNet: "original", LatencyMS: 2, Accuracy: 0.75},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestOpen: what is written is read again, and a bundle is not much larger than the model.
func TestOpen(t *testing.T) {
	needs.Clone(t)
	dir := t.TempDir()
	want := write(t, dir)
	b, err := bundle.Open(dir, mobilenetv2.Definition())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.SubNets, want.SubNets) || b.Weights != want.Weights || b.Model.SHA256 != want.Weights.SHA256 {
		t.Errorf("%+v, want %+v", b.Manifest, want)
	}
	i, err := os.Stat(model)
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	size := int64(0)
	for _, f := range files {
		s, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += s.Size()
	}
	if err != nil || size > i.Size()+4096 {
		t.Errorf("%d bytes for a model of %d, %v", size, i.Size(), err)
	}
}

// TestDamage: every kind of damage is an error that names it.
func TestDamage(t *testing.T) {
	needs.Clone(t)
	for _, c := range []struct {
		name, want string
		damage     func(t *testing.T, dir string, m *bundle.Manifest)
	}{
		{"other weights", "SHA-256", func(t *testing.T, dir string, _ *bundle.Manifest) {
			change(t, filepath.Join(dir, "weights.onnx"), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		}},
		{"short weights", "bytes", func(t *testing.T, dir string, _ *bundle.Manifest) {
			change(t, filepath.Join(dir, "weights.onnx"), func(b []byte) []byte { return b[:len(b)-1] })
		}},
		{"another folder", "own folder", func(_ *testing.T, _ string, m *bundle.Manifest) { m.Weights.File = "../weights.onnx" }},
		{"statistics elsewhere", "own folder", func(_ *testing.T, _ string, m *bundle.Manifest) {
			m.SubNets[1].Statistics = &bundle.File{File: "../../etc/passwd", Bytes: 1}
		}},
		{"huge statistics", "at most", func(_ *testing.T, _ string, m *bundle.Manifest) {
			m.SubNets[1].Statistics = &bundle.File{File: "statistics-1.onnx", Bytes: 1 << 40}
		}},
		{"no statistics", "statistics-1.onnx", func(_ *testing.T, _ string, m *bundle.Manifest) {
			m.SubNets[1].Statistics = &bundle.File{File: "statistics-1.onnx", Bytes: 1}
		}},
		{"another package", "export it again", func(_ *testing.T, _ string, m *bundle.Manifest) { m.Digest = "0" }},
		{"another SubNet", "SubNet 1", func(_ *testing.T, _ string, m *bundle.Manifest) { m.SubNets[1].SubNet = "stage9.depth=2" }},
		{"no SubNet", "0 SubNets", func(_ *testing.T, _ string, m *bundle.Manifest) { m.SubNets = nil }},
		{"another order", "fastest", func(_ *testing.T, _ string, m *bundle.Manifest) { slices.Reverse(m.SubNets) }},
		{"another format", "format", func(_ *testing.T, _ string, m *bundle.Manifest) { m.Format = "2" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			m := write(t, dir)
			c.damage(t, dir, &m)
			text, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			change(t, filepath.Join(dir, bundle.ManifestName), func([]byte) []byte { return text })
			if _, err := bundle.Open(dir, mobilenetv2.Definition()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func change(t *testing.T, path string, f func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestWriteNothing: SubNets or weights that do not fit leave no files.
func TestWriteNothing(t *testing.T) {
	dir := t.TempDir()
	one := []bundle.SubNet{{SubNet: "original"}}
	if _, err := bundle.Write(dir, model, mobilenetv2.Definition(), bundle.Manifest{}, nil); err == nil {
		t.Error("a bundle without SubNets")
	}
	if _, err := bundle.Write(dir, "../../../generated/models/vit.onnx", mobilenetv2.Definition(), bundle.Manifest{SubNets: one}, nil); err == nil {
		t.Error("weights of another model")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("%v, %v", files, err)
	}
}

// TestStatistics: what was recalibrated is read again, beside the weights that all SubNets share, and damage to it is an error.
func TestStatistics(t *testing.T) {
	needs.Clone(t)
	net, dir := mobilenetv2.Definition(), t.TempDir()
	w, err := onnxfile.Open(model)
	if err != nil {
		t.Fatal(err)
	}
	genes, err := net.Parse("stage2.1.expand=3")
	if err != nil {
		t.Fatal(err)
	}
	g, err := net.Record(genes)
	if err != nil {
		t.Fatal(err)
	}
	over := map[string]nn.Tensor{}
	for _, n := range g.Nodes {
		if n.Type == "BatchNormalization" {
			p := g.Values[n.In[3]].Param
			mean := make([]float32, p.Shape[0])
			for i := range mean {
				mean[i] = float32(i)
			}
			over[p.Name] = nn.FromFloat32s(p.Shape, mean)
		}
	}
	m := bundle.Manifest{SubNets: []bundle.SubNet{{SubNet: "stage2.1.expand=3", LatencyMS: 1}}}
	own := nn.Overlay(w, over)
	if m, err = bundle.Write(dir, model, net, m, []nn.Weights{own}); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(dir, net)
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Recalibrated(net, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range g.Values {
		if v.Param == nil {
			continue
		}
		x, err := nn.Fetch(own, *v.Param)
		if err != nil {
			t.Fatal(err)
		}
		if y, err := nn.Fetch(got, *v.Param); err != nil || !bytes.Equal(x.Raw, y.Raw) {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
	file := m.SubNets[0].Statistics
	if file == nil || file.Bytes > m.Weights.Bytes/10 {
		t.Fatalf("statistics %+v beside weights of %d bytes", file, m.Weights.Bytes)
	}
	change(t, filepath.Join(dir, file.File), func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	if _, err := bundle.Open(dir, net); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("damaged statistics: %v", err)
	}
}

// TestSpread: both ends, then what is far from the others.
func TestSpread(t *testing.T) {
	points := [][2]float64{{0, 0}, {1, 0.1}, {2, 0.2}, {5, 0.5}, {9, 0.9}, {10, 1}}
	for k, want := range [][]int{nil, {5}, {0, 5}, {0, 3, 5}, {0, 2, 3, 5}} {
		if got := bundle.Spread(points, k); !slices.Equal(got, want) {
			t.Errorf("%d points: %v, want %v", k, got, want)
		}
	}
	if got := bundle.Spread(points, 9); len(got) != 6 {
		t.Errorf("all of them: %v", got)
	}
}

// FuzzDecode: no manifest makes the reader panic, and what it accepts is written and read alike.
func FuzzDecode(f *testing.F) {
	needs.Clone(f)
	m := write(f, f.TempDir())
	text, err := json.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"format":"autotailor bundle 2","weights":{"file":".."},"subnets":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := bundle.Decode(bytes.NewReader(text), mobilenetv2.Definition())
		if err != nil {
			return
		}
		if filepath.Base(m.Weights.File) != m.Weights.File || m.Weights.File == ".." {
			t.Errorf("weights in %q", m.Weights.File)
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bundle.Decode(bytes.NewReader(again), mobilenetv2.Definition()); err != nil {
			t.Error(err)
		}
	})
}
